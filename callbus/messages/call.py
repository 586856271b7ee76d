"""A call: one conversation, its legs and its states."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from callbus.messages.conditions import MAX_CONDITIONS, MAX_GAPS, Condition, Gap
from callbus.messages.contact import CallerHash, Contact, CrmRecord
from callbus.messages.leg import CallId, CallSeconds, Leg, Number, RecordingId, UnixSeconds
from callbus.messages.practice import Practice

Reason = Annotated[str, Meta(max_length=64)]
"""Why a call ended or something was dropped: one of a fixed list of words, so safe as a metric label."""
Queue = Annotated[str, Meta(max_length=64)]
"""Name of the queue that a call is of, as the PBX addresses the bridge by it, in lower case; never a telephone number.
Empty if unknown."""

BRIDGE_LOST: Reason = "bridge_lost"
"""The bridge died, or was cut off long enough to look dead; in the second case the call may continue."""
IDLE: Reason = "idle"
"""Nobody wrote in a written conversation for its `idle_seconds`."""


class Phase(StrEnum):
    """Whether a call is in progress."""

    ACTIVE = "active"
    ENDED = "ended"


class Channel(StrEnum):
    """How the parties talk. Calls and written conversations are all "calls" in every message."""

    PHONE = "phone"
    CHAT = "chat"
    EMAIL = "email"

    @property
    def is_written(self) -> bool:
        """Whether it has written turns instead of utterances."""
        return self is not Channel.PHONE


MOST_IDLE_SECONDS = 90 * 86_400
USUAL_IDLE_SECONDS = {Channel.CHAT: 1_800.0, Channel.EMAIL: 3 * 86_400.0}


class Mood(StrEnum):
    """The shift detector's current view of the customer."""

    CALM = "calm"
    ARRIVED_UPSET = "arrived_upset"
    WORSENED = "worsened"
    RECOVERED = "recovered"


@dataclass(frozen=True, slots=True)
class CallOpened:
    """A fork was answered. Sent again in full when the legs, or what is known of the caller, change during the call."""

    call_id: CallId
    bridge_id: Annotated[str, Meta(max_length=128)]
    opened_at: UnixSeconds
    """Unix seconds."""
    legs: Annotated[tuple[Leg, ...], Meta(max_length=16)]
    recording_id: RecordingId = ""
    queue: Queue = ""
    channel: Channel = Channel.PHONE
    idle_seconds: Annotated[float, Meta(ge=0, le=MOST_IDLE_SECONDS)] = 0.0
    """A written conversation in which nobody writes for so long has ended; 0 is USUAL_IDLE_SECONDS. Says nothing
    of a phone call, which ends with its recording."""
    caller: CallerHash = ""
    crm: CrmRecord | None = None
    """What the CRM knows of the caller; null until it has answered."""


@dataclass(frozen=True, slots=True)
class CallClosed:
    """The last message of a recording of the call."""

    call_id: CallId
    closed_at: UnixSeconds
    """Unix seconds."""
    duration_seconds: CallSeconds
    reason: Reason
    recording_id: RecordingId = ""


@dataclass(frozen=True, slots=True)
class CallState:
    """A call as the supervisor's page shows it. Published at the start, after every turn and at the end."""

    call_id: CallId
    phase: Phase
    opened_at: UnixSeconds
    """Unix seconds."""
    updated_at: UnixSeconds
    """Unix seconds."""
    closed_at: UnixSeconds | None
    """Unix seconds; null while the call is active."""
    reason: Reason
    """Why the call ended; empty while it is active."""
    legs: Annotated[tuple[Leg, ...], Meta(max_length=16)]
    mood: Mood
    level: float
    """The customer's current smoothed score, log-odds, negative is unhappy."""
    baseline: float
    """The customer's own opening level, log-odds."""
    turns: Number
    """Turns so far, of both parties."""
    scores: Annotated[tuple[float, ...], Meta(max_length=60)] = ()
    """Scores of the latest customer turns, oldest first, log-odds."""
    health: Annotated[tuple[Condition, ...], Meta(max_length=MAX_CONDITIONS)] = ()
    """Current audio faults, in the order in which they started."""
    gaps: Annotated[tuple[Gap, ...], Meta(max_length=MAX_GAPS)] = ()
    """The latest finished pauses of the recording, oldest first. Nothing was heard during them."""
    language: Annotated[str, Meta(max_length=8)] = ""
    """Code of the language spoken, as Whisper names it (ISO 639-1, or 639-3 where that has none); empty until it is
    decided, or if the model cannot tell languages apart."""
    is_judged: bool = True
    """Whether the scorer can judge what is said. If not, there are no scores and alerts, and `mood`, `level` and
    `baseline` say nothing."""
    queue: Queue = ""
    """Name of the queue that the call is of, in lower case; empty if unknown."""
    practice: Practice | None = None
    """How the agent has met the call so far; null if nobody looks for it."""
    channel: Channel = Channel.PHONE
    contact: Contact | None = None
    """What is known of the caller's earlier contacts; null if nothing is."""
