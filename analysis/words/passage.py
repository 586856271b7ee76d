"""What a Whisper reads at a time, and what it makes of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from analysis.words.features import Spectrogram
from analysis.words.language import Probabilities, Wanted


@dataclass(frozen=True, slots=True)
class Passage:
    """An utterance for the model, perhaps with the speech of its leg that came just before it."""

    features: Spectrogram
    language: Wanted = ""
    """To read it in; empty for the configured one."""
    before: str = ""
    """Words of the earlier speech at the beginning of `features`. They help the model and are not read again."""
    before_seconds: float = 0.0
    """Length of that speech."""


class Shed(Exception):
    """The utterance was dropped: too many wait."""


@dataclass(frozen=True, slots=True)
class Words:
    """What the model recognized in one utterance."""

    text: str
    confidence: float
    """Geometric mean of the tokens' probabilities, 0 to 1."""
    no_speech_probability: float
    mean_log_probability: float
    language: str = ""
    """The code of the language that it was read in."""
    languages: Probabilities = field(default_factory=dict)
    """What it sounds like, if that was asked."""
