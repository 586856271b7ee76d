"""An utterance: one stretch of speech of one leg, on its way from a bridge to analysis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from callbus.messages.leg import CallId, CallSeconds, LegId, RecordingId, Role, UnixSeconds

MAX_PCM_BYTES = 2 * 16_000 * 60
"""A minute of 16 kHz audio: more in one message is a broken or hostile one."""
MOST_UTTERANCES = 100_000_000
"""Of one recording: ten a second for as long as call time counts. A tenth of `leg.Number`, so that what is made of
them still counts."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """Speech of one leg, from its first syllable (pre-roll included) to the silence that ended it."""

    call_id: CallId
    leg_id: LegId
    role: Role
    sequence: Annotated[int, Meta(ge=0, le=MOST_UTTERANCES)]
    """Counts a recording's utterances from 0, over all its legs: a gap is a lost one, a repeat is a doubled one."""
    start_seconds: CallSeconds
    """Call time: seconds of the leg's own samples."""
    end_seconds: CallSeconds
    ended_at: UnixSeconds
    """Unix seconds at which the speech ended: when its last speech sample arrived, hangover not included."""
    sample_rate_hz: Annotated[int, Meta(ge=8_000, le=16_000)]
    pcm: Annotated[bytes, Meta(max_length=MAX_PCM_BYTES)]
    """Mono, 16-bit signed little-endian."""
    recording_id: RecordingId = ""

    @property
    def duration_seconds(self) -> float:
        """Length of the audio in seconds."""
        return len(self.pcm) / 2 / self.sample_rate_hz
