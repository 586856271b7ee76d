"""A classifier fetched from a hub, over real HTTP: a small hub of the test's own, and a process that asks it."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from subprocess import run
from threading import Thread

import pytest

from tests.analysis.classifiers import classifier

ROOT = Path(__file__).parents[3]
REVISION = "0123456789abcdef0123456789abcdef01234567"
FETCH = """
import sys
from analysis.scorers.classifier_files import classifier_files
from service.settings import ConfigError
try:
    print(classifier_files("owner/name", *sys.argv[1:]).model)
except ConfigError as error:
    print(error)
"""


class Hub:
    """A hub with one model, `owner/name`."""

    def __init__(self, folder: Path) -> None:
        classifier(folder, ("negative", "neutral", "positive"), {}, model="onnx/model_quantized.onnx")
        for name in ("model.onnx", "pytorch_model.bin"):
            (folder / name).write_bytes(b"large")
        self.asked: list[str] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            """The paths that the hub's client asks for."""

            def do_GET(self) -> None:
                """With the body."""
                self._answer(body=True)

            def do_HEAD(self) -> None:
                """Without it."""
                self._answer(body=False)

            def log_message(self, format: str, *args: object) -> None:
                """Nobody reads it."""

            def _answer(self, *, body: bool) -> None:
                hub.asked.append(self.path)
                content = hub.content(self.path.partition("?")[0], folder)
                self.send_response(404 if content is None else 200)
                self.send_header("Content-Length", str(len(content or b"")))
                self.send_header("X-Repo-Commit", REVISION)
                self.send_header("ETag", f'"{hashlib.sha256(content or b"").hexdigest()[:40]}"')
                self.end_headers()
                if body and content:
                    self.wfile.write(content)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def content(self, path: str, folder: Path) -> bytes | None:
        """What stands there."""
        names = sorted(one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_file())
        if path.startswith("/api/models/owner/name/tree/"):
            files = [{"type": "file", "path": name, "size": (folder / name).stat().st_size} for name in names]
            return json.dumps([{**file, "oid": "0" * 40} for file in files]).encode()
        if path.startswith("/api/models/owner/name"):
            siblings = [{"rfilename": name} for name in names]
            return json.dumps({"id": "owner/name", "sha": REVISION, "siblings": siblings}).encode()
        name = path.removeprefix(f"/owner/name/resolve/{REVISION}/")
        return (folder / name).read_bytes() if name in names else None

    def fetched(self) -> set[str]:
        """The files that were asked for."""
        return {path.partition(f"{REVISION}/")[2] for path in self.asked if "/resolve/" in path}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """Serving on loopback."""
    made = Hub(tmp_path / "served")
    thread = Thread(target=made.server.serve_forever, args=(0.02,))
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def fetch(hub: Hub, cache: Path, *arguments: str, offline: bool = False) -> str:
    """What a process of its own finds, by revision and file."""
    environment = {
        "HF_ENDPOINT": hub.url,
        "HF_HUB_CACHE": str(cache),
        "HF_HUB_OFFLINE": str(int(offline)),
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "PATH": "",
    }
    done = run(
        [sys.executable, "-c", FETCH, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_one_model_is_fetched_once(hub: Hub, tmp_path: Path) -> None:
    """The quantised one and what belongs to it, nothing else; afterwards the hub is not asked, offline or not."""
    found = fetch(hub, tmp_path / "cache", "main", "")
    assert found.endswith(f"snapshots/{REVISION}/onnx/model_quantized.onnx")
    assert hub.fetched() == {"onnx/model_quantized.onnx", "config.json", "tokenizer.json"}
    hub.asked.clear()
    assert fetch(hub, tmp_path / "cache", "main", "") == found
    assert fetch(hub, tmp_path / "cache", "main", "", offline=True) == found
    assert not [path for path in hub.asked if "owner" in path]


def test_a_revision_and_a_file_can_be_named(hub: Hub, tmp_path: Path) -> None:
    """By commit, and by the name of its model."""
    assert fetch(hub, tmp_path / "cache", REVISION, "model.onnx").endswith(f"{REVISION}/model.onnx")
    assert hub.fetched() == {"model.onnx", "config.json", "tokenizer.json"}


def test_what_the_hub_lacks_is_told(hub: Hub, tmp_path: Path) -> None:
    """In one line; offline nothing is asked."""
    assert "owner/name has no other.onnx with config.json" in fetch(hub, tmp_path / "cache", "", "other.onnx")
    assert hub.fetched() == set()
    hub.asked.clear()
    assert "the download from the hub failed" in fetch(hub, tmp_path / "empty", "", "", offline=True)
    assert hub.asked == []
