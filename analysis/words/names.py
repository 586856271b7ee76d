"""Puts the names that an operator lists in place of what a Whisper made of them: by sound. Pure.

A Whisper writes a name that it does not know as the likeliest words of that sound: "Veltrano" as "Beltrano", "Sitilli"
as "city Lee". One to three words side by side become a name if they sound nearly like it. Words that everybody uses
must sound more like it than others do.

Numbers are left alone, and whatever may stand within one, so redaction finds afterwards what it would have found.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path
from types import MappingProxyType

from analysis.words.number_words import WORDS
from analysis.words.sounds import distance, sounds, weight

COMMON_WORDS = Path(__file__).parents[1] / "models" / "feeling" / "tokenizer.json"
"""The English words that the shipped scorer knows whole: thirty thousand, the most frequent ones."""
NEAR = 0.3
"""Greatest distance of words from a name that they are taken for, as a share of the name's sounds."""
NEAR_COMMON = 0.1
"""The same where all of the words are common ones."""
LEAST_WEIGHT = 3.0
"""Of a name's sounds. Shorter names sound like too much else, and are only written as they are listed."""
MORE_WORDS = 1
"""Words that may be taken for a name, beyond the number of its own."""
PROMPT_CHARACTERS = 400
"""Whisper reads the last 223 tokens of a prompt, and takes two or three letters of a rare name for one."""
SHORT_LETTERS = 3
"""Words up to this long count as common."""

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
_JOINTS = frozenset(" -\u2010\u2011")
_BETWEEN_NUMBERS = (WORDS.fillers, WORDS.joins, WORDS.links_after_tens, WORDS.links_after_hundreds)
_FIGURE = re.compile(r"\d")
_ENDINGS = ("", "s", "r", "rs", "er", "ers", "d", "ed", "ing", "ly")
"""Which a common word may have and still be one."""
_OWNER = re.compile(r"['\u2019]s\Z")


@dataclass(frozen=True, slots=True)
class _Name:
    text: str
    sounds: str
    weight: float
    words: int


@dataclass(frozen=True, slots=True)
class _Match:
    start: int
    end: int
    distance: float
    text: str


class Names:
    """Names to be recognized; any thread."""

    def __init__(self, names: Iterable[str]) -> None:
        self.listed = tuple(dict.fromkeys(names))
        known = (_Name(text, heard := sounds(text), weight(heard), len(_WORD.findall(text))) for text in self.listed)
        self._names = [name for name in known if name.weight >= LEAST_WEIGHT and not _FIGURE.search(name.text)]
        self._most = max((name.words for name in self._names), default=0) + MORE_WORDS
        self._written = {_plain(name) for name in self.listed}

    @property
    def prompt(self) -> str:
        """For a recognizer that takes a prompt: the first names that fit into what it reads of that."""
        fitting = accumulate(self.listed, lambda prompt, name: f"{prompt}, {name}")
        return max((each for each in fitting if len(each) <= PROMPT_CHARACTERS), key=len, default="")

    def put_right(self, text: str) -> str:
        """`text` with each name in place of the words that sound nearly like it; the same text if there are none."""
        if not self._names:
            return text
        kept: list[str] = []
        past = 0
        for match in self._chosen(text):
            kept += text[past : match.start], match.text
            past = match.end
        return "".join(kept) + text[past:]

    def _chosen(self, text: str) -> Sequence[_Match]:
        """The nearest matches that do not overlap, in order."""
        taken: list[_Match] = []
        for match in sorted(self._matches(text), key=lambda each: (each.distance, each.start - each.end)):
            if all(match.end <= other.start or match.start >= other.end for other in taken):
                taken.append(match)
        return sorted(taken, key=lambda each: each.start)

    def _matches(self, text: str) -> Iterator[_Match]:
        words = list(_WORD.finditer(text))
        free = [not WORDS.meanings_of(word.group().lower()) for word in words]
        for first in range(len(words)):
            for last in range(first, min(len(words), first + self._most)):
                if not free[last] or (last > first and not _are_joined(text, words[last - 1], words[last])):
                    break
                if not all(_may_be_in_a_number(word.group()) for word in words[first : last + 1]):
                    yield from self._match(text, words[first : last + 1])

    def _match(self, text: str, words: Sequence[re.Match[str]]) -> Iterator[_Match]:
        start, end = words[0].start(), words[-1].end()
        owner = _OWNER.search(text, start, end)
        bound = NEAR_COMMON if all(_is_common(word.group()) for word in words) else NEAR
        for stop in (end, *([owner.start()] if owner else [])):
            said = text[start:stop]
            if _plain(said) in self._written:  # rightly read: nothing else may be made of a part of it
                yield _Match(start, stop, -1.0, said)
            heard = sounds(said)
            heavy = weight(heard)
            for name in self._names:
                most = bound * name.weight
                if len(words) > name.words + MORE_WORDS or abs(heavy - name.weight) > most:
                    continue
                if (far := distance(heard, name.sounds, most)) <= most:
                    yield _Match(start, stop, far / name.weight, name.text)


class Glossary:
    """The names to be recognized in each queue's calls."""

    def __init__(self, names: Sequence[str] = (), by_queue: Mapping[str, Sequence[str]] = MappingProxyType({})) -> None:
        self._common = Names(names)
        listed: dict[str, list[str]] = {}
        for queue, others in by_queue.items():
            listed.setdefault(queue.lower(), []).extend(others)
        self._by_queue = {queue: Names([*names, *others]) for queue, others in listed.items()}

    def of(self, queue: str) -> Names:
        """Those of all calls, and of this queue's if it is known."""
        return self._by_queue.get(queue.lower(), self._common)


def _are_joined(text: str, before: re.Match[str], after: re.Match[str]) -> bool:
    return after.start() - before.end() == 1 and text[before.end()] in _JOINTS


def _plain(text: str) -> str:
    return " ".join(word.lower() for word in _WORD.findall(text))


def _may_be_in_a_number(word: str) -> bool:
    """Whether a number that is read out goes on after this word."""
    lower = word.lower()
    return any(lower in words for words in _BETWEEN_NUMBERS)


def _is_common(word: str) -> bool:
    lower = _OWNER.sub("", word.lower())
    stems = (lower.removesuffix(ending) for ending in _ENDINGS)
    return len(lower) <= SHORT_LETTERS or any(stem in _common() for stem in stems if len(stem) > SHORT_LETTERS)


@cache
def _common() -> frozenset[str]:
    vocabulary = json.loads(COMMON_WORDS.read_text(encoding="utf-8"))["model"]["vocab"]
    return frozenset(word for word in vocabulary if word.isalpha())
