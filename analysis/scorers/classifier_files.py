"""A classifier's files: in a local folder, or downloaded from the model hub at a revision."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from huggingface_hub import list_repo_files, snapshot_download

from service.settings import ConfigError

log = logging.getLogger(__name__)

SETTING = "analysis.classifier"
MODELS = ("model_quantized.onnx", "model_int8.onnx", "model_uint8.onnx", "model.onnx")
"""Names of models, small and fast ones first; each in the folder itself or in `onnx/`."""
BESIDE = ("config.json", "tokenizer.json")
_FOLDERS = ("", "onnx/")
_BESIDE = [f"{folder}{one}" for one in BESIDE for folder in _FOLDERS]


@dataclass(frozen=True, slots=True)
class ClassifierFiles:
    """The files a classifier is loaded from."""

    model: Path
    config: Path
    tokenizer: Path


def classifier_files(name: str, revision: str, file: str) -> ClassifierFiles:
    """The files in a folder, or of OWNER/NAME on the hub, downloaded once; `file` names the model unless empty.

    With HF_HUB_OFFLINE set, only earlier downloads are used. Raises ConfigError.
    """
    local = Path(name).expanduser()
    if local.is_dir():
        if found := _in(local, file):
            return found
        raise ConfigError(f"{SETTING}: {local} lacks {_lacking(local, file)}; export the model to ONNX into it")
    if name.count("/") != 1 or name.startswith((".", "~", "/")) or local.exists():
        raise ConfigError(f"{SETTING}: {name!r:.100} is neither a folder nor OWNER/NAME on the hub")
    try:
        return _fetched(name, revision, file)
    except ConfigError:
        raise
    except Exception as error:  # the hub's client raises many unrelated types
        cause = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ConfigError(
            f"{SETTING}: {name!r:.100} is not a local folder, and the download from the hub failed ({cause:.160}); "
            "check the name, the revision and the network, or give a folder"
        ) from None


def chosen_model(names: Collection[str], file: str) -> str | None:
    """The model among a folder's paths: the requested one, else a quantised one, else the full one."""
    if file:
        return next((place for place in (file, f"onnx/{file}") if place in names), None)
    return next((f"{folder}{model}" for model in MODELS for folder in _FOLDERS if f"{folder}{model}" in names), None)


def _fetched(name: str, revision: str, file: str) -> ClassifierFiles:
    pinned = revision or None
    try:
        # Look for the model in the folder: only one of the hub's several was downloaded.
        kept = snapshot_download(name, revision=pinned, local_files_only=True, allow_patterns=_BESIDE)
        if found := _in(Path(kept), file):
            return found
    except (OSError, ValueError):
        log.info("classifier %s is not in the local cache", name)
    names = list_repo_files(name, revision=pinned)
    model = chosen_model(names, file)
    beside = [one for one in _BESIDE if one in names]
    if model is None or {PurePosixPath(one).name for one in beside} != set(BESIDE):
        raise ConfigError(
            f"{SETTING}: {name} has no {file or MODELS[-1]} with {' and '.join(BESIDE)}; "
            "export it to ONNX into a folder and give that folder"
        )
    log.info("downloading %s of classifier %s from the hub; this can take minutes", model, name)
    folder = Path(snapshot_download(name, revision=pinned, allow_patterns=[model, f"{model}_data", *beside]))
    log.info("classifier %s is at revision %s", name, folder.name)
    if found := _in(folder, file):
        return found
    raise ConfigError(f"{SETTING}: {name} was downloaded without {_lacking(folder, file)}; try again")


def _in(folder: Path, file: str) -> ClassifierFiles | None:
    model = chosen_model(_names(folder), file)
    if model is None:
        return None
    path = folder / model
    config, tokenizer = (
        next((place / one for place in (folder, path.parent) if (place / one).is_file()), None) for one in BESIDE
    )
    return ClassifierFiles(path, config, tokenizer) if config and tokenizer else None


def _lacking(folder: Path, file: str) -> str:
    names = _names(folder)
    lacking = [one for one in BESIDE if not {one, f"onnx/{one}"} & names]
    return ", ".join(([] if chosen_model(names, file) else [file or MODELS[-1]]) + lacking)


def _names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for place in ("*", "onnx/*") for path in folder.glob(place)}
