"""An alert: a shift reported to a supervisor, with the words that prove it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from callbus.messages.call import Mood
from callbus.messages.leg import CallId, Leg, Number, Role


class ShiftKind(StrEnum):
    """Direction of the shift."""

    WORSENED = "worsened"
    RECOVERED = "recovered"


class Tier(StrEnum):
    """How urgently an alert asks for a supervisor's attention."""

    MARK = "mark"
    """For their next look at the page."""
    INTERRUPTION = "interruption"
    """For their attention now."""


@dataclass(frozen=True, slots=True)
class Quote:
    """Words from one turn, as evidence."""

    role: Role
    text: Annotated[str, Meta(max_length=2_000)]
    start_seconds: float
    """Call time."""
    end_seconds: float
    score: float | None
    """Log-odds, negative is unhappy; null for agents."""


@dataclass(frozen=True, slots=True)
class Term:
    """One named term of an alert's score, in log-odds, negative is unhappy."""

    name: Annotated[str, Meta(max_length=64)]
    value: float


@dataclass(frozen=True, slots=True)
class Alert:
    """A shift with its evidence. The id is derived from call, turn and kind, so repeated work yields one alert."""

    alert_id: Annotated[str, Meta(min_length=1, max_length=64)]
    call_id: CallId
    kind: ShiftKind
    turn: Number
    """The turn that completed the shift."""
    at_seconds: float
    """Call time at which the words of that turn ended."""
    spoken_at: float
    """Unix seconds: end of the speech that raised the alert."""
    raised_at: float
    """Unix seconds: time of publication. `raised_at - spoken_at` is the latency."""
    legs: Annotated[tuple[Leg, ...], Meta(max_length=16)]
    before: Annotated[tuple[Quote, ...], Meta(max_length=16)]
    """The customer before the shift: the turns that set the baseline."""
    after: Annotated[tuple[Quote, ...], Meta(max_length=16)]
    """The turns that caused the shift."""
    terms: Annotated[tuple[Term, ...], Meta(max_length=32)]
    """They sum to `score`."""
    score: float
    """The turn's evidence, log-odds."""
    level: float
    """Smoothed score after this turn, log-odds."""
    baseline: float
    """The customer's own opening level, log-odds."""
    threshold: float
    """How far `level` had to move from its earlier value, log-odds; 0 if a threat sufficed."""
    confidence: Annotated[float, Meta(ge=0, le=1)]
    mood: Mood
    """The detector's view of the customer from now on."""
    tier: Tier = Tier.MARK
    supersedes: Annotated[str, Meta(max_length=64)] = ""
    """Id of the mark that this interruption replaces; empty if there is none."""
    repeat_contact: Number = 0
    """Which contact of the caller this is, if that makes the alert more serious: from 3 on by the count, from 2 on by
    the caller's own words; otherwise 0. `tier` does not depend on it."""
