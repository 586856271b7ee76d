"""A fetch that is interrupted or killed leaves nothing that could be taken for a model."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from analysis.fetching.fetch import fetch
from analysis.fetching.hub import Hub
from tests.analysis.fetching.stand_ins import CONTENT, StandInHub, StandInIndex, is_untouched, is_whole, model, silent

ROOT = Path(__file__).parents[3]
FETCH = """
import sys
from analysis.fetching import command
from analysis.fetching.catalogue import Package
from analysis.fetching.hub import Hub
from tests.analysis.fetching.stand_ins import model

source, url, target = sys.argv[1:]
package = Package("model-one", "1.0.0", 1, "0" * 64, ())
command.known = lambda _name: model((package,))
command.Hub = lambda: Hub(url)
sys.exit(command.main(["small-one", "--source", source, "--to", target]))
"""
"""The real command, with the small model for a catalogue."""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_fetch_leaves_nothing(hub: StandInHub, tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C and its like, while bytes arrive: one line, status 130, and the folder is as it was."""
    hub.answers[hub.path("model.bin")] = _stuck
    process = start("hub", hub.url, tmp_path / "small-one")
    wait(lambda: hub.path("model.bin") in hub.asked)
    assert not is_untouched(tmp_path)
    process.send_signal(number)
    assert last_line(process, 130) == "analysis fetch: interrupted; nothing is left behind"
    assert is_untouched(tmp_path)


def test_an_interrupted_pip_leaves_nothing(index: StandInIndex, tmp_path: Path) -> None:
    """pip ends with the fetch that has started it."""
    index.answers["/simple/model-one/"] = _stuck
    process = start("index", index.url, tmp_path / "small-one")
    wait(lambda: index.asked)
    pip = [int(name) for name in os.listdir("/proc") if name.isdigit() and parent(name) == process.pid]
    assert len(pip) == 1
    process.send_signal(signal.SIGINT)
    assert last_line(process, 130) == "analysis fetch: interrupted; nothing is left behind"
    assert is_untouched(tmp_path)
    assert not Path(f"/proc/{pip[0]}").exists()


def test_a_killed_fetch_harms_nobody(hub: StandInHub, tmp_path: Path) -> None:
    """What SIGKILL leaves is taken for no model, and the next fetch puts it right."""
    honest = hub.answers[hub.path("model.bin")]
    hub.answers[hub.path("model.bin")] = _stuck
    process = start("hub", hub.url, tmp_path / "small-one")
    wait(lambda: hub.path("model.bin") in hub.asked)
    process.kill()
    process.communicate(timeout=20)
    assert not (tmp_path / "small-one").exists()
    hub.answers[hub.path("model.bin")] = honest
    fetch(model(), tmp_path / "small-one", [Hub(hub.url)], silent())
    assert is_whole(tmp_path / "small-one")
    assert [one.name for one in tmp_path.iterdir()] == ["small-one"]


def _stuck(request: BaseHTTPRequestHandler) -> None:
    """Half of the file, and then nothing."""
    request.send_response(200)
    request.send_header("Content-Length", str(len(CONTENT["model.bin"])))
    request.end_headers()
    request.wfile.write(CONTENT["model.bin"][:150_000])
    time.sleep(5)


def start(source: str, url: str, target: Path) -> subprocess.Popen[str]:
    """The command in a process of its own."""
    command = [sys.executable, "-c", FETCH, source, url, str(target)]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)


def last_line(process: subprocess.Popen[str], code: int) -> str:
    """What a process said at its end, which comes with this status."""
    _, said = process.communicate(timeout=20)
    assert process.returncode == code, said
    assert "Traceback" not in said
    return said.splitlines()[-1]


def parent(process: str) -> int:
    """The process that has started another; 0 where it is gone."""
    try:
        return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def wait(until: Callable[[], object]) -> None:
    """Until it is true, ten seconds at most."""
    ends = time.monotonic() + 10
    while not until() and time.monotonic() < ends:
        time.sleep(0.02)
    assert until()
