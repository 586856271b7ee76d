"""What the packages that ship import is what pyproject.toml declares for running them."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
SHIPPED = sorted(name.rstrip("*") for name in PROJECT["tool"]["setuptools"]["packages"]["find"]["include"])
DISTRIBUTIONS = packages_distributions()
BESIDE = {"pjsua2": "no index carries a usable build"}
"""Modules that are imported without being declared, and why."""


def normal(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


DECLARED = {normal(re.split(r"[^\w.-]", each)[0]) for each in PROJECT["project"]["dependencies"]}


def imported(package: str) -> Iterator[str]:
    """The top-level modules that a package's files name, wherever in them."""
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module.partition(".")[0]


@pytest.mark.parametrize("package", SHIPPED)
def test_what_ships_imports_what_is_declared(package: str) -> None:
    """No library of the development list, none that is there by chance, and nothing of bench, tests or tools."""
    others = set(imported(package)) - sys.stdlib_module_names - set(SHIPPED) - set(BESIDE)
    strangers = {
        name for name in others if not DECLARED & {normal(known) for known in DISTRIBUTIONS.get(name, (name,))}
    }
    assert not strangers


@pytest.mark.parametrize("lock", ["runtime.txt", "development.txt"])
def test_the_lock_pins_what_is_declared(lock: str) -> None:
    """Each declared dependency, once, in a version that its range allows."""
    text = (ROOT / "deploy/setup" / lock).read_text("utf-8")
    pinned = {normal(name): version for name, version in re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE)}
    for required in map(Requirement, PROJECT["project"]["dependencies"]):
        assert required.specifier.contains(pinned[normal(required.name)]), required
