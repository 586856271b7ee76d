"""A call's recordings: one is heard, the others wait. Pure.

Two bridges may record one call, either both at once or one after the other when the recorder fails over during the
call. Each numbers and times its recording from 0. The call has one numbering and one clock, which start with its
first recording. `succession` defines the effect of each event on them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from callbus import Leg
from callbus.messages.leg import MOST_CALL_SECONDS

CLOCKS_SECONDS = 60.0
"""If bridges' clocks seem to differ by more than this, Redis' clock is used instead."""
MOST = 4
"""Recordings remembered per call."""


def in_call(seconds: float) -> float:
    """A moment of a call, which every reader takes: what adds up to more than any call lasts stands at that."""
    return round(min(seconds, MOST_CALL_SECONDS), 3)


@dataclass(frozen=True, slots=True)
class Recording:
    """One bridge's recording of a call."""

    recording_id: str
    opened_at: float
    """Unix seconds, by the bridge's clock."""
    offset_seconds: float = 0.0
    """Call time at which it started."""
    legs: tuple[Leg, ...] = ()
    next_sequence: int | None = None
    """The next expected utterance, in the recording's own numbering; None before the first."""
    number_offset: int | None = None
    """Added to the recording's numbers to get the call's; None until its first heard utterance."""
    is_open: bool = True
    given_up: bool = False
    """Closed because its bridge seemed dead: the bridge may have been cut off, and may return."""
    met_midway: bool = False
    """Its opening was missed, so `opened_at` is an estimate."""


@dataclass(frozen=True, slots=True)
class Recordings:
    """A call's recordings: the heard one first, then the waiting ones, then the closed ones, latest first."""

    opened_at: float
    """Unix seconds: opening of the first one."""
    began_at: float
    """The same by Redis' clock."""
    known: tuple[Recording, ...]
    next_number: int = 0
    """Number of the call's next utterance."""
    latest_seconds: float = 0.0
    """Call time reached so far."""
    spoken: dict[str, float] = field(default_factory=dict)
    """By party: call time up to which it has been heard."""
    covered: dict[str, float] = field(default_factory=dict)
    """The same when the heard recording took over."""
    unanswered_since: float | None = None
    """`at` of the first sign of a waiting recording since the heard one last spoke."""
    over_since: float | None = None
    """`at` of the last closing; None while a recording is open."""

    @property
    def heard(self) -> Recording | None:
        """The heard recording; None once the call is over."""
        return self.known[0] if self.known[0].is_open else None

    def find(self, recording_id: str) -> Recording | None:
        """A recording by its id; an event without an id belongs to the heard one."""
        exact = next((each for each in self.known if each.recording_id == recording_id), None)
        return exact if exact or recording_id else self.heard

    def offset(self, opened_at: float, at: float) -> float:
        """Call time at which a further recording starts; in a call that was over, never before the time it reached."""
        by_bridges, by_redis = opened_at - self.opened_at, at - self.began_at
        believed = by_bridges if abs(by_bridges - by_redis) <= CLOCKS_SECONDS else by_redis
        return in_call(max(0.0 if self.heard else self.latest_seconds, believed))

    def put(self, recording: Recording) -> Recordings:
        """Replace a recording in its place, or add it as the last one waiting."""
        known = [recording if each.recording_id == recording.recording_id else each for each in self.known]
        if recording not in known:
            known.append(recording)
        return self._ordered(known)

    def led_by(self, recording: Recording) -> Recordings:
        """Make this recording the heard one."""
        first = replace(recording, number_offset=None)
        others = [each for each in self.known if each.recording_id != recording.recording_id]
        after = self._ordered([first, *others])
        return replace(after, covered=self.spoken, unanswered_since=None, over_since=None)

    def _ordered(self, known: list[Recording]) -> Recordings:
        heard, *others = known
        return replace(self, known=(heard, *sorted(others, key=lambda each: not each.is_open))[:MOST])
