"""Guard: an utterance in which nobody spoke. Pure.

Measured with Whisper base on telephone prompts, a real call, breathing, typing, clicks, babble and hold music: no
prompt is dropped by these bounds on a longer audio context, where a model's own probabilities can be believed.
"""

from __future__ import annotations

from analysis.words.speech import Speech

NOTHING = 0.15
"""An utterance in which no window is likelier speech than this is not read."""
LONG_SECONDS = 2.0
"""The same for one of this length in which no window is speech: whoever talks that long is heard once."""
LITTLE_SECONDS = 0.25
LITTLE_SHARE = 0.1
"""With less speech than either, nobody spoke unless the model is certain of the words."""
CERTAIN = -0.95
"""Mean log-probability of words that are believed in little speech."""
MOSTLY_SHARE = 0.4
"""Of an utterance, pauses at its ends included. With more speech, somebody spoke whatever Whisper's mark says."""
NO_SPEECH = 0.6
"""Whisper's own bound on the probability of its no-speech token."""
UNSURE = -1.0
"""Mean log-probability below which that mark is believed on a cut context; Whisper's own bound."""
UNBELIEVABLE = -1.5
"""Mean log-probability of words that nobody said, whatever else is known of them."""
CROWD_CERTAIN = -0.85
CROWD_NO_SPEECH = 0.4
"""Where no voice stands out of a crowd, words are believed from this mean log-probability on, up to this mark. Somebody
who is 3 dB louder than it is read so; what a model makes of the crowd itself, or of somebody within it, is not."""


def is_nothing(speech: Speech, seconds: float) -> bool:
    """Whether an utterance of this length holds no speech at all."""
    return speech.highest < NOTHING or (seconds >= LONG_SECONDS and not speech.seconds)


def is_mostly(speech: Speech, seconds: float) -> bool:
    """Whether most of an utterance of this length is speech."""
    return speech.seconds >= MOSTLY_SHARE * seconds


def is_little(speech: Speech, seconds: float) -> bool:
    """Whether an utterance of this length hardly holds speech."""
    return speech.seconds < max(LITTLE_SECONDS, LITTLE_SHARE * seconds)


def nobody_spoke(
    text: str, no_speech_probability: float, mean_log_probability: float, little: bool = False, marked: bool = False
) -> bool:
    """Whether an utterance's words are to be taken for silence.

    `little`: it hardly holds speech. `marked`: the no-speech probability can be believed, whatever the words'; a cut
    context spoils it, and so does an utterance that is mostly speech, which says otherwise.
    """
    if not any(letter.isalnum() for letter in text) or mean_log_probability < UNBELIEVABLE:
        return True
    if little and mean_log_probability < CERTAIN:
        return True
    return no_speech_probability > NO_SPEECH and (marked or mean_log_probability < UNSURE)


def is_of_a_crowd(no_speech_probability: float, mean_log_probability: float) -> bool:
    """Whether words are made of a crowd's voices, where no voice stands out."""
    return mean_log_probability < CROWD_CERTAIN or no_speech_probability > CROWD_NO_SPEECH
