"""An alert: a shift that a supervisor is asked to look at, with the words that prove it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from callbus.messages.call import Mood
from callbus.messages.leg import CallId, Leg, Number, Role


class ShiftKind(StrEnum):
    """Which way the call turned."""

    WORSENED = "worsened"
    RECOVERED = "recovered"


class Tier(StrEnum):
    """How much of a supervisor's attention an alert asks for."""

    MARK = "mark"
    """To be seen when they next look."""
    INTERRUPTION = "interruption"
    """To be looked at now."""


@dataclass(frozen=True, slots=True)
class Quote:
    """Words of one turn, as evidence."""

    role: Role
    text: Annotated[str, Meta(max_length=2_000)]
    start_seconds: float
    """Call time."""
    end_seconds: float
    score: float | None
    """Log-odds, negative is unhappy; none for agents."""


@dataclass(frozen=True, slots=True)
class Term:
    """One named addend of an alert's score, in log-odds, negative is unhappy."""

    name: Annotated[str, Meta(max_length=64)]
    value: float


@dataclass(frozen=True, slots=True)
class Alert:
    """A shift with its proof. Its id is derived from call, turn and kind, so work done twice shows once."""

    alert_id: Annotated[str, Meta(min_length=1, max_length=64)]
    call_id: CallId
    kind: ShiftKind
    turn: Number
    """The turn that completed the shift."""
    at_seconds: float
    """Call time at which that turn's words ended."""
    spoken_at: float
    """Unix seconds: the end of the speech that raised it."""
    raised_at: float
    """Unix seconds: when it was published. `raised_at - spoken_at` is the latency."""
    legs: Annotated[tuple[Leg, ...], Meta(max_length=16)]
    before: Annotated[tuple[Quote, ...], Meta(max_length=16)]
    """The customer as they were: the turns that set the baseline."""
    after: Annotated[tuple[Quote, ...], Meta(max_length=16)]
    """The turns that moved it."""
    terms: Annotated[tuple[Term, ...], Meta(max_length=32)]
    """They sum to `score`."""
    score: float
    """The turn's evidence, log-odds."""
    level: float
    """Smoothed score after this turn, log-odds."""
    baseline: float
    """The caller's own opening level, log-odds."""
    threshold: float
    """How far `level` had to move from where it stood, log-odds; 0 where a threat was enough."""
    confidence: Annotated[float, Meta(ge=0, le=1)]
    mood: Mood
    """What the detector holds of the customer from here on."""
    tier: Tier = Tier.MARK
    supersedes: Annotated[str, Meta(max_length=64)] = ""
    """Id of the mark that became this interruption; empty for none."""
