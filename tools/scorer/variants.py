"""The same examples as they might be transcribed from several telephones."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from analysis.turns.wording import plain
from tools.scorer.examples import Example
from tools.scorer.speech import Speech

MOST_WORD_ERRORS = 0.22
HESITANT_SHARE = 0.4
HESITATIONS = 0.06


def variants(examples: Sequence[Example], count: int, seed: int) -> list[list[Example]]:
    """The examples as written, and `count` versions with hesitations and misheard words."""
    clean = [replace(one, turns=tuple((role, plain(text)) for role, text in one.turns)) for one in examples]
    speech = Speech(text for one in clean for _, text in one.turns)
    dice = random.Random(seed)
    return [clean, *([_heard(one, speech, dice) for one in clean] for _ in range(count))]


def _heard(example: Example, speech: Speech, dice: random.Random) -> Example:
    rate = dice.uniform(0, MOST_WORD_ERRORS)
    turns = []
    for role, text in example.turns:
        said = speech.hesitant(text, dice, HESITATIONS) if dice.random() < HESITANT_SHARE else text
        turns.append((role, speech.misheard(said, dice, rate) or text))
    return replace(example, turns=tuple(turns))
