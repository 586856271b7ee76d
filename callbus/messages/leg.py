"""A party's leg in a call, and how calls, legs and moments are named in every message."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

CallId = Annotated[str, Meta(min_length=1, max_length=128)]
"""A call's id as the PBX gives it (hostile text), cut to 128 characters."""

LegId = Annotated[str, Meta(max_length=64)]
"""A leg's id within its call: the SDP label of its stream where there is one."""

RecordingId = Annotated[str, Meta(max_length=64)]
"""Which recording of a call an event is of: the running bridge that makes it. Empty where the bridge does not say."""

UnixSeconds = Annotated[float, Meta(ge=0, le=1e11)]
"""A moment by the wall clock. The bounds keep out what is no number: it would pass through every sum."""

MOST_CALL_SECONDS = 1e7
"""Four months: no call reaches it."""
CallSeconds = Annotated[float, Meta(ge=0, le=MOST_CALL_SECONDS)]
"""Seconds since the call began, counted in samples."""

Number = Annotated[int, Meta(ge=0, le=1_000_000_000)]
"""What counts within a call: turns, utterances. The bound is past what any call reaches."""


class Role(StrEnum):
    """Which party a leg carries."""

    CUSTOMER = "customer"
    AGENT = "agent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Leg:
    """One party's audio in a call."""

    leg_id: LegId
    role: Role
    name: Annotated[str, Meta(max_length=128)] = ""
    """The agent's name, where the PBX told it. Always empty for customers: no caller's name or number travels."""
