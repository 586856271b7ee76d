"""Audio faults of a call, and anything else a supervisor should know before trusting what a leg says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from callbus.messages.leg import CallId, CallSeconds, LegId, RecordingId, Role

MAX_CONDITIONS = 32
"""Per call at a time; two legs have about ten."""
MAX_GAPS = 16


class ConditionKind(StrEnum):
    """The fault. Each kind has a value in one unit."""

    ONE_WAY = "one_way"
    """Nothing is heard on the leg while the others speak; seconds of their speech."""
    NEAR_SILENT = "near_silent"
    """Speech on the leg is nearly inaudible; level in dBFS."""
    CLIPPED = "clipped"
    """Speech on the leg is overdriven; share of samples at full scale."""
    LOSS = "loss"
    """Packets are lost; their share."""
    JITTER = "jitter"
    """Packets arrive unevenly; interarrival jitter in seconds (RFC 3550 section 6.4.1)."""
    LATE = "late"
    """Frames arrive too late or too far ahead and are discarded; their share."""
    UNDECODABLE = "undecodable"
    """Audio arrives in a format that cannot be decoded; its RTP payload type."""
    PAUSED = "paused"
    """The PBX paused the recording or held one leg back; seconds of the pause once it is over."""
    PARTIES_SWAPPED = "parties_swapped"
    """The parties' words appear on each other's legs; number of phrases that say so."""


class Unit(StrEnum):
    """Unit of a condition's value."""

    SECONDS = "seconds"
    SHARE = "share"
    """0 to 1."""
    DBFS = "dbfs"
    """Decibels below full scale: 0 or less."""
    PHRASES = "phrases"
    PAYLOAD_TYPE = "payload_type"
    """0 to 127 (RFC 3551)."""


UNITS = {
    ConditionKind.ONE_WAY: Unit.SECONDS,
    ConditionKind.NEAR_SILENT: Unit.DBFS,
    ConditionKind.CLIPPED: Unit.SHARE,
    ConditionKind.LOSS: Unit.SHARE,
    ConditionKind.JITTER: Unit.SECONDS,
    ConditionKind.LATE: Unit.SHARE,
    ConditionKind.UNDECODABLE: Unit.PAYLOAD_TYPE,
    ConditionKind.PAUSED: Unit.SECONDS,
    ConditionKind.PARTIES_SWAPPED: Unit.PHRASES,
}

Value = Annotated[float, Meta(ge=-1e6, le=1e7)]
"""A measured value. The bounds reject infinities and NaN."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A lasting condition of one leg or of the whole call."""

    kind: ConditionKind
    leg_id: LegId
    """Empty for the whole call."""
    role: Role
    since_seconds: CallSeconds
    """Call time at which it was detected."""
    value: Value
    unit: Unit


@dataclass(frozen=True, slots=True)
class Gap:
    """A part of the call that was not recorded because the PBX paused the recording."""

    from_seconds: CallSeconds
    """Call time."""
    to_seconds: CallSeconds


@dataclass(frozen=True, slots=True)
class CallEvent:
    """A condition starts or ends, as detected by the bridge."""

    call_id: CallId
    at_seconds: CallSeconds
    """Call time."""
    began: bool
    """True when it starts, false when it ends."""
    condition: Condition
    """As it was at its start, with the latest value."""
    recording_id: RecordingId = ""
