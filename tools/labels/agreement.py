"""How far two hands agree: F1 of one against the other, and Cohen's kappa."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from tools.labels.hand import ACTS, FIRST_ACTS, AgentTurn, CustomerTurn, Labelled

Pair = tuple[Labelled, Labelled]
T = TypeVar("T", CustomerTurn, AgentTurn)


@dataclass(frozen=True, slots=True)
class Row:
    """The agreement on one label."""

    label: str
    places: int
    """Turns, or openings, that were judged."""
    first: int | None = None
    """How many of them the first hand gave the label; None for a choice between several, or if it never looked."""
    second: int | None = None
    same: float | None = None
    """Share judged alike, 0 to 1; None without places."""
    f1: float | None = None
    """F1 of one hand against the other, either way round; None if neither gave the label."""
    kappa: float | None = None
    """Cohen's kappa, -1 to 1; None if both hands gave every place the same one label, where it has no value."""
    missing: int = 0
    """Dialogues left out because their first hand did not look for it. If all are, only the second hand is counted."""


def f1(first: Sequence[bool], second: Sequence[bool]) -> float | None:
    """Twice what both found, over all that either found."""
    found = sum(first) + sum(second)
    return 2 * sum(one and other for one, other in zip(first, second, strict=True)) / found if found else None


def kappa(first: Sequence[Hashable], second: Sequence[Hashable]) -> float | None:
    """Agreement beyond what two hands with these habits reach by chance (Cohen 1960)."""
    places = len(first)
    mine, yours = Counter(first), Counter(second)
    same = sum(one == other for one, other in zip(first, second, strict=True)) * places
    chance = sum(count * yours[label] for label, count in mine.items())
    return (same - chance) / (places**2 - chance) if places**2 > chance else None


def rows(pairs: Sequence[Pair]) -> list[Row]:
    """Every label of a set. Where a first hand never looked for one, it is left out, never taken for absent."""
    customers = _turns(CustomerTurn, pairs)
    labels = [(one.label, other.label) for one, other in customers]
    unhappy = [(one.cores, other.cores) for one, other in customers if one.label == other.label == -1]
    doubled = [both for both in unhappy if max(map(len, both)) == 2]
    return [
        _choice("label, of three", labels),
        _given("unhappy", [(one == -1, other == -1) for one, other in labels]),
        _given("pleased", [(one == 1, other == 1) for one, other in labels]),
        _choice("core, the first", [(one[0], other[0]) for one, other in unhappy]),
        Row("core, of two", len(doubled), same=_share([one[0] in other or other[0] in one for one, other in doubled])),
        *(_act(act, pairs) for act in FIRST_ACTS),
        *(_looked_for(pairs, partial(_act, act)) for act in ACTS if act not in FIRST_ACTS),
        _looked_for(pairs, partial(_flag, "urgent", lambda turn: turn.urgent)),
        _looked_for(pairs, partial(_flag, "time-bound", lambda turn: turn.time_bound)),
        _looked_for(pairs, lambda some: _choice("opening", [(one.opening, other.opening) for one, other in some])),
    ]


def _looked_for(pairs: Sequence[Pair], row: Callable[[Sequence[Pair]], Row]) -> Row:
    """A row of the dialogues whose first hand went by the whole book; without any, the second hand's count alone."""
    whole = [pair for pair in pairs if pair[0].opening]
    missing = len(pairs) - len(whole)
    if whole or not missing:
        return replace(row(whole), missing=missing)
    return replace(row(pairs), first=None, same=None, f1=None, kappa=None, missing=missing)


def _turns(kind: type[T], pairs: Sequence[Pair]) -> list[tuple[T, T]]:
    """Both hands' labels of every turn of one party."""
    return [
        (first, second)
        for one, other in pairs
        for first, second in zip(one.turns, other.turns, strict=True)
        if isinstance(first, kind) and isinstance(second, kind)
    ]


def _choice(label: str, both: Sequence[tuple[Hashable, Hashable]]) -> Row:
    same = _share([one == other for one, other in both])
    agreed = kappa([one for one, _ in both], [other for _, other in both])
    return Row(label, len(both), same=same, kappa=agreed)


def _given(label: str, both: Sequence[tuple[bool, bool]]) -> Row:
    one, other = [first for first, _ in both], [second for _, second in both]
    same = _share([first == second for first, second in both])
    return Row(label, len(both), sum(one), sum(other), same, f1(one, other), kappa(one, other))


def _act(act: str, pairs: Sequence[Pair]) -> Row:
    return _given(act, [(act in one.acts, act in other.acts) for one, other in _turns(AgentTurn, pairs)])


def _flag(label: str, of: Callable[[CustomerTurn], bool], pairs: Sequence[Pair]) -> Row:
    return _given(label, [(of(one), of(other)) for one, other in _turns(CustomerTurn, pairs)])


def _share(alike: Sequence[bool]) -> float | None:
    return sum(alike) / len(alike) if alike else None
