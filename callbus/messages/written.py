"""A written turn: one chat message or e-mail of one party, sent to analysis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from callbus.messages.call import Channel
from callbus.messages.leg import CallId, LegId, RecordingId, Role, UnixSeconds
from callbus.messages.utterance import MOST_UTTERANCES

MOST_CHARACTERS = 10_000
"""Of one message: as many as a transcript holds."""


@dataclass(frozen=True, slots=True)
class WrittenTurn:
    """What one party wrote, in one message."""

    call_id: CallId
    """The conversation's id. Conversations and calls share one space of ids."""
    leg_id: LegId
    role: Role
    sequence: Annotated[int, Meta(ge=0, le=MOST_UTTERANCES)]
    """Numbers a conversation's messages from 0 across its parties: a gap is a lost message, a repeat a duplicate."""
    text: Annotated[str, Meta(max_length=MOST_CHARACTERS)]
    at: UnixSeconds
    """Unix seconds at which it was written."""
    channel: Channel
    """`chat` or `email`."""
    recording_id: RecordingId = ""
