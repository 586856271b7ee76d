"""One model from whichever source gives it, into its place."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from analysis.fetching.catalogue import Model
from analysis.fetching.errors import FetchError, SourceError
from analysis.fetching.placing import SUMS, place, sizes_fault, staged, unfit
from analysis.fetching.progress import Progress, megabytes
from analysis.fetching.receiving import file_fault, file_sum


class Source(Protocol):
    """Something that gives models."""

    @property
    def name(self) -> str:
        """As it is named to people."""

    def has(self, model: Model) -> bool:
        """Whether it is worth asking."""

    def room(self, model: Model) -> int:
        """Bytes of disk that a fetch takes."""

    def bring(self, model: Model, folder: Path, progress: Progress) -> None:
        """Every file into the folder, checked. Raises SourceError; OSError where the disk does not take it."""


def fetch(model: Model, target: Path, sources: Sequence[Source], progress: Progress) -> str:
    """Put a model into `target`; the name of the source that gave it, empty if it was there. Raises FetchError.

    Whatever ends it, `target` is afterwards whole or as it was, and nothing else is left.
    """
    target = target.expanduser().resolve()
    try:
        if fault := unfit(target):
            raise FetchError(f"{target} {fault}")
        if not model_fault(target, model, progress):
            return ""
        with staged(target, lambda: progress.say(f"another process fetches {model.name}; waiting for it")) as staging:
            if not model_fault(target, model, progress):
                return ""
            given = _bring(model, staging, sources, progress)
            (staging / SUMS).write_text(_sums(staging, model), "ascii")
            place(staging, target)
            return given
    except OSError as error:
        raise FetchError(_disk_fault(error, target, model)) from None


def model_fault(folder: Path, model: Model, progress: Progress) -> str:
    """How the model in a folder differs from the catalogue's, every byte compared; empty where it does not."""
    if fault := sizes_fault(folder, model):
        return fault
    progress.begin(f"checking {model.name}", model.bytes)
    try:
        return next((fault for file in model.files if (fault := file_fault(folder, file, progress.add))), "")
    finally:
        progress.end()


def _bring(model: Model, staging: Path, sources: Sequence[Source], progress: Progress) -> str:
    refusals = []
    for source in sources:
        if not source.has(model):
            continue
        free, room = shutil.disk_usage(staging).free, source.room(model)
        if free < room:
            raise FetchError(_no_room(staging.parent, model, room, free))
        try:
            source.bring(model, staging, progress)
        except SourceError as error:
            progress.say(f"{source.name} does not give {model.name}: {error}")
            refusals.append(f"{source.name}: {error}")
            for left in staging.iterdir():
                left.unlink()
            continue
        return source.name
    raise FetchError(f"{model.name} did not come ({'; '.join(refusals) or 'no source has it'}); see docs/models.md")


def _sums(folder: Path, model: Model) -> str:
    if all(file.sha256 for file in model.files):
        return model.sums
    return "".join(f"{file_sum(folder / file.name)}  {file.name}\n" for file in model.files)


def _disk_fault(error: OSError, target: Path, model: Model) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _no_room(target.parent, model, model.bytes, None)
    return f"{error.filename or target}: {error.strerror or error}; name another place with --to"


def _no_room(folder: Path, model: Model, room: int, free: int | None) -> str:
    now = "the disk is full" if free is None else f"{megabytes(free)} are free"
    return f"{folder}: {model.name} needs {megabytes(room)} and {now}; free some, or name another place with --to"
