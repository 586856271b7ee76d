"""Where models lie, and how one gets there: whole or not at all.

A model arrives in a hidden folder beside its place and is renamed when all of it is checked. Whoever fetches holds a
lock on that folder: a second fetch waits, and what a killed one left is cleared away.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from analysis.fetching.catalogue import Model, catalogue
from analysis.fetching.hub import WANTED_FILES

SUMS = "SHA256SUMS"
"""Digests of a fetched model, beside it, as `sha256sum --check` reads them."""
WAIT_SECONDS = 0.2


def models_folder() -> Path:
    """Where fetched models are kept: `models` in $CALLVANE_CACHE, else in ~/.cache/callvane."""
    cache = os.environ.get("CALLVANE_CACHE")
    return (Path(cache) if cache else Path.home() / ".cache" / "callvane") / "models"


def place_of(name: str) -> Path:
    """The folder of a fetched model; an OWNER/NAME gets one of its own."""
    return models_folder() / name.replace("/", "--")


def sizes_fault(folder: Path, model: Model) -> str:
    """Which file of a model is missing, or has another length than in the catalogue; empty where none."""
    for file in model.files:
        try:
            length = (folder / file.name).stat().st_size
        except OSError as error:
            return f"{file.name}: {error.strerror or error}"
        if length != file.bytes:
            return f"{file.name} has {length} bytes instead of {file.bytes}"
    return ""


def fetched_model(folder: Path) -> Model | None:
    """Which model of the catalogue was fetched into a folder, by the digests that lie beside it."""
    try:
        sums = (folder / SUMS).read_text("ascii")[:4_096]
    except (OSError, UnicodeDecodeError):
        return None
    return next((model for model in catalogue().values() if model.sums == sums), None)


def unfit(target: Path) -> str:
    """Why a model cannot be put there; empty where it can. Nobody's other files are ever removed."""
    if not target.exists():
        return ""
    if os.path.ismount(target):
        return "is a mount point; name a folder inside it with --to"
    if not target.is_dir() or not {one.name for one in target.iterdir()} <= {*WANTED_FILES, SUMS}:
        return "holds more than a model; name a new or an empty folder with --to"
    return ""


@contextmanager
def staged(target: Path, wait: Callable[[], None]) -> Iterator[Path]:
    """An empty folder beside `target`, for this process alone; it is gone at the end, unless it was placed.

    `wait` is called once if another process holds it.
    """
    staging = target.with_name(f".{target.name}.fetching")
    target.parent.mkdir(parents=True, exist_ok=True)
    lock = _locked(staging, wait)
    try:
        for left in staging.iterdir():  # by a fetch that was killed
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        yield staging
    finally:
        if _is(staging, lock):
            shutil.rmtree(staging, ignore_errors=True)
        os.close(lock)


def place(staging: Path, target: Path) -> None:
    """Put a checked model into its place, in one step; what was there goes."""
    replaced = target.with_name(f".{target.name}.replaced")
    shutil.rmtree(replaced, ignore_errors=True)
    if target.exists():
        target.rename(replaced)
    try:
        staging.rename(target)
    except OSError:
        if replaced.exists():
            replaced.rename(target)
        raise
    shutil.rmtree(replaced, ignore_errors=True)


def _locked(staging: Path, wait: Callable[[], None]) -> int:
    waited = False
    while True:
        with suppress(FileExistsError):
            staging.mkdir()
        try:
            lock = os.open(staging, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except FileNotFoundError:  # placed or removed meanwhile
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is(staging, lock):
                return lock
        except BlockingIOError:
            if not waited:
                wait()
                waited = True
            time.sleep(WAIT_SECONDS)
        except BaseException:
            os.close(lock)
            raise
        os.close(lock)


def _is(folder: Path, opened: int) -> bool:
    """Whether the path still leads to the folder that was opened."""
    try:
        return os.path.samestat(folder.stat(), os.fstat(opened))
    except FileNotFoundError:
        return False
