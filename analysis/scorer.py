"""What a turn says of the customer's mood, as log-odds whose terms are the words that carry it."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer, SentiText

from analysis.turn import Turn
from callbus import Term

MOST_LOG_ODDS = 3.0
FULL_WORDS = 5
"""Words from which on a turn counts whole; shorter ones say less."""
TERMS_SHOWN = 8
OTHER_TERM = "other words"
TERM_CHARACTERS = 64
TEXT_CHARACTERS = 2_000
"""Of a turn; what is past it no scorer reads, so that a score's time has a bound."""
LEAST_SHARE = 0.1
"""A part with less of the score than this is not named."""

_UNSPACED = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]")
"""Letters of scripts that set no spaces between words: Thai, Lao, Japanese, Chinese."""


@dataclass(frozen=True, slots=True)
class Score:
    """A turn's evidence."""

    log_odds: float
    """-3 to 3, negative is unhappy, before weighing."""
    weight: float
    """0 to 1: how much of it counts, by the certainty of the words and their number."""
    terms: tuple[Term, ...]
    """They sum to `value`."""

    @property
    def value(self) -> float:
        """Log-odds, weighed: -3 to 3."""
        return self.log_odds * self.weight


Asked = tuple[Turn, Sequence[Turn]]
"""A turn to be scored, and the turns of both parties before it, oldest first."""


class Scorer(Protocol):
    """Judges a customer's turn, on whichever thread it is asked."""

    def score(self, turn: Turn, history: Sequence[Turn]) -> Score:
        """The evidence in `turn`; `history` are the turns of both parties before it, oldest first. Never raises."""


def weight(turn: Turn, full_words: int = FULL_WORDS) -> float:
    """How much a turn's evidence counts, 0 to 1: whole from `full_words` on, where every word is certain."""
    text = readable(turn.text)
    words = max(len(text.split()), math.ceil(len(_UNSPACED.findall(text)) / 2))
    return turn.confidence * min(1.0, words / full_words)


def readable(text: str) -> str:
    """`text` as a model gets it: cut, single spaces, no control or formatting character, no half of a surrogate."""
    cut = text[: 2 * TEXT_CHARACTERS]
    kept = (c if (kind := unicodedata.category(c))[0] != "C" else "" if kind == "Cf" else " " for c in cut)
    return " ".join("".join(kept)[:TEXT_CHARACTERS].split())


def shared_out(value: float, shares: Mapping[str, float], rest: str) -> tuple[Term, ...]:
    """`value` as terms, by shares that are not negative: the strongest by name, the others as `rest`."""
    whole = sum(shares.values())
    if not value:
        return ()
    ranked = sorted(shares.items(), key=lambda item: (-item[1], item[0])) if whole > 0 else []
    named = [(name, share / whole) for name, share in ranked[:TERMS_SHOWN] if share / whole >= LEAST_SHARE]
    terms = [Term(name[:TERM_CHARACTERS], value * share) for name, share in named]
    left = value - sum(term.value for term in terms)
    return (*terms, Term(rest, left)) if abs(left) > 1e-9 else tuple(terms)


class VaderScorer:
    """A lexicon with rules for negation and degree: no model, no context, English only.

    Its worst failing is calm talk about problems, which the detector's per-caller baseline takes back in part.
    """

    def __init__(self) -> None:
        self._lexicon = _Valences()

    def score(self, turn: Turn, history: Sequence[Turn]) -> Score:
        """See Scorer; `history` is not looked at."""
        words = re.sub(r"[^\w\s'-]|_", " ", readable(turn.text).replace("\u2019", "'")).lower()
        valences: list[tuple[str, float]] = self._lexicon.polarity_scores(words)
        total = sum(valence for _, valence in valences)
        log_odds = max(-MOST_LOG_ODDS, min(MOST_LOG_ODDS, _log_odds(total)))
        counts = weight(turn)
        return Score(log_odds, counts, _terms(valences, _slope(total, log_odds) * counts, log_odds * counts))


class _Valences(SentimentIntensityAnalyzer):  # type: ignore[misc] # it ships no types
    """VADER, giving each word's share instead of the sum's squashed form."""

    def polarity_scores(self, text: str) -> Any:
        self._words = SentiText(text).words_and_emoticons
        return super().polarity_scores(text)

    def score_valence(self, sentiments: list[float], text: str) -> Any:
        words = self._words if len(self._words) == len(sentiments) else ["words"] * len(sentiments)
        return [(word, float(valence)) for word, valence in zip(words, sentiments, strict=True)]


def _log_odds(total: float) -> float:
    """VADER's compound score c = x / sqrt(x² + 15), taken as 2p - 1 of being pleased: log-odds 2·artanh(c)."""
    return 2 * math.asinh(total / math.sqrt(15))


def _slope(total: float, log_odds: float) -> float:
    """Log-odds per unit of valence; where words cancel each other out, what it tends to there."""
    return log_odds / total if abs(total) > 1e-6 else 2 / math.sqrt(15)


def _terms(valences: list[tuple[str, float]], slope: float, value: float) -> tuple[Term, ...]:
    """`value` shared out over the words in proportion to their valences; those past the strongest become one."""
    shares: dict[str, float] = {}
    for word, valence in valences:
        if valence:
            name = word[:TERM_CHARACTERS]
            shares[name] = shares.get(name, 0.0) + valence * slope
    ranked = sorted(shares.items(), key=lambda item: -abs(item[1]))
    terms = [Term(name, share) for name, share in ranked[:TERMS_SHOWN] if share]
    rest = value - sum(term.value for term in terms)
    if abs(rest) > 1e-9:
        terms.append(Term(OTHER_TERM, rest))
    return tuple(terms)
