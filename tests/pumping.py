"""Text that makes a slow pattern slow: what a pattern repeats, repeated, between a beginning that fits and an end that
does not."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterator
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from time import thread_time
from typing import Any

SMALL = (22, 33, 50, 75)
"""A pattern that is exponential is slow with one of these already, and with the next one takes seconds at most."""
SIZES = (128, 512, 2_048, 8_192)
MOST_GROWTH = 8.0
"""Of the time for four times as much text: 4 is linear, 16 quadratic."""
LEAST_SECONDS = 0.002
"""Less than this is not measured: a quadratic pattern needs a hundred times as long for the largest size."""
PUMPS = 14
ENDS = ("", "\0", "z", "\n!")
REPEATS = (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT)
OF_CATEGORY = {
    op.CATEGORY_DIGIT: "1",
    op.CATEGORY_SPACE: " ",
    op.CATEGORY_WORD: "a",
    op.CATEGORY_NOT_DIGIT: "a",
    op.CATEGORY_NOT_SPACE: "a",
    op.CATEGORY_NOT_WORD: " ",
}


def growth(scan: Callable[[Any], object], text: Callable[[int], Any]) -> float:
    """How many times longer four times as much text takes, at most; 0 where no time can be measured."""
    for size in SMALL:
        if cost(scan, text(size)) > LEAST_SECONDS and min(cost(scan, text(size)) for _ in range(3)) > LEAST_SECONDS:
            return math.inf
    less = cost(scan, text(SIZES[0]))
    for size in SIZES[1:]:
        more = cost(scan, text(size))
        if more > LEAST_SECONDS and more > MOST_GROWTH * less:  # again, with care
            less = min(cost(scan, text(size // 4)) for _ in range(5))
            more = min(more, *(cost(scan, text(size)) for _ in range(2)))
            if more > MOST_GROWTH * less:
                return more / max(less, 1e-7)
        less = more
    return 0.0


def cost(scan: Callable[[Any], object], text: Any) -> float:
    """Seconds of CPU that it takes."""
    begun = thread_time()
    scan(text)
    return thread_time() - begun


def texts(pattern: re.Pattern[Any]) -> Iterator[Callable[[int], Any]]:
    """Ways to make text of a given length that the pattern may be slow with."""
    source = pattern.pattern
    is_bytes = isinstance(source, bytes)
    tree = parser.parse(source.decode("latin-1") if is_bytes else source, pattern.flags & ~re.UNICODE & ~re.DEBUG)
    beginnings = list(
        dict.fromkeys("".join(_sample(node) for node in list(tree)[:count]) for count in range(len(tree)))
    )
    pumps = list(dict.fromkeys(filter(None, [*_repeated(tree), *beginnings, _whole(tree)])))[:PUMPS]
    pairs = [one + other for one, other in itertools.permutations(pumps, 2)]
    for pump, beginning, end, blocks in itertools.chain(
        itertools.product(pumps, dict.fromkeys(["", *beginnings[:6], *pumps[:3]]), ENDS, (1,)),
        itertools.product(pairs, dict.fromkeys(["", *beginnings[-1:]]), ENDS[1:2], (1,)),
        itertools.product(pumps, dict.fromkeys([*beginnings[-1:], *pumps]), ENDS[1:3], (3,)),
    ):

        def text(size: int, pump: str = pump, beginning: str = beginning, end: str = end, blocks: int = blocks) -> Any:
            made = (beginning + pump * (size // blocks // len(pump))) * blocks + end
            return made.encode("latin-1", "replace") if is_bytes else made

        yield text


def _whole(tree: Any) -> str:
    return "".join(_sample(node) for node in tree)


def _sample(node: Any) -> str:
    """A short text that a node matches."""
    kind, value = node
    if kind is op.LITERAL:
        return chr(value)
    if kind is op.NOT_LITERAL or kind is op.ANY:
        return "a" if value != ord("a") else "b"
    if kind is op.IN:
        return _member(value)
    if kind is op.BRANCH:
        return _whole(value[1][0])
    if kind in REPEATS:
        return _whole(value[2]) * max(1, int(value[0]))
    if kind is op.SUBPATTERN:
        return _whole(value[3])
    if kind is op.ATOMIC_GROUP:
        return _whole(value)
    return ""


def _member(members: Any) -> str:
    if members[0][0] is not op.NEGATE:
        return _first(members[0])
    excluded = "".join(_first(one) for one in members[1:])
    fitting: list[str] = [one for one in ("a", "1", " ", "-", "x", "~") if one not in excluded]
    return fitting[0]


def _first(member: Any) -> str:
    kind, value = member
    if kind is op.CATEGORY:
        return OF_CATEGORY.get(value, "a")
    return chr(value[0] if kind is op.RANGE else value)


def _repeated(tree: Any, within: bool = False) -> Iterator[str]:
    """What stands in repetitions: each alternative, and each kind of character of a set."""
    for kind, value in tree:
        if kind in REPEATS:
            if value[1] > 1:
                yield _whole(value[2])
            yield from _repeated(value[2], within or value[1] > 1)
        elif kind is op.BRANCH:
            for branch in value[1]:
                if within:
                    yield _whole(branch)
                yield from _repeated(branch, within)
        elif kind is op.SUBPATTERN:
            yield from _repeated(value[3], within)
        elif kind is op.ATOMIC_GROUP:
            yield from _repeated(value, within)
        elif kind in (op.ASSERT, op.ASSERT_NOT):
            yield from _repeated(value[1], within)
        elif kind is op.IN and within:
            if value[0][0] is op.NEGATE:
                yield _member(value)
            else:
                yield from (_first(member) for member in value)
