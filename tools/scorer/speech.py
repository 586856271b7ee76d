"""Turns written text into a telephone transcript: hesitations, repetitions, lost and misheard words."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable

FILLERS = ("um", "uh", "er", "erm", "well", "so", "like", "you know", "i mean", "right", "okay", "yeah", "look")
WORDS_KNOWN = 6_000

_SOUNDS = str.maketrans("bfpvcgjkqsxzdtlmnr", "111122222222334556")


class Speech:
    """Corrupts words with errors from a vocabulary; words that sound alike replace one another."""

    def __init__(self, texts: Iterable[str]) -> None:
        counts = Counter(word for text in texts for word in text.split())
        self._words = [word for word, _ in counts.most_common(WORDS_KNOWN)]
        self._alike: defaultdict[str, list[str]] = defaultdict(list)
        for word in self._words:
            self._alike[sound(word)].append(word)

    def hesitant(self, text: str, dice: random.Random, rate: float) -> str:
        """The text with fillers and repeated words after `rate` of its words."""
        said: list[str] = []
        for word in text.split():
            roll = dice.random()
            if roll < rate / 2:
                said.append(dice.choice(FILLERS))
            elif roll < rate:
                said.append(word)
            said.append(word)
        return " ".join(said)

    def misheard(self, text: str, dice: random.Random, rate: float) -> str:
        """The text with `rate` of its words wrong: six in ten misheard, the others lost or extra words."""
        heard: list[str] = []
        for word in text.split():
            if dice.random() >= rate:
                heard.append(word)
                continue
            roll = dice.random()
            if roll < 0.6:
                heard.append(self._other(word, dice))
            elif roll > 0.85:
                heard.extend((word, dice.choice(self._words[:500])))
        return " ".join(heard)

    def _other(self, word: str, dice: random.Random) -> str:
        alike = [other for other in self._alike.get(sound(word), ()) if other != word]
        return dice.choice(alike) if alike and dice.random() < 0.7 else dice.choice(self._words[:1_000])


def sound(word: str) -> str:
    """A rough key for the sound of a word: its first letter, and the kinds of consonants after it."""
    key = word[:1]
    for letter in word[1:].translate(_SOUNDS):
        if letter.isdigit() and not key.endswith(letter):
            key += letter
    return key[:4]
