"""Judges of turns: scorers, which read the words, and controls, which put their figures in proportion."""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analysis.languages.lexicon import shipped
from analysis.scorers.choice import chosen_rules, chosen_scoring
from analysis.scorers.language_model import TURNS
from analysis.scorers.listed import listed_score
from analysis.scorers.shipped import HISTORY_TURNS, FeelingScorer
from analysis.settings import AnalysisSection
from analysis.turns.score import MOST_LOG_ODDS, Score, Scorer, certainty
from analysis.turns.turn import Turn
from analysis.turns.wording import as_read
from bench.evaluation.dialogues import Dialogue
from callbus import Term


class FigureError(ValueError):
    """Stored figures that do not match the dialogues."""


class Remembering(FeelingScorer):
    """The shipped scorer, whose network runs once for the same words, however certain they are."""

    def __init__(self) -> None:
        super().__init__()
        self._run: dict[tuple[str, ...], NDArray[np.float32]] = {}

    def logits(self, turns: Sequence[tuple[Turn, Sequence[Turn]]]) -> NDArray[np.float32]:
        """See FeelingScorer."""
        key = tuple(wording_key(turn, history) for turn, history in turns)
        if key not in self._run:
            self._run[key] = super().logits(turns)
        return self._run[key].copy()


class ByWords:
    """A scorer as used in calls. Remembers its result for the same words."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self._known: dict[tuple[object, ...], Score] = {}

    def score(self, dialogue: Dialogue, line: int, turn: Turn, history: Sequence[Turn]) -> Score:
        """See playing.Judge."""
        key = (turn.text, turn.confidence, *((other.role, other.text) for other in history[-HISTORY_TURNS:]))
        if key not in self._known:
            self._known[key] = self._scorer.score(turn, history)
        return self._known[key]


class Chosen:
    """The scorer from the settings, asked one turn at a time, without a running event loop.

    For a language model, turns answered by the shipped scorer count too, as they do in calls.
    """

    def __init__(self, section: AnalysisSection) -> None:
        """Load it. Raises ConfigError."""
        self.name = section.scorer
        self.rules = chosen_rules(section)
        self._runner = asyncio.Runner()
        self._scoring = chosen_scoring(section)

    def score(self, turn: Turn, history: Sequence[Turn]) -> Score:
        """See analysis.turns.score.Scorer."""
        return self._runner.run(self._scoring.score(turn, history))

    def turns(self) -> list[tuple[str, float]]:
        """Outcomes of a language model's turns, if there are any."""
        samples = [sample for metric in TURNS.collect() for sample in metric.samples if sample.name.endswith("_total")]
        return [(sample.labels["outcome"], sample.value) for sample in samples if sample.value]

    def close(self) -> None:
        """Stop the scorer."""
        self._runner.run(self._scoring.close())
        self._runner.close()


class HeldOut:
    """Results of models on dialogues they were not trained on, read from the file that training wrote."""

    def __init__(self, path: Path) -> None:
        stored = json.loads(path.read_text("utf-8"))
        self.groups: list[str] = stored["groups"]
        """The groups that models were trained without: files of composed dialogues, or hands."""
        self._scores: dict[str, tuple[float, float]] = {key: (odds, weight) for key, odds, weight in stored["scores"]}
        self._path = path

    def score(self, dialogue: Dialogue, line: int, turn: Turn, history: Sequence[Turn]) -> Score:
        """See playing.Judge. Raises FigureError for words that no held-out model has judged."""
        found = self._scores.get(wording_key(turn, history))
        if found is None:
            raise FigureError(f"{self._path} has no turn {turn.number} of {dialogue.name}; train the folds again")
        odds, weight = found
        counts = weight * certainty(turn.confidence)
        return Score(odds, counts, (Term("held out", odds * counts),))


class Listed:
    """The lists of a dialogue's language, as used in calls that no network reads."""

    def score(self, dialogue: Dialogue, line: int, turn: Turn, history: Sequence[Turn]) -> Score:
        """See playing.Judge."""
        return listed_score(turn, shipped(dialogue.language))


class Length:
    """Takes long turns for unhappy ones: a scorer that claims to read must beat this."""

    TYPICAL_WORDS = 9

    def score(self, dialogue: Dialogue, line: int, turn: Turn, history: Sequence[Turn]) -> Score:
        """See playing.Judge."""
        odds = -1.5 * math.log((1 + turn.words) / (1 + self.TYPICAL_WORDS))
        return _whole(max(-MOST_LOG_ODDS, min(MOST_LOG_ODDS, odds)), "length")


class Labels:
    """Labels themselves: what the detector could do with perfect scores, or with another person's judgement."""

    def __init__(self, dialogues: Iterable[Dialogue] = ()) -> None:
        """`dialogues`: as another person labelled them; the others count as they are labelled."""
        self._others = {one.name: one for one in dialogues}

    def score(self, dialogue: Dialogue, line: int, turn: Turn, history: Sequence[Turn]) -> Score:
        """See playing.Judge."""
        label = self._others.get(dialogue.name, dialogue).lines[line].label
        return _whole(0.9 * MOST_LOG_ODDS * (label or 0), "label")


def wording_key(turn: Turn, history: Sequence[Turn]) -> str:
    """A short key for a turn's words and the earlier ones."""
    said = [(other.role.value, as_read(other.text)) for other in history[-HISTORY_TURNS:]]
    return hashlib.sha256(json.dumps([said, as_read(turn.text)]).encode()).hexdigest()[:12]


def _whole(odds: float, name: str) -> Score:
    return Score(odds, 1.0, (Term(name, odds),))
