"""A party's leg in a call, and the types for calls, legs and times in every message."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

CallId = Annotated[str, Meta(min_length=1, max_length=128)]
"""The call's id from the PBX (hostile text), cut to 128 characters."""

LegId = Annotated[str, Meta(max_length=64)]
"""A leg's id within its call: the SDP label of its stream if it has one."""

RecordingId = Annotated[str, Meta(max_length=64)]
"""The recording of the call an event belongs to, named by the running bridge. Empty if the bridge does not say."""

UnixSeconds = Annotated[float, Meta(ge=0, le=1e11)]
"""A wall-clock time. The bounds reject infinities and NaN, which would spread through every sum."""

MOST_CALL_SECONDS = 1e7
"""Four months: no call reaches it."""
CallSeconds = Annotated[float, Meta(ge=0, le=MOST_CALL_SECONDS)]
"""Seconds since the call started, counted in samples."""

Number = Annotated[int, Meta(ge=0, le=1_000_000_000)]
"""A count within a call: turns, utterances. No real call reaches the bound."""


class Role(StrEnum):
    """The party a leg carries."""

    CUSTOMER = "customer"
    AGENT = "agent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Leg:
    """One party's audio in a call."""

    leg_id: LegId
    role: Role
    name: Annotated[str, Meta(max_length=128)] = ""
    """The agent's name, if the PBX sent it. Always empty for customers: no caller's name or number is passed on."""
