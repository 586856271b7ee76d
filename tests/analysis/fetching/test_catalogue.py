"""The shipped catalogue: complete, pinned, and with names that can be no paths."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from analysis.fetching.catalogue import ALIASES, Model, catalogue, known
from analysis.fetching.found import NEEDED_FILES, VOCABULARY_FILES
from analysis.fetching.hub import WANTED_FILES

MODELS = list(catalogue().values())
NAMES = [model.name for model in MODELS]


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_a_model_is_pinned_to_its_bytes(model: Model) -> None:
    """Each has a commit, and a size and a digest of every file that a Whisper needs."""
    assert re.fullmatch(r"[0-9a-f]{40}", model.revision)
    assert re.fullmatch(r"[\w.-]+/[\w.-]+", model.hub)
    assert all(re.fullmatch(r"[0-9a-f]{64}", file.sha256) and file.bytes > 0 for file in model.files)
    names = {file.name for file in model.files}
    assert {*NEEDED_FILES} <= names
    assert len({*VOCABULARY_FILES} & names) == 1
    assert model.licence == "MIT"


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_no_name_is_a_path(model: Model) -> None:
    """Files and folders that a fetch writes have plain names that are known."""
    assert re.fullmatch(r"[a-z0-9.-]+", model.name)
    assert not model.name.startswith(".")
    assert {file.name for file in model.files} <= {*WANTED_FILES}


@pytest.mark.parametrize("model", [model for model in MODELS if model.packages], ids=lambda model: model.name)
def test_packages_hold_every_file(model: Model) -> None:
    """What the index gives is the whole model."""
    assert {name for package in model.packages for name, _ in package.holds} == {file.name for file in model.files}
    assert all(re.fullmatch(r"[0-9a-f]{64}", package.sha256) for package in model.packages)


def test_digests_are_those_that_sha256sum_prints() -> None:
    """The lines of a model, as `sha256sum --check` reads them."""
    model = catalogue()["base"]
    assert model.sums.splitlines()[1] == ("d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9  model.bin")
    assert model.sums.count("\n") == len(model.files)


def test_other_names_of_a_model() -> None:
    """What people call it leads to it; anything else to none."""
    assert all(known(other) is catalogue()[name] for other, name in ALIASES.items())
    assert known("turbo") is catalogue()["large-v3-turbo"]
    assert known("Base") is None
    assert known("../base") is None


def test_the_recipe_without_a_network_has_the_same_digests() -> None:
    """What docs/models.md prints for base is the catalogue's, and so is the commit."""
    page = (Path(__file__).parents[3] / "docs" / "models.md").read_text("utf-8")
    assert f"```\n{catalogue()['base'].sums}```" in page
    assert catalogue()["base"].revision in page
