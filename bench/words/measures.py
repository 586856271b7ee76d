"""Word error with every dropped word counted as lost, and words that nobody said."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import jiwer
from num2words import num2words

from bench.words.clips import Clip
from bench.words.reading import Reading

_APART = re.compile(r"[^\w\s']|_")
_FIGURES = re.compile(r"(\d{1,12})(st|nd|rd|th)?\b")


def plain(text: str, language: str) -> str:
    """Words as they are compared: lower case, no punctuation, figures as words."""
    lower = unicodedata.normalize("NFKC", text).lower().replace("\u2019", "'")
    spelt = _FIGURES.sub(lambda found: _spelt(found[1], bool(found[2]), language), lower)
    return " ".join(_APART.sub(" ", spelt).split())


def _spelt(figure: str, is_ordinal: bool, language: str) -> str:
    return f" {num2words(int(figure), lang=language, to='ordinal' if is_ordinal else 'cardinal')} "


@dataclass(frozen=True, slots=True)
class Errors:
    """Of a set of clips."""

    wrong: int
    """Words substituted, lost and added."""
    words: int
    """Words that were said."""
    lost: int
    """Clips of which no word was read."""
    clips: int
    cpu_seconds: float
    seconds: float

    @property
    def rate(self) -> float:
        """Word error, 0 to 1 and more."""
        return self.wrong / max(1, self.words)


def errors(clips: Sequence[Clip], readings: Sequence[Reading]) -> Errors:
    """What was read against what was said."""
    wrong = words = lost = 0
    for clip, reading in zip(clips, readings, strict=True):
        said, read = plain(clip.said, clip.language), plain(reading.text, clip.language)
        if not said:
            continue
        found = jiwer.process_words(said, read)
        wrong += found.substitutions + found.deletions + found.insertions
        words += len(said.split())
        lost += not read
    cpu, seconds = sum(each.cpu_seconds for each in readings), sum(each.seconds for each in clips)
    return Errors(wrong, words, lost, len(clips), cpu, seconds)


def invented(clip: Clip, reading: Reading) -> float:
    """Words an hour that were read and that nobody said; what was said comes first in the clip, if anything was."""
    read, said = (len(plain(text, clip.language).split()) for text in (reading.text, clip.said))
    return max(0, read - said) * 3_600 / clip.seconds
