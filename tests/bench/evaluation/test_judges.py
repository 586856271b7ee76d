"""Judges of turns: the shipped scorer, one's own, and other people's labels."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analysis.scorers.shipped import FeelingScorer
from analysis.settings import AnalysisSection
from analysis.shift.detector import ShiftRules
from bench.evaluation.dialogues import read_jsonl
from bench.evaluation.judges import ByWords, Chosen, FigureError, HeldOut, Labels, Remembering
from bench.evaluation.playing import play
from bench.evaluation.vader import VaderScorer
from tests.bench.evaluation.made import dialogue

TESTS = Path(__file__).parents[2] / "dialogues"
RULES = ShiftRules()


def test_scorers_are_asked_once_for_the_same_words() -> None:
    """What a scorer said is remembered by the words and those before them."""
    judge = ByWords(VaderScorer())
    call = dialogue([0, -1])
    assert play(call, judge, RULES, 1.0) == play(call, judge, RULES, 1.0)


def test_the_scorer_of_ones_own_settings_judges_too() -> None:
    """It says of each turn what it says in calls."""
    chosen = Chosen(AnalysisSection())
    call = dialogue([0, -1, 1])
    assert play(call, ByWords(chosen), RULES, 1.0) == play(call, ByWords(FeelingScorer()), RULES, 1.0)
    chosen.close()


def test_what_the_network_said_of_words_is_kept_whatever_their_confidence() -> None:
    """The shipped scorer gives the same scores, again and at every confidence, with and without memory."""
    remembering, scorer = Remembering(), FeelingScorer()
    calls = read_jsonl(TESTS / "small-businesses.jsonl")[:3]
    for confidence in (1.0, 0.6, 1.0):
        for call in calls:
            kept = play(call, ByWords(remembering), RULES, confidence)
            assert kept == play(call, ByWords(scorer), RULES, confidence)


def test_another_persons_labels_take_the_place_of_a_dialogues_own() -> None:
    """The detector hears the other person; a dialogue that they did not label is heard as it is labelled."""
    calm = dialogue([0, 0, 0, 0, 0, 0], "calm")
    other = Labels([dialogue([0, 0, -1, -1, -1, 0], "calm")])
    heard = play(calm, other, RULES, 1.0)
    assert heard.worsened
    assert heard.labels == calm.labels
    assert play(dialogue([0, 0, -1, -1, -1, 0], "upset"), other, RULES, 1.0).worsened


def test_held_out_scores_are_told_from_those_that_there_are_not(tmp_path: Path) -> None:
    """Stored words have their score; others raise, naming the dialogue and what to do."""
    path = tmp_path / "heldout.json"
    path.write_text(json.dumps({"groups": ["g"], "scores": []}))
    with pytest.raises(FigureError, match=r"no turn 1 of lost; train the folds again"):
        play(dialogue([0, 0], "lost"), HeldOut(path), RULES, 1.0)
