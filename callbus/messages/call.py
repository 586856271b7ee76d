"""A call: one conversation, its legs, and the states it passes through."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from callbus.messages.conditions import MAX_CONDITIONS, MAX_GAPS, Condition, Gap
from callbus.messages.leg import CallId, CallSeconds, Leg, Number, RecordingId, UnixSeconds

Reason = Annotated[str, Meta(max_length=64)]
"""Why a call ended or something was dropped: a word from a fixed list, safe as a metric label."""


BRIDGE_LOST: Reason = "bridge_lost"
"""The bridge has died, or was cut off for so long that it seemed to have: in that case the call may go on."""


class Phase(StrEnum):
    """Where a call stands."""

    ACTIVE = "active"
    ENDED = "ended"


class Mood(StrEnum):
    """What the shift detector holds of the customer at this moment."""

    CALM = "calm"
    ARRIVED_UPSET = "arrived_upset"
    WORSENED = "worsened"
    RECOVERED = "recovered"


@dataclass(frozen=True, slots=True)
class CallOpened:
    """A fork was answered. Sent again, whole, when the legs change in mid-call."""

    call_id: CallId
    bridge_id: Annotated[str, Meta(max_length=128)]
    opened_at: UnixSeconds
    """Unix seconds."""
    legs: Annotated[tuple[Leg, ...], Meta(max_length=16)]
    recording_id: RecordingId = ""


@dataclass(frozen=True, slots=True)
class CallClosed:
    """The last message of a call's recording: nothing of it follows."""

    call_id: CallId
    closed_at: UnixSeconds
    """Unix seconds."""
    duration_seconds: CallSeconds
    reason: Reason
    recording_id: RecordingId = ""


@dataclass(frozen=True, slots=True)
class CallState:
    """A call as a supervisor's screen shows it, published after every turn and at its start and end."""

    call_id: CallId
    phase: Phase
    opened_at: UnixSeconds
    """Unix seconds."""
    updated_at: UnixSeconds
    """Unix seconds."""
    closed_at: UnixSeconds | None
    """Unix seconds; none while the call is active."""
    reason: Reason
    """Why the call ended; empty while it is active."""
    legs: Annotated[tuple[Leg, ...], Meta(max_length=16)]
    mood: Mood
    level: float
    """The customer's smoothed score now, log-odds, negative is unhappy."""
    baseline: float
    """The customer's own opening level, log-odds."""
    turns: Number
    """Turns so far, both parties'."""
    scores: Annotated[tuple[float, ...], Meta(max_length=60)] = ()
    """Scores of the latest customer turns, oldest first, log-odds."""
    health: Annotated[tuple[Condition, ...], Meta(max_length=MAX_CONDITIONS)] = ()
    """What is the matter with the call's audio now, in the order in which it began."""
    gaps: Annotated[tuple[Gap, ...], Meta(max_length=MAX_GAPS)] = ()
    """The latest pauses of the recording that are over, oldest first: nothing of them was heard."""
