"""What the times of the utterances show: interruptions, talking over, silences. Pure.

Utterances come by their ends, so that one that began early may come late. Acknowledgements ("mm-hm") are no speech
here: they leave the floor to the other party.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from analysis.practice.findings import Marks
from analysis.practice.read_turn import evidence
from callbus import FindingKind

CUT_IN_SECONDS = 1.0
"""Who starts this far into the other's speech and goes on for as long has cut in."""
PAUSE_SECONDS = 1.0
"""A shorter pause does not end somebody's speech."""
VENTED_SECONDS = 10.0
"""Speech of a customer from which cutting in is an interruption, however calm it is."""
OVERLAP_SECONDS = 0.5
"""Shorter overlaps are normal turn-taking."""
TALKED_OVER_SECONDS = 2.0
"""An overlap from this on is found, if the agent began it."""
SILENCE_SECONDS, LONG_SECONDS = 3.0, 10.0
KEPT = 12
"""Utterances, of both parties."""


@dataclass(frozen=True, slots=True)
class Span:
    """One utterance of a known party."""

    start: float
    """Call time."""
    end: float
    turn: int
    is_agent: bool
    quote: str = ""
    """Of an agent's."""
    announces: bool = False
    """Whether it announces a silence."""


@dataclass(frozen=True, slots=True)
class Silence:
    """The latest silence; speech that comes late may shorten it."""

    start: float
    end: float
    seconds: float
    """Without pauses of the recording."""
    is_long: bool


@dataclass(frozen=True, slots=True)
class Timing:
    """The times so far."""

    spans: tuple[Span, ...] = ()
    """The latest utterances, in the order of their ends."""
    spoken_to: float | None = None
    """Call time of the latest end of speech."""
    silence: Silence | None = None
    interruptions: int = 0
    talk_over_seconds: float = 0.0
    silences: int = 0
    long_silences: int = 0
    cut: tuple[float, ...] = ()
    """Starts of the latest utterances of the agent that were found to cut in: each is found once."""
    marks: Marks = field(default_factory=Marks)

    def heard(self, span: Span, *, is_unhappy: bool, pauses: Sequence[tuple[float, float]] = ()) -> Timing:
        """After an utterance. `is_unhappy`: whether the customer is; `pauses`: of the recording, in call time."""
        if not span.end > span.start:
            return self
        return self._overlapped(span, is_unhappy)._silent(span, pauses)._with(span)

    def sounded(self, span: Span, pauses: Sequence[tuple[float, float]] = ()) -> Timing:
        """After speech that took no floor, or whose words are lost: it ends a silence, and is nothing else."""
        return self._silent(span, pauses)._to(span.end) if span.end > span.start else self

    def _with(self, span: Span) -> Timing:
        return replace(self, spans=(*self.spans, span)[-KEPT:])._to(span.end)

    def _to(self, end: float) -> Timing:
        return replace(self, spoken_to=end if self.spoken_to is None else max(self.spoken_to, end))

    def _overlapped(self, span: Span, is_unhappy: bool) -> Timing:
        others = [one for one in self.spans if one.is_agent is not span.is_agent]
        overlaps = (min(one.end, span.end) - max(one.start, span.start) for one in others)
        over = sum(overlap for overlap in overlaps if overlap >= OVERLAP_SECONDS)
        after = replace(self, talk_over_seconds=self.talk_over_seconds + over)
        spans = (*self.spans, span)
        for agent in [span] if span.is_agent else others:
            if agent.start not in after.cut and (cut := _cut_in(agent, spans)):
                after = after._interrupted(agent, *cut, is_unhappy)
        return after

    def _interrupted(self, agent: Span, into: float, overlap: float, is_unhappy: bool) -> Timing:
        vents = is_unhappy or into >= VENTED_SECONDS
        if not vents and overlap < TALKED_OVER_SECONDS:
            return self
        kind = FindingKind.INTERRUPTED_VENTING if vents else FindingKind.TALK_OVER
        rule = f"cuts in after {min(into, 999):.0f} s, goes on for {min(overlap, 999):.0f} s"
        proof = evidence(agent.quote, agent.turn, agent.start, rule, 1.0)
        return replace(
            self,
            interruptions=self.interruptions + vents,
            cut=(*self.cut, agent.start)[-KEPT:],
            marks=self.marks.with_one(kind, proof),
        )

    def _silent(self, span: Span, pauses: Sequence[tuple[float, float]]) -> Timing:
        known = self._without(span) if self.silence and span.start < self.silence.end else self
        if known.spoken_to is None:
            return known
        silent = _heard_seconds(known.spoken_to, span.start, pauses)
        if silent < SILENCE_SECONDS:
            return known
        last = max((one for one in known.spans if one.is_agent), key=lambda one: one.end, default=None)
        announced = last is not None and last.announces and last.end >= known.spoken_to - PAUSE_SECONDS
        found = Silence(known.spoken_to, span.start, silent, silent >= LONG_SECONDS and not announced)
        marks = known.marks
        if found.is_long:
            quote, turn = (last.quote, last.turn) if last else ("", span.turn)
            rule = f"{min(silent, 9_999):.0f} s without a word or an announcement"
            marks = marks.with_one(FindingKind.LONG_SILENCE, evidence(quote, turn, found.start, rule, 1.0))
        return replace(
            known,
            silence=found,
            silences=known.silences + 1,
            long_silences=known.long_silences + found.is_long,
            marks=marks,
        )

    def _without(self, span: Span) -> Timing:
        """Without the latest silence, into which somebody spoke who was heard late."""
        silence = self.silence
        if silence is None or span.end <= silence.start:
            return self
        marks = self.marks.without(FindingKind.LONG_SILENCE, silence.start) if silence.is_long else self.marks
        return replace(
            self,
            silence=None,
            silences=self.silences - 1,
            long_silences=self.long_silences - silence.is_long,
            marks=marks,
        )


def _cut_in(agent: Span, spans: Sequence[Span]) -> tuple[float, float] | None:
    """How far into the customer's speech an agent's utterance started, and for how long both spoke; None if it did not.

    An agent who was speaking already has not cut in: the customer has.
    """
    own = [one for one in spans if one.is_agent and one is not agent and one.start < agent.start]
    if any(one.end > agent.start - PAUSE_SECONDS for one in own):
        return None
    theirs = sorted((one for one in spans if not one.is_agent), key=lambda one: one.start)
    start = end = None
    for one in theirs:  # their speech that goes on at the agent's start, from its beginning
        if end is None or start is None or one.start - end >= PAUSE_SECONDS:
            if end is not None and end > agent.start:
                break
            start, end = one.start, one.end
        else:
            end = max(end, one.end)
    if start is None or end is None or not start <= agent.start < end:
        return None
    into, overlap = agent.start - start, min(end, agent.end) - agent.start
    return (into, overlap) if into >= CUT_IN_SECONDS and overlap >= CUT_IN_SECONDS else None


def _heard_seconds(start: float, end: float, pauses: Sequence[tuple[float, float]]) -> float:
    """A stretch without what lies in pauses of the recording."""
    return (end - start) - sum(max(0.0, min(end, to) - max(start, since)) for since, to in pauses)
