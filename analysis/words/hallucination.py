"""Guards against invented words: what Whisper writes when it hears noise, music or its own echo. Pure.

Each guard has a name, which labels it in the metric.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

SHIPPED_PHRASES = Path(__file__).with_name("invented_phrases.txt")

MOST_COMPRESSION = 2.4
"""Whisper's own bound: text that compresses better than this repeats itself."""
MOST_LETTERS_PER_SECOND = 40.0
"""Fast speech has about 25. Counted in letters, since the length of a token depends on the vocabulary."""
LONGEST_NGRAM = 6
MOST_REPEATS = {1: 5}
"""Times a word may follow itself ("no no no"); other n-grams three times."""
OTHER_REPEATS = 3
DOUBT_NO_SPEECH = 0.3
DOUBT_LOG_PROBABILITY = -0.7
"""Beyond either bound the model is in doubt, and then even a phrase that people do say counts as invented."""

_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")


class Invention(StrEnum):
    """Why words are considered invented."""

    PHRASE = "phrase"
    REPETITION = "repetition"
    COMPRESSION = "compression"
    RATE = "rate"


@dataclass(frozen=True, slots=True)
class Phrases:
    """Whole utterances known to be inventions, in the form given by `words`."""

    always: frozenset[str]
    in_doubt: frozenset[str]
    """Only if the model is in doubt: people say these too."""

    @classmethod
    def parse(cls, lines: Iterable[str]) -> Phrases:
        """One phrase a line. `?` before it: only if in doubt. `#` starts a comment."""
        always: set[str] = set()
        in_doubt: set[str] = set()
        for line in lines:
            phrase = line.partition("#")[0].strip()
            if key := words(phrase):
                (in_doubt if phrase.startswith("?") else always).add(key)
        return cls(frozenset(always), frozenset(in_doubt))

    @classmethod
    def read(cls, path: Path) -> Phrases:
        """The list in a UTF-8 file. Raises OSError and UnicodeDecodeError."""
        return cls.parse(path.read_text(encoding="utf-8").splitlines())


def words(text: str) -> str:
    """Lower-case words, single spaces, no punctuation: the form in which phrases are compared."""
    return " ".join(_WORD.findall(text.lower().replace("\u2019", "'")))


def invented(
    text: str,
    duration_seconds: float,
    no_speech_probability: float,
    mean_log_probability: float,
    phrases: Phrases,
) -> Invention | None:
    """Why `text` cannot have been said in `duration_seconds` of speech; None if it can."""
    said = words(text)
    in_doubt = no_speech_probability > DOUBT_NO_SPEECH or mean_log_probability < DOUBT_LOG_PROBABILITY
    if said in phrases.always or (in_doubt and said in phrases.in_doubt):
        return Invention.PHRASE
    if repeats(said.split()):
        return Invention.REPETITION
    if compression(text) > MOST_COMPRESSION:
        return Invention.COMPRESSION
    if len(said) > MOST_LETTERS_PER_SECOND * max(duration_seconds, 0.25):
        return Invention.RATE
    return None


def repeats(said: list[str]) -> bool:
    """Whether an n-gram follows itself more often than in natural speech."""
    for size in range(1, LONGEST_NGRAM + 1):
        most = MOST_REPEATS.get(size, OTHER_REPEATS)
        same = 0
        for place in range(size, len(said)):
            same = same + 1 if said[place] == said[place - size] else 0
            if same >= size * most:
                return True
    return False


def compression(text: str) -> float:
    """Size of the text over its compressed size; about 1 for plain sentences."""
    raw = text.encode()
    return len(raw) / len(zlib.compress(raw)) if raw else 0.0
