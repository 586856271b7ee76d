"""The same examples as they might be transcribed from several telephones."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from analysis.turns.wording import as_read
from tools.scorer.examples import Example
from tools.scorer.speech import Speech

MOST_WORD_ERRORS = 0.22
HESITANT_SHARE = 0.4
HESITATIONS = 0.06
QUESTIONS_LOST = 0.25
"""Share of the question marks that a transcript lacks."""


def variants(examples: Sequence[Example], count: int, seed: int) -> list[list[Example]]:
    """The examples as written, and `count` versions with hesitations and misheard words."""
    clean = [replace(one, turns=tuple((role, as_read(text)) for role, text in one.turns)) for one in examples]
    speech = Speech(text for one in clean for _, text in one.turns)
    dice = random.Random(seed)
    return [clean, *([_heard(one, speech, dice) for one in clean] for _ in range(count))]


def _heard(example: Example, speech: Speech, dice: random.Random) -> Example:
    rate = dice.uniform(0, MOST_WORD_ERRORS)
    turns = []
    for role, text in example.turns:
        hesitant = HESITATIONS if dice.random() < HESITANT_SHARE else 0.0
        parts = [speech.misheard(speech.hesitant(part, dice, hesitant), dice, rate) for part in text.split(" ?")]
        said = parts[0]
        for part in parts[1:]:
            said += (" " if dice.random() < QUESTIONS_LOST else " ? ") + part
        turns.append((role, " ".join(said.split()) or text))
    return replace(example, turns=tuple(turns))
