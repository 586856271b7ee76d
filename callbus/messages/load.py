"""An agent's load, as their call's card and their own view show it. It names nobody, and is in no stream."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from callbus.messages.leg import Number, UnixSeconds


class Suggestion(StrEnum):
    """What might do the agent good now."""

    NONE = "none"
    DEBRIEF = "debrief"
    """To talk a hard call over."""
    PAUSE = "pause"
    LIGHTER_WORK = "lighter_work"
    """Both of these."""


@dataclass(frozen=True, slots=True)
class AgentLoad:
    """What is known of the work of a call's agent, when the call begins or ends."""

    hard_calls: Number
    """In a row, the latest ones."""
    since: UnixSeconds
    """Unix seconds: beginning of the first call after their latest pause."""
    suggestion: Suggestion
