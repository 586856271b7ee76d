"""A file as it arrives: written, counted and hashed in one pass, and refused as soon as it is too long."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from analysis.fetching.catalogue import ModelFile
from analysis.fetching.errors import SourceError

CHUNK_BYTES = 1024 * 1024


class Receiver:
    """One file of a model. `finish` says whether what came is that file."""

    def __init__(self, folder: Path, file: ModelFile) -> None:
        self.file = file
        self.received = 0
        self._path = folder / file.name
        self._digest = hashlib.sha256()
        self._target = self._path.open("wb")

    def write(self, chunk: bytes) -> None:
        """Take the next bytes. Raises SourceError when there are more than the file has."""
        self.received += len(chunk)
        if self.received > self.file.bytes:
            raise SourceError(f"{self.file.name} is longer than {self.file.bytes} bytes")
        self._digest.update(chunk)
        self._target.write(chunk)

    def restart(self) -> None:
        """Forget what came: the source begins again."""
        self._target.seek(0)
        self._target.truncate()
        self._digest = hashlib.sha256()
        self.received = 0

    def finish(self) -> None:
        """Flush to the disk, and compare. Raises SourceError when these are not the file's bytes."""
        self._target.flush()
        os.fsync(self._target.fileno())
        self._target.close()
        if fault := _fault(self.file, self.received, self._digest.hexdigest()):
            raise SourceError(fault)

    def close(self) -> None:
        """Let go of the file, whatever it holds."""
        with suppress(OSError):  # a full disk refuses the last of what is buffered, too
            self._target.close()


def file_fault(folder: Path, file: ModelFile, tell: Callable[[int], None] = lambda _: None) -> str:
    """How a file of a folder differs from the catalogue's; empty where it does not. Reads all of it.

    `tell` hears of each read's length.
    """
    digest, length = hashlib.sha256(), 0
    try:
        with (folder / file.name).open("rb") as source:
            while chunk := source.read(CHUNK_BYTES):
                digest.update(chunk)
                length += len(chunk)
                tell(len(chunk))
                if length > file.bytes:
                    break
    except OSError as error:
        return f"{file.name}: {error.strerror or error}"
    return _fault(file, length, digest.hexdigest())


def file_sum(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fault(file: ModelFile, length: int, digest: str) -> str:
    if length > file.bytes:
        return f"{file.name} is longer than {file.bytes} bytes"
    if length < file.bytes:
        return f"{file.name} has {length} bytes instead of {file.bytes}"
    if file.sha256 and digest != file.sha256:
        return f"{file.name} has the SHA-256 {digest[:12]}… instead of {file.sha256[:12]}…"
    return ""
