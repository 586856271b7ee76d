"""The folder that `analysis.model` means: a path, or a name whose model is on this machine or comes from the hub."""

from __future__ import annotations

import logging
from pathlib import Path

from huggingface_hub import snapshot_download

from analysis.fetching.catalogue import Model, catalogue, known
from analysis.fetching.errors import FetchError
from analysis.fetching.fetch import fetch
from analysis.fetching.hub import Hub
from analysis.fetching.placing import fetched_model, place_of, sizes_fault
from analysis.fetching.progress import Progress
from service.settings import ConfigError

log = logging.getLogger(__name__)

SETTING = "analysis.model"
NEEDED_FILES = ("model.bin", "config.json", "tokenizer.json")
VOCABULARY_FILES = ("vocabulary.json", "vocabulary.txt")


def model_folder(name: str) -> Path:
    """Where the files of a model lie, their sizes compared with the catalogue's. Raises ConfigError.

    Hashing a large model would delay each start by seconds; `python -m analysis fetch NAME --check` does it.
    """
    if model := known(name):
        return _named(name, model)
    path = Path(name).expanduser()
    if path.is_dir():
        return whole(path)
    is_path = "/" in name or name.startswith((".", "~")) or path.exists()
    if is_path and not (name.count("/") == 1 and place_of(name).is_dir()):
        raise ConfigError(
            f"{SETTING}: {name} is not a folder; name a folder with a CTranslate2 Whisper in it, "
            f"or {', '.join(catalogue())}. "
            "Another model of the hub comes with `python -m analysis fetch OWNER/NAME --unverified`"
        )
    if is_path:
        return whole(place_of(name))
    raise ConfigError(f"{SETTING}: {name} is unknown; set {', '.join(catalogue())}, or the path of a folder")


def whole(folder: Path) -> Path:
    """A folder that has all that a Whisper needs, and as much of it as was fetched. Raises ConfigError."""
    lacking = [name for name in NEEDED_FILES if not (folder / name).is_file()]
    if not any((folder / name).is_file() for name in VOCABULARY_FILES):
        lacking.append(VOCABULARY_FILES[0])
    if lacking:
        raise ConfigError(
            f"{SETTING}: {folder} lacks {', '.join(lacking)}; "
            "convert the model with ct2-transformers-converter --copy_files tokenizer.json preprocessor_config.json"
        )
    model = fetched_model(folder)
    if model and (fault := sizes_fault(folder, model)):
        raise ConfigError(f"{SETTING}: {folder} is not whole: {fault}; {_cure(model, folder)}")
    return folder


def _named(name: str, model: Model) -> Path:
    """A model of the catalogue: where it was fetched to, in the hub's own cache, or fetched now."""
    place = place_of(model.name)
    if place.is_dir():
        if fault := sizes_fault(place, model):
            raise ConfigError(f"{SETTING}: {name} in {place} is not whole: {fault}; {_cure(model)}")
        return place
    try:
        cached = Path(snapshot_download(model.hub, revision=model.revision, local_files_only=True))
        if not sizes_fault(cached, model):
            return cached
    except (OSError, ValueError):
        log.info("model %s is not on this machine", name)
    try:
        fetch(model, place, [Hub()], Progress(log.info))
    except FetchError as error:
        raise ConfigError(f"{SETTING}: {name} is not on this machine, {_cure(model)}; {error}") from None
    return place


def _cure(model: Model, folder: Path | None = None) -> str:
    return f"run `python -m analysis fetch {model.name}{f' --to {folder}' if folder else ''}`"
