"""An utterance: one stretch of speech on one leg, sent from a bridge to analysis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from callbus.messages.leg import CallId, CallSeconds, LegId, RecordingId, Role, UnixSeconds

MAX_PCM_BYTES = 2 * 16_000 * 60
"""A minute of 16 kHz audio. A message with more is broken or hostile."""
MOST_UTTERANCES = 100_000_000
"""Per recording: ten a second for as long as call time can count. A tenth of `leg.Number`, which leaves room for
numbers derived from it."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """Speech of one leg, from its first syllable (pre-roll included) to the silence that ended it."""

    call_id: CallId
    leg_id: LegId
    role: Role
    sequence: Annotated[int, Meta(ge=0, le=MOST_UTTERANCES)]
    """Numbers a recording's utterances from 0 across its legs: a gap is a lost utterance, a repeat a duplicate."""
    start_seconds: CallSeconds
    """Call time: seconds of the leg's own samples."""
    end_seconds: CallSeconds
    ended_at: UnixSeconds
    """Unix seconds at which the last speech sample arrived, hangover excluded."""
    sample_rate_hz: Annotated[int, Meta(ge=8_000, le=16_000)]
    pcm: Annotated[bytes, Meta(max_length=MAX_PCM_BYTES)]
    """Mono, 16-bit signed little-endian."""
    recording_id: RecordingId = ""

    @property
    def duration_seconds(self) -> float:
        """Length of the audio in seconds."""
        return len(self.pcm) / 2 / self.sample_rate_hz
