"""The health of a call's audio, and what else a supervisor should know of a leg before believing what it says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from callbus.messages.leg import CallId, CallSeconds, LegId, RecordingId, Role

MAX_CONDITIONS = 32
"""Of one call at a time: two legs have some ten."""
MAX_GAPS = 16


class ConditionKind(StrEnum):
    """What is the matter; each is told with a value in one unit."""

    ONE_WAY = "one_way"
    """Nothing is heard of the leg while the others speak; seconds of their speech."""
    NEAR_SILENT = "near_silent"
    """Its speech is all but silent; level in dBFS."""
    CLIPPED = "clipped"
    """Its speech is overdriven; the share of its samples that are as large as they can be."""
    LOSS = "loss"
    """Packets do not arrive; their share."""
    JITTER = "jitter"
    """Packets arrive unevenly; interarrival jitter (RFC 3550 section 6.4.1) in seconds."""
    LATE = "late"
    """Frames come when their place has passed, or far ahead of it, and are thrown away; their share."""
    UNDECODABLE = "undecodable"
    """Audio arrives that nobody here can decode; its RTP payload type."""
    PAUSED = "paused"
    """The PBX has paused the recording, or holds one leg back; seconds of the pause once it is over."""
    PARTIES_SWAPPED = "parties_swapped"
    """The parties' words stand on each other's legs; how many formulas say so."""


class Unit(StrEnum):
    """What a condition's value counts."""

    SECONDS = "seconds"
    SHARE = "share"
    """0 to 1."""
    DBFS = "dbfs"
    """Decibels below full scale: 0 or less."""
    PHRASES = "phrases"
    PAYLOAD_TYPE = "payload_type"
    """A number, 0 to 127 (RFC 3551)."""


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
"""A measured value. The bounds keep out what is no number."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that stands of a leg, or of the whole call, since some moment."""

    kind: ConditionKind
    leg_id: LegId
    """Empty: of the whole call."""
    role: Role
    since_seconds: CallSeconds
    """Call time at which it was found."""
    value: Value
    unit: Unit


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of a call that was not recorded, since the PBX had paused the recording."""

    from_seconds: CallSeconds
    """Call time."""
    to_seconds: CallSeconds


@dataclass(frozen=True, slots=True)
class CallEvent:
    """A condition begins or ends, as the bridge hears it."""

    call_id: CallId
    at_seconds: CallSeconds
    """Call time."""
    began: bool
    """Whether it stands from now on; else it ends."""
    condition: Condition
    """As it was when it began; the value is the latest."""
    recording_id: RecordingId = ""
