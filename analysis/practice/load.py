"""An agent's load: hard calls in a row, and the time since a pause. From workload and customers' words alone. Pure.

Nobody's voice, mood or speed is in it. A call is hard by its customer. Times are Unix seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from callbus.messages.load import Suggestion

MOST_CALLS = 1_000
"""Hard calls in a row that are counted."""


@dataclass(frozen=True, slots=True)
class LoadRules:
    """When something is suggested."""

    hard_calls_in_a_row: int = 3
    minutes_without_pause: float = 120.0
    pause_minutes: float = 10.0
    """A time without a call that is a pause."""


@dataclass(frozen=True, slots=True)
class Work:
    """What is known of an agent's work of these hours."""

    since: float
    """When the first call after their latest pause began."""
    until: float
    """When they were last known to be on a call."""
    running: str = ""
    """The call that began last, until it ends."""
    ended: str = ""
    """The call that ended last."""
    before: int = 0
    """Hard calls in a row before that one."""
    hard: bool = False
    """Whether that one was hard."""

    @property
    def hard_calls(self) -> int:
        """In a row, the latest ones."""
        return min(MOST_CALLS, self.before + 1) if self.hard else 0


def began(work: Work | None, call: str, now: float, rules: LoadRules) -> Work:
    """After a call began. The same call may begin again: it goes on, and has been no pause."""
    if work is None:
        return Work(now, now, call)
    goes_on = call in (work.running, work.ended)
    paused = not goes_on and now - work.until >= 60.0 * rules.pause_minutes
    return replace(work, since=now if paused else work.since, until=max(work.until, now), running=call)


def ended(work: Work | None, call: str, now: float, opened_at: float, *, hard: bool) -> Work:
    """After a call ended. The same call may end again: the last end counts. `opened_at`: when it began."""
    if work is None:
        return Work(min(opened_at, now), now, "", call, 0, hard)
    before = work.before if call == work.ended else work.hard_calls
    running = "" if call == work.running else work.running
    return replace(work, until=max(work.until, now), running=running, ended=call, before=before, hard=hard)


def minutes(work: Work, now: float) -> float:
    """Since the latest pause, or since the agent's first call that is known."""
    return max(0.0, now - work.since) / 60.0


def suggestion(work: Work, now: float, rules: LoadRules) -> Suggestion:
    """What might do the agent good."""
    hard = work.hard_calls >= rules.hard_calls_in_a_row
    long = minutes(work, now) >= rules.minutes_without_pause
    if hard and long:
        return Suggestion.LIGHTER_WORK
    return Suggestion.DEBRIEF if hard else Suggestion.PAUSE if long else Suggestion.NONE
