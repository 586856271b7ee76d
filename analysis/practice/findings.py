"""The kinds of findings, what each is, and those of a call. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from callbus import Evidence, Finding, FindingKind, Side

KEPT = 2
"""Findings of a kind that are kept, the latest."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What findings of a kind are."""

    side: Side
    is_hint: bool = True
    """Whether they are shown as hints: until a measured precision says that they may stand as findings."""


_S, _G, _N = Side.STRENGTH, Side.GAP, Side.NOTE
KINDS: Mapping[FindingKind, Kind] = {
    FindingKind.HOLLOW_EMPATHY: Kind(_G),
    FindingKind.SOLUTION_BEFORE_HEARING: Kind(_G),
    FindingKind.FEELINGS_BEFORE_ACTION: Kind(_G),
    FindingKind.EMPATHY_ACTION_GAP: Kind(_N),
    FindingKind.OVER_PROMISE: Kind(_G, is_hint=False),
    FindingKind.DEFENSIVE: Kind(_G),
    FindingKind.BRUSH_OFF: Kind(_G),
    FindingKind.REGISTER_MISMATCH: Kind(_N),
    FindingKind.INTENSITY_MIRRORED: Kind(_G),
    FindingKind.NOT_VERIFIED: Kind(_G),
    FindingKind.AGITATION_LEFT: Kind(_G),
    FindingKind.INTERRUPTED_VENTING: Kind(_G, is_hint=False),
    FindingKind.TALK_OVER: Kind(_G, is_hint=False),
    FindingKind.LONG_SILENCE: Kind(_G, is_hint=False),
    FindingKind.LISTENING: Kind(_S),
    FindingKind.FEELING_PARAPHRASED: Kind(_S),
    FindingKind.SPECIFIC_NEXT_STEP: Kind(_S),
    FindingKind.CHECKED_IT_LANDED: Kind(_S),
    FindingKind.URGENCY_MET_AT_ONCE: Kind(_S),
    FindingKind.HONEST_LIMIT_WITH_ALTERNATIVE: Kind(_S),
    FindingKind.RESET_QUESTION: Kind(_S),
    FindingKind.REPEATED_TEXT: Kind(_N),
}
"""The one place that says what is a strength, a gap or a note, and what is only a hint."""


@dataclass(frozen=True, slots=True)
class Marks:
    """What was found so far. Kinds are kept by name: one that a newer Callvane stored is passed over here."""

    latest: Mapping[str, tuple[Evidence, ...]] = field(default_factory=dict)
    """By kind, at most KEPT, oldest first."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """How many there were of each kind."""

    def with_one(self, kind: FindingKind, proof: Evidence) -> Marks:
        """With a finding; a kind is found once a turn."""
        earlier = self.latest.get(kind, ())
        if any(one.turn == proof.turn for one in earlier):
            return self
        return Marks(
            {**self.latest, kind.value: (*earlier, proof)[-KEPT:]},
            {**self.counts, kind.value: self.counts.get(kind, 0) + 1},
        )

    def without(self, kind: FindingKind, at: float) -> Marks:
        """Without the finding of a kind at this call time: it was none."""
        earlier = self.latest.get(kind, ())
        left = tuple(one for one in earlier if one.at_seconds != at)
        gone = len(earlier) - len(left)
        counts = {**self.counts, kind.value: self.counts.get(kind, 0) - gone}
        return Marks({**self.latest, kind.value: left}, counts)

    def findings(self) -> list[Finding]:
        """Those kept, by the time of their evidence."""
        found = [
            Finding(kind, known.side, proof, known.is_hint)
            for kind, known in KINDS.items()
            for proof in self.latest.get(kind, ())
        ]
        return sorted(found, key=lambda one: (one.evidence.at_seconds, one.evidence.turn))

    def count(self, side: Side) -> int:
        """How many there were of a side."""
        return sum(self.counts.get(kind, 0) for kind, known in KINDS.items() if known.side is side)
