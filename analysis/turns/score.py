"""A turn's evidence of the customer's mood: log-odds, made of terms that name the words behind it."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from analysis.turns.figures import spoken
from analysis.turns.reading import CustomerReading
from analysis.turns.turn import Turn
from callbus import Term

MOST_LOG_ODDS = 3.0
FULL_WORDS = 5
"""From this many words on a turn counts in full; shorter ones say less."""
HALF_RIGHT, RIGHT_WITHIN = 0.42, 0.095
TERMS_SHOWN = 8
TERM_CHARACTERS = 64
TEXT_CHARACTERS = 2_000
"""Characters of a turn that a scorer reads, so that its time is bounded."""
LEAST_SHARE = 0.1
"""A part with a smaller share of the score is not named."""

_UNSPACED = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]")
"""Letters of scripts without spaces between words: Thai, Lao, Japanese, Chinese."""


@dataclass(frozen=True, slots=True)
class Score:
    """A turn's evidence."""

    log_odds: float
    """-3 to 3, negative is unhappy, unweighted."""
    weight: float
    """0 to 1: how much of it counts, by the number of words and their certainty."""
    terms: tuple[Term, ...]
    """They sum to `value`."""
    reading: CustomerReading | None = None
    """What else the turn tells, if the scorer reads it."""

    @property
    def value(self) -> float:
        """Weighted log-odds: -3 to 3."""
        return self.log_odds * self.weight


Asked = tuple[Turn, Sequence[Turn]]
"""A turn to score, and the earlier turns of both parties, oldest first."""


class Scorer(Protocol):
    """Scores a customer's turn, on any thread."""

    def score(self, turn: Turn, history: Sequence[Turn]) -> Score:
        """The evidence in `turn`; `history`: the earlier turns of both parties, oldest first. Never raises."""


def certainty(confidence: float) -> float:
    """How many of a turn's words are right, 0 to 1, by Whisper's mean token probability.

    A logistic through 150 prompts read under noise: at .75 Whisper has 97 % of the words right, and at .42 half. At 1,
    which is that of written words, all are right.
    """
    return _logistic(confidence) / _logistic(1.0)


def _logistic(confidence: float) -> float:
    return 1 / (1 + math.exp((HALF_RIGHT - confidence) / RIGHT_WITHIN))


def weight(turn: Turn, full_words: int = FULL_WORDS) -> float:
    """How much a turn's evidence counts, 0 to 1: in full from `full_words` on, if every word is certain."""
    text = readable(turn.text)
    words = max(len(spoken(text).split()), math.ceil(len(_UNSPACED.findall(text)) / 2))
    return certainty(turn.confidence) * min(1.0, words / full_words)


def readable(text: str) -> str:
    """`text` for a model: cut, single spaces, no control or formatting characters, no lone surrogates."""
    cut = text[: 2 * TEXT_CHARACTERS]
    kept = (c if (kind := unicodedata.category(c))[0] != "C" else "" if kind == "Cf" else " " for c in cut)
    return " ".join("".join(kept)[:TEXT_CHARACTERS].split())


def shared_out(value: float, shares: Mapping[str, float], rest: str) -> tuple[Term, ...]:
    """Splits `value` into terms by non-negative shares: the strongest by name, the others as `rest`."""
    whole = sum(shares.values())
    if not value:
        return ()
    ranked = sorted(shares.items(), key=lambda item: (-item[1], item[0])) if whole > 0 else []
    named = [(name, share / whole) for name, share in ranked[:TERMS_SHOWN] if share / whole >= LEAST_SHARE]
    terms = [Term(name[:TERM_CHARACTERS], value * share) for name, share in named]
    left = value - sum(term.value for term in terms)
    return (*terms, Term(rest, left)) if abs(left) > 1e-9 else tuple(terms)
