"""Rejects operators' regular expressions that could be too slow: they run on addresses that callers write. Pure."""

from __future__ import annotations

import re
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

MOST_OPEN = 3
"""Open repetitions that may match each other's text. Over the 256 characters of an address, three cost some millions of
steps. A search that is not anchored at the start counts as one."""
FEW = 8
"""A repetition whose length varies by at most this is not counted as open."""


def fault(pattern: str) -> str:
    """Why a pattern is rejected; empty if it is accepted. Never raises."""
    try:
        re.compile(pattern)
        tree = parser.parse(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        return f"is not a regular expression: {error}"
    if _is_nested(tree, within=False):
        return "has nested repetitions, which may take forever; make the inner one possessive (++, *+)"
    first = tree[0] if len(tree) else (None, None)
    anchored = first[0] is op.AT and first[1] in (op.AT_BEGINNING, op.AT_BEGINNING_STRING)
    if _open(tree) + (not anchored) > MOST_OPEN:
        return "has too many open repetitions; bound them ({1,8}), make them possessive (++, *+) or start with ^"
    return ""


def _is_nested(tree: Any, within: bool) -> bool:
    """Whether something that can match in several ways is inside a repetition that can backtrack."""
    for kind, value in tree:
        if kind in (op.MAX_REPEAT, op.MIN_REPEAT):
            low, high, body = value
            if (within and low != high) or _is_nested(body, within or high - low > 1):
                return True
        elif kind is op.BRANCH:
            if within or any(_is_nested(branch, within) for branch in value[1]):
                return True
        elif kind in (op.POSSESSIVE_REPEAT, op.ATOMIC_GROUP):  # does not backtrack once it has matched
            if _is_nested(value[2] if kind is op.POSSESSIVE_REPEAT else value, within=False):
                return True
        elif any(_is_nested(body, within) for body in _bodies(kind, value)):
            return True
    return False


def _open(tree: Any) -> int:
    count = 0
    for kind, value in tree:
        if kind in (op.MAX_REPEAT, op.MIN_REPEAT):
            count += (value[1] - value[0] > FEW) + _open(value[2])
        elif kind is op.BRANCH:
            count += max(_open(branch) for branch in value[1])
        else:
            count += sum(_open(body) for body in _bodies(kind, value))
    return count


def _bodies(kind: Any, value: Any) -> list[Any]:
    if kind is op.POSSESSIVE_REPEAT:
        return [value[2]]
    if kind is op.ATOMIC_GROUP:
        return [value]
    if kind is op.SUBPATTERN:
        return [value[3]]
    if kind in (op.ASSERT, op.ASSERT_NOT):
        return [value[1]]
    if kind is op.GROUPREF_EXISTS:
        return [body for body in value[1:] if body is not None]
    return []
