"""What should be noticed according to a dialogue's labels: onsets of sustained unhappiness, and recoveries. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WITHIN = 2
"""Customer turns within which another unhappy turn makes it sustained, and within which an alarm finds it."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Customer turns, by number, from the first unhappy one to the last one that follows within two."""

    first: int
    last: int
    sustained: bool


@dataclass(frozen=True, slots=True)
class Gold:
    """What should be noticed, by number of the customer's turn."""

    stretches: tuple[Stretch, ...]
    onsets: tuple[int, ...]
    """First turns of sustained stretches. A call that opens with one arrived upset and has no onset there."""
    recoveries: tuple[int, ...]
    """First pleased turns after a sustained stretch that had an onset."""
    calm: bool
    """No turn is unhappy."""


def gold(labels: Sequence[int]) -> Gold:
    """The stretches, onsets and recoveries in a customer's labels (-1, 0, 1)."""
    stretches: list[Stretch] = []
    for turn, label in enumerate(labels):
        if label >= 0:
            continue
        if stretches and turn - stretches[-1].last <= WITHIN:
            stretches[-1] = Stretch(stretches[-1].first, turn, sustained=True)
        else:
            stretches.append(Stretch(turn, turn, sustained=False))
    shifts = [stretch for stretch in stretches if stretch.sustained and stretch.first > 0]
    recoveries = []
    for stretch in shifts:
        until = min((other.first for other in stretches if other.first > stretch.last), default=len(labels))
        recoveries += [turn for turn in range(stretch.last + 1, until) if labels[turn] > 0][:1]
    return Gold(
        tuple(stretches), tuple(stretch.first for stretch in shifts), tuple(recoveries), all(x >= 0 for x in labels)
    )


def has_turned(known: Gold, turn: int) -> bool:
    """Whether a turn lies in a sustained stretch that has an onset."""
    return any(stretch.first in known.onsets and stretch.first <= turn <= stretch.last for stretch in known.stretches)


def withdrawals(known: Gold, worsened: Sequence[int], recovered: Sequence[int]) -> tuple[int, int]:
    """How many worsened alarms were withdrawn rightly, and how many wrongly.

    The first recovered alarm after a worsened one, and before the next, withdraws it. That is right if the customer is
    not unhappy in that turn and the next two.
    """
    ends = [*worsened[1:], float("inf")]
    turns = [
        [turn for turn in recovered if alarm < turn <= end][:1] for alarm, end in zip(worsened, ends, strict=False)
    ]
    wrong = [
        any(stretch.first <= turn + WITHIN and turn <= stretch.last for stretch in known.stretches)
        for found in turns
        for turn in found
    ]
    return wrong.count(False), wrong.count(True)


def match(wanted: Sequence[int], found: Sequence[int]) -> list[tuple[int, int]]:
    """Pairs of a wanted turn and the alarm that found it, at most two turns later; each is used once."""
    pairs = []
    left = list(wanted)
    for alarm in found:
        near = [turn for turn in left if 0 <= alarm - turn <= WITHIN]
        if near:
            left.remove(near[0])
            pairs.append((near[0], alarm))
    return pairs
