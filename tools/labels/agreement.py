"""How far two hands agree: F1 of one against the other, Cohen's kappa, and whom the settled labels uphold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Generic, NamedTuple, TypeVar

from tools.labels.hand import ACTS, FIRST_ACTS, AgentTurn, CustomerTurn, Labelled

Pair = tuple[Labelled, Labelled]
T = TypeVar("T", CustomerTurn, AgentTurn)
V = TypeVar("V")
W = TypeVar("W")


class Place(NamedTuple, Generic[V]):
    """What is said of one turn, or of one opening."""

    first: V
    second: V
    settled: V | None
    """None in a dialogue of which nothing is settled."""

    def by(self, of: Callable[[V], W]) -> Place[W]:
        """One label of it."""
        return Place(of(self.first), of(self.second), None if self.settled is None else of(self.settled))


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
    disputed: int | None = None
    """Places judged differently and settled since; None if no place is settled."""
    for_first: int = 0
    """How many of those were settled as the first hand had it. A choice may also be settled for neither."""
    for_second: int = 0


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


def rows(pairs: Sequence[Pair], settled: Mapping[str, Labelled] | None = None) -> list[Row]:
    """Every label of a set. Where a first hand never looked for one, it is left out, never taken for absent.

    settled has what was settled of a dialogue, by its id.
    """
    judged = [Place(first, second, (settled or {}).get(first.name)) for first, second in pairs]
    customers = _turns(CustomerTurn, judged)
    unhappy = [
        place.by(lambda turn: turn.cores) for place in customers if place.first.label == place.second.label == -1
    ]
    doubled = [place for place in unhappy if max(len(place.first), len(place.second)) == 2]
    either = [place.first[0] in place.second or place.second[0] in place.first for place in doubled]
    return [
        _choice("label, of three", [place.by(lambda turn: turn.label) for place in customers]),
        _given("unhappy", [place.by(lambda turn: turn.label == -1) for place in customers]),
        _given("pleased", [place.by(lambda turn: turn.label == 1) for place in customers]),
        _choice("core, the first", [place.by(lambda cores: cores[0]) for place in unhappy]),
        Row("core, of two", len(doubled), same=_share(either)),
        *(_act(act, judged) for act in FIRST_ACTS),
        *(_looked_for(judged, partial(_act, act)) for act in ACTS if act not in FIRST_ACTS),
        _looked_for(judged, partial(_flag, "urgent", lambda turn: turn.urgent)),
        _looked_for(judged, partial(_flag, "time-bound", lambda turn: turn.time_bound)),
        _looked_for(judged, lambda some: _choice("opening", [place.by(lambda one: one.opening) for place in some])),
    ]


def _looked_for(judged: Sequence[Place[Labelled]], row: Callable[[Sequence[Place[Labelled]]], Row]) -> Row:
    """A row of the dialogues whose first hand went by the whole book; without any, the second hand's count alone."""
    whole = [place for place in judged if place.first.opening]
    missing = len(judged) - len(whole)
    if whole or not missing:
        return replace(row(whole), missing=missing)
    alone = row(judged)
    return Row(alone.label, alone.places, second=alone.second, missing=missing)


def _turns(kind: type[T], judged: Sequence[Place[Labelled]]) -> list[Place[T]]:
    """Every turn of one party."""
    return [
        Place(first, second, third if isinstance(third, kind) else None)
        for one, other, settled in judged
        for first, second, third in zip(
            one.turns, other.turns, settled.turns if settled else [None] * len(one.turns), strict=True
        )
        if isinstance(first, kind) and isinstance(second, kind)
    ]


def _choice(label: str, places: Sequence[Place[V]]) -> Row:
    same = _share([place.first == place.second for place in places])
    agreed = kappa([place.first for place in places], [place.second for place in places])
    return _upheld(Row(label, len(places), same=same, kappa=agreed), places)


def _given(label: str, places: Sequence[Place[bool]]) -> Row:
    first, second = [place.first for place in places], [place.second for place in places]
    same = _share([one == other for one, other in zip(first, second, strict=True)])
    found = Row(label, len(places), sum(first), sum(second), same, f1(first, second), kappa(first, second))
    return _upheld(found, places)


def _upheld(row: Row, places: Sequence[Place[V]]) -> Row:
    """The row with how its disputes were settled."""
    settled = [place for place in places if place.settled is not None]
    if not settled:
        return row
    disputed = [place for place in settled if place.first != place.second]
    return replace(
        row,
        disputed=len(disputed),
        for_first=sum(place.settled == place.first for place in disputed),
        for_second=sum(place.settled == place.second for place in disputed),
    )


def _act(act: str, judged: Sequence[Place[Labelled]]) -> Row:
    return _given(act, [place.by(lambda turn: act in turn.acts) for place in _turns(AgentTurn, judged)])


def _flag(label: str, of: Callable[[CustomerTurn], bool], judged: Sequence[Place[Labelled]]) -> Row:
    return _given(label, [place.by(of) for place in _turns(CustomerTurn, judged)])


def _share(alike: Sequence[bool]) -> float | None:
    return sum(alike) / len(alike) if alike else None
