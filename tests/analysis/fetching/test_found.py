"""What `analysis.model` leads to, and what is said where it leads nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.fetching import found, placing
from analysis.fetching.fetch import fetch
from analysis.fetching.found import model_folder
from analysis.fetching.hub import Hub
from service.settings import ConfigError
from tests.analysis.fetching.stand_ins import CONTENT, StandInHub, is_whole, model, silent, status


@pytest.fixture(autouse=True)
def models(hub: StandInHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of fetched models; the small model for a catalogue, the stand-in for a hub."""
    monkeypatch.setattr(found, "known", lambda name: model() if name == "small-one" else None)
    monkeypatch.setattr(placing, "catalogue", lambda: {"small-one": model()})
    monkeypatch.setattr(found, "Hub", lambda: Hub(hub.url, pause=0))
    monkeypatch.setenv("CALLVANE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "cache" / "models"


def error(name: str) -> str:
    """The one line with which a model is refused."""
    with pytest.raises(ConfigError) as caught:
        model_folder(name)
    line = str(caught.value)
    assert line.startswith("analysis.model: ")
    assert "\n" not in line
    return line


def test_a_fetched_model_is_found(hub: StandInHub, models: Path) -> None:
    """A name leads to the folder that it was fetched to, and nobody is asked."""
    fetch(model(), models / "small-one", [Hub(hub.url)], silent())
    hub.asked.clear()
    assert model_folder("small-one") == models / "small-one"
    assert hub.asked == []


def test_a_name_is_no_folder_of_the_same_name(tmp_path: Path, models: Path) -> None:
    """What a name means does not depend on where the process was started."""
    (tmp_path / "small-one").mkdir()
    assert model_folder("small-one") == models / "small-one"


def test_what_the_hubs_client_keeps_is_used(hub: StandInHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that was fetched at the pinned commit before there was a command is not fetched again, if it is whole."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    kept = tmp_path / "hub" / "models--owner--small-one" / "snapshots" / model().revision
    kept.mkdir(parents=True)
    for name, content in CONTENT.items():
        (kept / name).write_bytes(content)
    assert model_folder("small-one") == kept
    assert hub.asked == []
    (kept / "model.bin").write_bytes(b"half")
    assert model_folder("small-one") != kept


def test_without_one_the_hub_is_asked(models: Path) -> None:
    """The pinned commit is fetched, checked, and kept where the command would have put it."""
    assert model_folder("small-one") == models / "small-one"
    assert is_whole(models / "small-one")


def test_without_a_hub_the_command_is_named(hub: StandInHub) -> None:
    """One line: the command that brings it, and what was wrong with the hub."""
    hub.answers[hub.path("config.json")] = status(503)
    line = error("small-one")
    assert "small-one is not on this machine, run `python -m analysis fetch small-one`; small-one did not come" in line
    assert "503" in line


def test_a_fetched_model_that_was_cut_short(hub: StandInHub, models: Path) -> None:
    """Sizes are compared at each start; the file and the cure are named, and nothing is fetched over it."""
    fetch(model(), models / "small-one", [Hub(hub.url)], silent())
    (models / "small-one" / "model.bin").write_bytes(b"half")
    line = error("small-one")
    assert "model.bin has 4 bytes instead of 300000; run `python -m analysis fetch small-one`" in line


def test_a_fetched_folder_that_was_cut_short(hub: StandInHub, tmp_path: Path) -> None:
    """The same for a model that was fetched to a place of one's own, by the digests beside it."""
    fetch(model(), tmp_path / "here", [Hub(hub.url)], silent())
    assert model_folder(str(tmp_path / "here")) == tmp_path / "here"
    assert model_folder("./here") == Path("here")
    assert model_folder("~/here") == tmp_path / "here"
    (tmp_path / "here" / "model.bin").write_bytes(b"half")
    assert f"run `python -m analysis fetch small-one --to {tmp_path / 'here'}`" in error(str(tmp_path / "here"))


@pytest.mark.parametrize(
    "name", ["models/base", "/srv/models/base", "./base", "../base", "~/base", ".base", "a/b/c", "owner/other", "base/"]
)
def test_a_path_that_does_not_exist_is_no_name(name: str, hub: StandInHub) -> None:
    """Whatever looks like a path is told to be none that exists, and the hub is not asked."""
    line = error(name)
    assert f"{name} is not a folder" in line
    assert "python -m analysis fetch OWNER/NAME" in line
    assert hub.asked == []


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    """Nor is a file taken for a name."""
    (tmp_path / "model.bin").write_bytes(b"")
    assert "model.bin is not a folder" in error("model.bin")


def test_a_name_that_is_none(hub: StandInHub) -> None:
    """A misspelt name is told with those that there are, and the hub is not asked."""
    line = error("smal-one")
    assert "smal-one is unknown; set tiny.en" in line
    assert hub.asked == []


def test_an_unverified_model_is_found_by_its_name(tmp_path: Path, models: Path) -> None:
    """OWNER/NAME leads to where it was fetched to."""
    folder = models / "owner--other"
    folder.mkdir(parents=True)
    assert "lacks model.bin" in error("owner/other")
    for name in ("model.bin", "config.json", "tokenizer.json", "vocabulary.txt"):
        (folder / name).write_bytes(b"x")
    assert model_folder("owner/other") == folder
