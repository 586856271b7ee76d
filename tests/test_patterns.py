"""No pattern that sees other people's text is worse than linear, however it is pumped."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.pumping import MOST_GROWTH, growth, texts

ROOT = Path(__file__).parents[1]
PACKAGES = ("analysis", "callbus", "console", "service", "sip_bridge", "written")
OPERATORS = ("sip_bridge/request/roles.py",)
"""Where the patterns are the operator's own; see `test_agent_pattern`."""
SCANS = {"match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer"}


@dataclass(frozen=True)
class Use:
    """A pattern, and how it is used."""

    where: str
    pattern: re.Pattern[Any]
    method: str

    def __call__(self, text: Any) -> object:
        """Use it on a text."""
        match self.method:
            case "match" | "fullmatch" | "search":
                return getattr(self.pattern, self.method)(text)
            case _:
                return sum(1 for _ in self.pattern.finditer(text))


@cache
def uses() -> list[Use]:
    """Every use of a pattern in the packages."""
    return sorted(
        {(use.where, use.pattern.pattern, use.method): use for path in _files() for use in _uses(path)}.values(),
        key=lambda use: use.where,
    )


def _files() -> Iterator[Path]:
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


def _uses(path: Path) -> Iterator[Use]:
    source = path.read_text(encoding="utf-8")
    if "import re\n" not in source and "pattern=" not in source:
        return
    where = str(path.relative_to(ROOT))
    module = importlib.import_module(where.removesuffix(".py").replace("/", "."))
    tree = ast.parse(source)
    named = {name: value for name, value in vars(module).items() if not name.startswith("__")}
    for name, value in named.items():
        methods = _methods(tree, name) if isinstance(value, re.Pattern) else {"search", "finditer"}
        for pattern in _patterns(value, module):
            yield from (Use(f"{where} {name}", pattern, method) for method in methods)
    for call in ast.walk(tree):
        if isinstance(call, ast.Call):
            place = f"{where}:{call.lineno}"
            if (method := _of_re(call)) in SCANS and where not in OPERATORS:
                yield Use(place, _compiled(call, module), method)
            for keyword in call.keywords:  # of a field's bounds, as msgspec and pydantic take them
                if keyword.arg == "pattern" and isinstance(keyword.value, ast.Constant):
                    yield Use(place, re.compile(keyword.value.value), "search")


def _methods(tree: ast.AST, name: str) -> set[str]:
    """What a module does with one of its patterns; all that one can, where that is not to be seen."""
    attributes = (node for node in ast.walk(tree) if isinstance(node, ast.Attribute))
    found = {one.attr for one in attributes if isinstance(one.value, ast.Name) and one.value.id == name}
    return found & SCANS or {"fullmatch", "finditer"}


def _patterns(value: object, module: ModuleType, depth: int = 3) -> Iterator[re.Pattern[Any]]:
    """Those within a module's value: itself, in a collection, or in the fields of what is in one."""
    if isinstance(value, re.Pattern):
        yield value
    elif depth and isinstance(value, tuple | list | frozenset):
        for one in value:
            yield from _patterns(one, module, depth - 1)
    elif depth and isinstance(value, dict):
        yield from _patterns(tuple(value.values()), module, depth - 1)
    elif depth and is_dataclass(value) and not isinstance(value, type):
        yield from _patterns(tuple(getattr(value, one.name) for one in fields(value)), module, depth - 1)


def _of_re(call: ast.Call) -> str:
    function = call.func
    is_re = isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id == "re"
    return function.attr if is_re and isinstance(function, ast.Attribute) else ""


def _compiled(call: ast.Call, module: ModuleType) -> re.Pattern[Any]:
    """The pattern that a call names, what is put into it from elsewhere replaced by something short."""
    flags = [*call.args[2:], *(keyword.value for keyword in call.keywords if keyword.arg == "flags")]
    named = next((one for one in flags if "re." in ast.unparse(one)), None)
    return re.compile(_text(call.args[0], module), _value(named, module) if named else 0)


def _text(expression: ast.expr, module: ModuleType) -> Any:
    if not isinstance(expression, ast.JoinedStr):
        return _value(expression, module)
    parts = [one.value if isinstance(one, ast.FormattedValue) else one for one in expression.values]
    return "".join(str(_value(part, module, "2")) for part in parts)


def _value(expression: ast.expr, module: ModuleType, otherwise: str = "") -> Any:
    try:
        return eval(ast.unparse(expression), vars(module))  # noqa: S307 # the project's own source
    except NameError:
        assert otherwise, f"{module.__name__}:{expression.lineno}: a pattern from elsewhere; name who writes it"
        return otherwise


def slow(use: Use) -> str:
    """The text that a use is slower with than linear, as it begins; empty for none."""
    for text in texts(use.pattern):
        if (grown := growth(use, text)) > MOST_GROWTH:
            return f"{use.where} {use.method}: {grown:.0f} times with four times {text(24)!r}: {use.pattern.pattern}"
    return ""


@pytest.mark.parametrize(
    ("pattern", "method"),
    [
        (r"(a+)+$", "fullmatch"),
        (r"(?:x|xx)*y", "match"),
        (r"[.,;]*$", "search"),
        (r"\s+$", "sub"),
        (r"<a[^>]*>", "search"),
        (r"(?:\W*\b(?:ok|go on)\b\W*){1,3}", "fullmatch"),
    ],
)
def test_a_slow_pattern_is_found(pattern: str, method: str) -> None:
    """Exponential ones, and those that are quadratic or cubic within, or because a search begins anew everywhere."""
    assert slow(Use("here", re.compile(pattern), method))


def test_every_pattern_is_linear() -> None:
    """Of four times as much text, at most eight times the work, whatever a pattern's own parts make of it."""
    assert [fault for use in uses() if (fault := slow(use))] == []


def test_the_page_has_no_patterns() -> None:
    """Where it gets some, they belong into a test as this one."""
    signs = ("RegExp", ".match(", ".matchAll(", ".search(", ".exec(", ".test(", "replace(/", "replaceAll(/", "split(/")
    for path in (ROOT / "console/page").glob("*.js"):
        assert not [sign for sign in signs if sign in path.read_text(encoding="utf-8")], path.name
