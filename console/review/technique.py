"""How often a technique was used over many debriefs, and what followed. Pure.

It counts moments of distress, never people: a debrief names no agent.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from callbus import Act, Debrief, Landed

FEWEST = 10
"""Of fewer moments no share is told."""
Z = 1.96
"""Of a normal distribution, for an interval of 95 %."""


class Technique(StrEnum):
    """A technique of the craft, to practise for a week."""

    ACKNOWLEDGE = "acknowledge"
    """Acknowledge the feeling."""
    BE_SPECIFIC = "be_specific"
    """Take up what this customer said of their situation."""
    NEXT_STEP = "next_step"
    CHECK = "check_it_landed"
    """Ask whether it helped."""
    HONEST_LIMIT = "honest_limit"
    """Say what cannot be done, and offer another way."""
    RESET = "reset_question"
    """Ask what would help most."""


ACTS: Mapping[Technique, frozenset[Act]] = {
    Technique.ACKNOWLEDGE: frozenset({Act.ACK}),
    Technique.BE_SPECIFIC: frozenset({Act.SPECIFIC}),
    Technique.NEXT_STEP: frozenset({Act.NEXT}),
    Technique.CHECK: frozenset({Act.VERIFY}),
    Technique.HONEST_LIMIT: frozenset({Act.LIMIT, Act.ALTERNATIVE}),
    Technique.RESET: frozenset({Act.RESET}),
}
"""The acts that an answer needs, all of them, to have used a technique."""


@dataclass(frozen=True, slots=True)
class Share:
    """A count of a whole. `share`, `low` and `high` (95 %, Wilson) are null where the whole is too small to say."""

    count: int
    of: int
    share: float | None = None
    low: float | None = None
    high: float | None = None


def share(count: int, of: int) -> Share:
    """`count` of `of`, with Wilson's interval (JASA 22, 1927), from FEWEST on."""
    if of < FEWEST:
        return Share(count, of)
    rate = count / of
    spread = Z * math.sqrt(rate * (1 - rate) / of + Z * Z / (4 * of * of))
    middle, whole = rate + Z * Z / (2 * of), 1 + Z * Z / of
    return Share(count, of, rate, max(0.0, (middle - spread) / whole), min(1.0, (middle + spread) / whole))


@dataclass(frozen=True, slots=True)
class Followed:
    """What followed moments of distress, of those where the customer said enough afterwards."""

    better: Share
    same: Share
    worse: Share
    not_seen: int


@dataclass(frozen=True, slots=True)
class Use:
    """How a technique was used."""

    technique: Technique
    calls: int
    calls_with_distress: int
    used: Share
    """Of the moments of distress."""
    with_it: Followed
    without_it: Followed


@dataclass(slots=True)
class Tally:
    """Counts over debriefs, one call after the other."""

    technique: Technique
    calls: int = 0
    calls_with_distress: int = 0
    with_it: Counter[Landed] = field(default_factory=Counter)
    without_it: Counter[Landed] = field(default_factory=Counter)

    def add(self, debrief: Debrief) -> None:
        """Count a call."""
        self.calls += 1
        self.calls_with_distress += bool(debrief.answers)
        for answer in debrief.answers:
            done = {each.act for each in answer.acts}
            counts = self.with_it if done >= ACTS[self.technique] else self.without_it
            counts[answer.landed] += 1

    def use(self) -> Use:
        """What the counts say."""
        used = self.with_it.total()
        return Use(
            self.technique,
            self.calls,
            self.calls_with_distress,
            share(used, used + self.without_it.total()),
            _followed(self.with_it),
            _followed(self.without_it),
        )


def _followed(counts: Counter[Landed]) -> Followed:
    unseen = counts[Landed.NOT_SEEN]
    seen = counts.total() - unseen
    better, same, worse = (share(counts[each], seen) for each in (Landed.BETTER, Landed.SAME, Landed.WORSE))
    return Followed(better, same, worse, unseen)
