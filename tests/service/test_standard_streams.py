"""Processes that are started without standard error, or with one that takes nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = """
    import asyncio, logging, os, sys
    from service.process import main
    from service.settings import ProcessSettings

    async def work(settings, process):
        process.ready()
        logging.getLogger("work").warning("a line that nobody reads")
        print("a word that nobody reads", file=sys.stderr)
        with open(sys.argv[1], "w") as file: file.write(str(file.fileno()))
        await process.stopping.wait()

    sys.exit(main("work", "Works.", ProcessSettings, work, 0, []))
"""


@pytest.mark.parametrize("streams", ["2>&-", "<&- >&- 2>&-", "<&- 2>&-"])
def test_a_process_works_without_standard_streams(tmp_path: Path, streams: str) -> None:
    """It runs, gives their descriptors to no other file, and stops in order."""
    file = tmp_path / "descriptor"
    command = f'exec "$0" -c "$1" "$2" {streams}'
    with subprocess.Popen(["bash", "-c", command, sys.executable, textwrap.dedent(PROGRAM), file], cwd=ROOT) as process:
        deadline = time.monotonic() + 60
        while process.poll() is None and not (file.exists() and file.read_text()) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert int(file.read_text()) > 2


@pytest.mark.parametrize("name", ["sip_bridge", "analysis", "console", "written"])
@pytest.mark.parametrize("stream", ["2>&-", "2>/dev/full"])
def test_bad_settings_end_with_2_though_nobody_is_told(name: str, stream: str) -> None:
    """The status alone says it, and nothing comes out elsewhere."""
    ended = subprocess.run(
        ["bash", "-c", f'exec "$0" -m {name} {stream}', sys.executable],
        cwd=ROOT,
        env={**os.environ, "CALLVANE_LOG__LEVEL": "loud"},
        stdout=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (2, b"")


def test_a_command_works_without_standard_error() -> None:
    """What asks whether somebody watches gets an answer."""
    command = 'exec "$0" -m analysis fetch no-such-model --check 2>&-'
    ended = subprocess.run(
        ["bash", "-c", command, sys.executable], cwd=ROOT, stdout=subprocess.PIPE, timeout=60, check=False
    )
    assert (ended.returncode, ended.stdout) == (2, b"")
