"""Guard against utterances without speech. Pure."""

from __future__ import annotations

NO_SPEECH = 0.6
"""Whisper's own threshold for the probability of its no-speech token."""
UNSURE = -1.0
"""Mean log-probability of the tokens below which a no-speech mark is believed; Whisper's own threshold."""


def nobody_spoke(text: str, no_speech_probability: float, mean_log_probability: float) -> bool:
    """Whether the words of an utterance count as silence.

    A high no-speech probability alone is not enough: quiet speech that the model reads confidently is speech.
    """
    if not any(letter.isalnum() for letter in text):
        return True
    return no_speech_probability > NO_SPEECH and mean_log_probability < UNSURE
