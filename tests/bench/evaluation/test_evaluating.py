"""A judge on a set, condition by condition."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analysis.shift.detector import ShiftRules
from bench.evaluation.evaluating import CONDITIONS, Condition, Judged, evaluate, played
from bench.evaluation.judges import HeldOut, Labels
from bench.evaluation.sets import labelled
from tests.bench.evaluation.made import Asked, dialogue

SET = labelled("mine", "you", [dialogue([0, 0, -1, -1, -1], f"d{number}", "ab"[number % 2]) for number in range(4)])


def _rules(group: str) -> ShiftRules:
    return ShiftRules(threshold=1.0 if group == "a" else 1.2)


def test_the_rules_are_the_same_under_every_condition() -> None:
    """A line for each condition, and one for its interruptions; the thresholds are those of the groups."""
    lines = list(evaluate(SET, Judged("labels", Labels(), _rules, CONDITIONS, on_trial=True)))
    conditions = [(one.word_error, one.confidence) for one in CONDITIONS]
    assert [(line.word_error, line.confidence) for line in lines] == [one for one in conditions for _ in range(2)]
    assert [line.alerts for line in lines] == ["all", "interruptions"] * len(CONDITIONS)
    assert {line.threshold for line in lines if line.alerts == "all"} == {"1..1.2"}
    assert all(line.figures["onset recall"].value == 1 for line in lines if line.alerts == "all")


def test_a_control_has_one_line_and_no_targets() -> None:
    """It puts figures in proportion, and is not held against anything."""
    (line,) = evaluate(SET, Judged("labels", Labels(), _rules))
    assert (line.targets, line.alerts) == ({}, "all")


def test_doubtful_words_are_played_as_doubtful() -> None:
    """The confidence reaches the judge, and each seed gives other words."""
    words = labelled("mine", "you", [dialogue([0, 0, -1, -1, -1])])
    asked = Asked()
    runs = played(words, Judged("asked", asked, _rules), Condition(0.5, 0.8, (1, 2, 3)))
    assert len(runs) == 3
    assert len({run[0].words for run in runs}) > 1
    assert asked.confidences == {0.8}


def test_words_that_no_model_judged_have_no_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Seeds that are not known are left out; without any known there is no line, and it is said why."""
    asked = Asked()
    for known in (Condition(), Condition(0.2, 0.8)):
        played(SET, Judged("asked", asked, _rules), known)
    path = tmp_path / "heldout.json"
    path.write_text(json.dumps({"groups": [], "scores": [[key, 0.0, 1.0] for key in sorted(asked.keys)]}))
    held_out = Judged(
        "held out", HeldOut(path), _rules, (Condition(), Condition(0.2, 0.8, (1, 2)), Condition(0.1, 0.9))
    )
    assert [line.word_error for line in evaluate(SET, held_out)] == [0.0, 0.2]
    assert "no line for held out" in capsys.readouterr().err
