"""What is heard in an utterance before its words are read: its spectrogram, how much of it is speech, the voice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from analysis.words.features import Spectrogram
from analysis.words.legs import APART_DB, Earlier, Loudness
from analysis.words.speech import Speech
from analysis.words.voice import Measured, measure
from callbus import Role, Utterance


@dataclass(frozen=True, slots=True)
class Sound:
    """What is heard in an utterance before its words are read."""

    features: Spectrogram | None
    """None if it is too short to hold a word."""
    speech: Speech
    earlier: Earlier | None
    """The speech before it that the features begin with."""
    voice: Measured | None


class Ear(Protocol):
    """What is heard in an utterance before its words are read."""

    def hear(self, pcm: bytes, rate_hz: int, before: bytes = b"") -> tuple[Spectrogram | None, Speech]:
        """The spectrogram, None if the utterance is too short to hold a word; and how much of it is speech.

        `before`: earlier speech, which the spectrogram begins with.
        """


def hear(ear: Ear, voices: bool, utterance: Utterance, earlier: Earlier | None, loudness: Loudness) -> Sound:
    """The sound of an utterance, after what its leg said `earlier`. On a feature thread.

    Somebody further away than the leg's own party, of this `loudness`, is heard without that party's words. `voices`:
    customers' voices are measured too.
    """
    voice = measure(utterance.pcm, utterance.sample_rate_hz) if voices and utterance.role is Role.CUSTOMER else None
    features, speech = ear.hear(utterance.pcm, utterance.sample_rate_hz, earlier.pcm if earlier else b"")
    if earlier and loudness.is_far(speech, APART_DB):
        return replace(hear(ear, False, utterance, None, loudness), voice=voice)
    return Sound(features, speech, earlier, voice)
