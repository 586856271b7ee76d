"""VADER, a control: what a word list makes of the turns that the shipped network reads."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer, SentiText

from analysis.turns.score import MOST_LOG_ODDS, TERM_CHARACTERS, TERMS_SHOWN, Score, readable, weight
from analysis.turns.turn import Turn
from callbus import Term

OTHER_TERM = "other words"


class VaderScorer:
    """A lexicon with rules for negation and degree: no model, no context, English only.

    Its worst failing is calm talk about problems, which the detector's per-caller baseline partly corrects.
    """

    def __init__(self) -> None:
        self._lexicon = _Valences()

    def score(self, turn: Turn, history: Sequence[Turn]) -> Score:
        """See analysis.turns.score.Scorer; `history` is ignored."""
        words = re.sub(r"[^\w\s'-]|_", " ", readable(turn.text).replace("\u2019", "'")).lower()
        valences: list[tuple[str, float]] = self._lexicon.polarity_scores(words)
        total = sum(valence for _, valence in valences)
        log_odds = max(-MOST_LOG_ODDS, min(MOST_LOG_ODDS, _log_odds(total)))
        counts = weight(turn)
        return Score(log_odds, counts, _terms(valences, _slope(total, log_odds) * counts, log_odds * counts))


class _Valences(SentimentIntensityAnalyzer):  # type: ignore[misc] # no type stubs
    """VADER, returning each word's share instead of the normalised sum."""

    def polarity_scores(self, text: str) -> Any:
        self._words = SentiText(text).words_and_emoticons
        return super().polarity_scores(text)

    def score_valence(self, sentiments: list[float], text: str) -> Any:
        words = self._words if len(self._words) == len(sentiments) else ["words"] * len(sentiments)
        return [(word, float(valence)) for word, valence in zip(words, sentiments, strict=True)]


def _log_odds(total: float) -> float:
    """VADER's compound score c = x / sqrt(x² + 15), read as 2p - 1 for p(pleased): log-odds 2·artanh(c)."""
    return 2 * math.asinh(total / math.sqrt(15))


def _slope(total: float, log_odds: float) -> float:
    """Log-odds per unit of valence; where words cancel out, its limit."""
    return log_odds / total if abs(total) > 1e-6 else 2 / math.sqrt(15)


def _terms(valences: list[tuple[str, float]], slope: float, value: float) -> tuple[Term, ...]:
    """Splits `value` over the words in proportion to their valences; all but the strongest become one term."""
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
