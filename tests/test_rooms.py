"""How the house is laid out; which room imports which is checked by `make check`."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOORS = ("__init__.py", "__main__.py")


@pytest.mark.parametrize("package", ["analysis", "callbus", "console", "service", "sip_bridge", "written"])
def test_a_name_means_one_file(package: str) -> None:
    """No two rooms of a package have a file of one name."""
    found = defaultdict(list)
    for path in (ROOT / package).rglob("*.py"):
        if path.name not in DOORS:
            found[path.name].append(str(path.relative_to(ROOT)))
    assert [paths for paths in found.values() if len(paths) > 1] == []


@pytest.mark.parametrize("package", ["analysis", "callbus", "console", "service", "sip_bridge", "testcall", "written"])
def test_each_room_says_what_belongs_in_it(package: str) -> None:
    """A folder with code has a door, whose first line says what is behind it."""
    rooms = {path.parent for path in (ROOT / package).rglob("*.py")}
    assert [room for room in rooms if not (room / "__init__.py").read_text("utf-8").startswith('"""')] == []


def test_tests_mirror_the_rooms() -> None:
    """Each room's tests lie in a folder of the same name, and each `test_NAME.py` there tests that room."""
    rooms = {
        path.parent.relative_to(ROOT)
        for package in ("analysis", "callbus", "console", "sip_bridge")
        for path in (ROOT / package).rglob("*.py")
        if path.parent.parent == ROOT / package
    }
    tested = {
        path.relative_to(ROOT / "tests")
        for package in ("analysis", "callbus", "console", "sip_bridge")
        for path in (ROOT / "tests" / package).iterdir()
        if path.is_dir() and any(path.glob("test_*.py"))
    }
    assert tested <= rooms
