"""A transcript: the words of one utterance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from callbus.messages.call import Reason
from callbus.messages.leg import CallId, LegId, Number, Role


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said in one utterance, or why its words are missing."""

    call_id: CallId
    leg_id: LegId
    role: Role
    sequence: Number
    """Numbers the call's utterances across all its recordings: a gap is a lost utterance."""
    turn: Number
    """The turn it belongs to, counted from 0 over both parties."""
    start_seconds: float
    """Call time."""
    end_seconds: float
    text: Annotated[str, Meta(max_length=10_000)]
    """Long runs of digits are redacted."""
    confidence: Annotated[float, Meta(ge=0, le=1)]
    """Whisper's mean token probability."""
    score: float | None
    """Score of the customer's turn so far, log-odds, negative is unhappy; null for agents and dropped utterances."""
    published_at: float
    """Unix seconds."""
    dropped: Reason = ""
    """Why there are no words: `silence`, `hallucination`, `overload`, `error`; empty if there are words."""
