"""Word errors as Whisper makes them on a bad line: a similar word, a missing word, an extra word."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from bench.evaluation.dialogues import Dialogue

HEARD_AS_ANOTHER, LOST = 0.6, 0.25
"""Shares of the errors; the rest are extra words."""
NEAREST = 5


class WordErrors:
    """Puts errors into the words of a set of dialogues."""

    def __init__(self, dialogues: Iterable[Dialogue], commonest: int = 3_000) -> None:
        counts = Counter(
            word
            for dialogue in dialogues
            for line in dialogue.lines
            for text in line.utterances
            for word in text.split()
        )
        self._words = [word for word, _ in counts.most_common(commonest)]
        pairs = [_pairs(word) for word in self._words]
        self._rows = {pair: row for row, pair in enumerate(sorted(set().union(*pairs)))}
        self._has = np.zeros((len(self._rows), len(pairs)), np.int16)
        """Whether a pair of letters is in a word, shape (pairs, words)."""
        for column, of in enumerate(pairs):
            self._has[[self._rows[pair] for pair in of], column] = 1
        self._lengths = self._has.sum(0)
        self._near: dict[str, list[str]] = {}

    def corrupt(self, dialogue: Dialogue, rate: float, seed: int) -> Dialogue:
        """The dialogue with `rate` of both parties' words wrong; the same seed gives the same errors."""
        dice = random.Random(f"{seed} {rate} {dialogue.name}")
        lines = tuple(
            replace(line, utterances=tuple(self._misheard(text, rate, dice) for text in line.utterances))
            for line in dialogue.lines
        )
        return replace(dialogue, lines=lines)

    def _misheard(self, text: str, rate: float, dice: random.Random) -> str:
        heard: list[str] = []
        for word in text.split():
            if dice.random() >= rate:
                heard.append(word)
                continue
            roll = dice.random()
            if roll < HEARD_AS_ANOTHER:
                heard.append(dice.choice(self._similar(word)))
            elif roll >= HEARD_AS_ANOTHER + LOST:
                heard.extend((word, dice.choice(self._words[:300])))
        return " ".join(heard)

    def _similar(self, word: str) -> list[str]:
        if word not in self._near:
            own = _pairs(word)
            common = self._has[[self._rows[pair] for pair in own if pair in self._rows]].sum(0)
            likeness = common / (len(own) + self._lengths - common)
            nearest = np.argsort(-likeness, kind="stable")[: NEAREST + 1]
            others = [other for at in nearest if (other := self._words[at]) != word]
            self._near[word] = others[:NEAREST] or [word]
        return self._near[word]


def _pairs(word: str) -> set[str]:
    padded = f"^{word.lower()}$"
    return {padded[at : at + 2] for at in range(len(padded) - 1)}
