"""All that practice keeps of a call. Pure, bounded, and part of the call's state: another worker can go on with it.

The latest turns are kept as they were read, and everything else is made of the turns before them. A turn that grows is
read again and replaces its earlier reading, so nothing is found twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property, reduce

from analysis.practice.findings import Marks
from analysis.practice.read_turn import ReadTurn
from analysis.practice.standing import Standing
from analysis.practice.timing import Timing
from callbus import Counts, Evidence, Finding, Practice, Side
from callbus.messages.debrief import MOST_TURNING_POINTS
from callbus.messages.practice import MOST_FINDINGS

LATEST_TURNS = 4
"""Turns that may still grow: each party's last two."""


@dataclass(frozen=True, slots=True)
class Turning:
    """A shift of the customer."""

    is_worse: bool
    evidence: Evidence


@dataclass(frozen=True)  # without slots: what it amounts to is worked out once
class State:
    """What is known of how the agent meets a call."""

    is_judged: bool = True
    """If not, nothing is kept."""
    settled: Standing = field(default_factory=Standing)
    """What the turns before the latest amount to."""
    settled_to: int = -1
    """Number of the latest turn that is part of it."""
    latest: tuple[ReadTurn, ...] = ()
    timing: Timing = field(default_factory=Timing)
    turnings: tuple[Turning, ...] = ()

    def read(self, turn: ReadTurn) -> State:
        """After a turn, in place of its earlier reading. One that is settled already stays as it was."""
        if turn.number <= self.settled_to:
            return self
        others = [one for one in self.latest if one.number != turn.number]
        latest = sorted([*others, turn], key=lambda one: one.number)
        past, latest = latest[:-LATEST_TURNS], latest[-LATEST_TURNS:]
        return replace(
            self,
            settled=reduce(Standing.after, past, self.settled),
            settled_to=past[-1].number if past else self.settled_to,
            latest=tuple(latest),
        )

    def turned(self, turning: Turning, *, grown: bool) -> State:
        """After a shift. `grown`: it takes the place of the one before it."""
        earlier = self.turnings[:-1] if grown else self.turnings
        return replace(self, turnings=(*earlier, turning)[-MOST_TURNING_POINTS:])

    @cached_property
    def now(self) -> Standing:
        """What all turns amount to."""
        return reduce(Standing.after, self.latest, self.settled)

    @cached_property
    def practice(self) -> Practice:
        """As a call's state shows it."""
        if not self.is_judged:
            return Practice(is_judged=False)
        now = self.now
        answers = (*now.answered, *now.open)
        findings = sorted([*now.marks.findings(), *self.timing.marks.findings()], key=_when)
        return Practice(
            intake=now.opening.shown(),
            answer=answers[-1].shown() if answers else None,
            findings=tuple(findings[-MOST_FINDINGS:]),
            counts=self.counts(now.marks),
        )

    def counts(self, marks: Marks) -> Counts:
        """Counts by the times, and those of the findings, `marks` among them."""
        timing = self.timing
        strengths, gaps = (marks.count(side) + timing.marks.count(side) for side in (Side.STRENGTH, Side.GAP))
        talked = min(1e7, timing.talk_over_seconds)
        return Counts(timing.interruptions, talked, timing.silences, timing.long_silences, strengths, gaps)


def _when(finding: Finding) -> tuple[float, int]:
    return finding.evidence.at_seconds, finding.evidence.turn
