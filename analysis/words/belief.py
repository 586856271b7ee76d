"""Which of the words that a model wrote were said. Pure: it asks each guard, on what was heard and what was read."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.words.hallucination import (
    DOUBT_LOG_PROBABILITY,
    Invention,
    Phrases,
    credible,
    invented,
    is_echo,
    repeats,
    said_once,
)
from analysis.words.hallucination import words as plain
from analysis.words.passage import Words
from analysis.words.silence import CROWD_CERTAIN, NO_SPEECH, is_little, is_mostly, is_of_a_crowd, nobody_spoke
from analysis.words.speech import Speech

SILENCE = "silence"
HALLUCINATION = "hallucination"
CROWD = "crowd"


@dataclass(frozen=True, slots=True)
class Belief:
    """The words of an utterance that are believed."""

    text: str = ""
    dropped: str = ""
    """Why there are none: `silence` or `hallucination`."""
    reason: str = ""
    """The guard that dropped them, or a part of them; empty if none did."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What is known of an utterance beside its words."""

    seconds: float
    speech: Speech
    before: str = ""
    """The words just before, if the model had them."""

    @property
    def is_little(self) -> bool:
        """Whether it hardly holds speech."""
        return is_little(self.speech, self.seconds)


def believed(words: Words, heard: Heard, phrases: Phrases, whole: bool = False) -> Belief:
    """What the guards leave of `words`. `whole`: they were read on a longer audio context."""
    probabilities = words.no_speech_probability, words.mean_log_probability
    marked = whole and not is_mostly(heard.speech, heard.seconds)
    if nobody_spoke(words.text, *probabilities, heard.is_little, marked):
        return Belief(dropped=SILENCE, reason="no_speech" if words.text else "")
    if is_echo(words.text, heard.before):
        return Belief(dropped=HALLUCINATION, reason=Invention.ECHO)
    if heard.speech.is_crowd and (is_of_a_crowd(*probabilities) or _says_again(words.text, long=True)):
        return Belief(dropped=SILENCE, reason=CROWD)
    text = credible(words.text, phrases)
    if heard.is_little and _says_again(text):
        return Belief(dropped=HALLUCINATION, reason=Invention.REPETITION)
    if reason := invented(text or words.text, heard.seconds, *probabilities, phrases):
        return Belief(dropped=HALLUCINATION, reason=reason)
    text = said_once(text)
    return Belief(text, reason="" if text == words.text else Invention.PART)


def _says_again(text: str, long: bool = False) -> bool:
    """Whether a few words follow themselves; with `long`, also a sentence."""
    return repeats(plain(text).split(), {}, 1) or (long and said_once(text) != text)


def is_in_doubt(words: Words, belief: Belief, heard: Heard) -> bool:
    """Whether the cut context, or the words before, may be to blame for the words or for their loss."""
    if belief.reason in (Invention.REPETITION, Invention.COMPRESSION, Invention.RATE, Invention.ECHO):
        return True
    if not words.text or (heard.is_little and belief.dropped):
        return False
    if belief.reason == CROWD:  # the mark may be the cut context's
        return words.mean_log_probability >= CROWD_CERTAIN
    marked = words.no_speech_probability > NO_SPEECH and not is_mostly(heard.speech, heard.seconds)
    return heard.is_little or marked or words.mean_log_probability < DOUBT_LOG_PROBABILITY
