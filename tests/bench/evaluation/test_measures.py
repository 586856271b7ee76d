"""What is counted, and how figures come of it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from bench.evaluation.measures import FIGURES, WITHDRAWN, auc, auc_of_negative, chance_f1, delays, figures, sums
from tests.bench.evaluation.made import played


def test_sums_and_figures() -> None:
    """One onset found, one missed, one late alarm, one alarm in a calm call; one of three alarms is withdrawn."""
    calls = [
        played([0, -1, -1, -1, -1, 1], worsened=(2,), recovered=(5,)),
        played([0, -1, -1, -1, -1, 0], worsened=(4,)),
        played([0, 0, 0, 0], worsened=(3,)),
        played([0, 0, 0, 0]),
    ]
    total = sums(calls)
    assert (total["onsets"], total["onsets found"], total["alarms"], total["late alarms"]) == (2, 1, 3, 1)
    measured = {name: figure.value for name, figure in figures([calls]).items()}
    assert set(measured) == set(FIGURES)
    assert measured["onset precision"] == pytest.approx(1 / 3)
    assert measured["onset recall"] == 0.5
    assert measured["onset F1"] == pytest.approx(0.4)
    assert measured["recovery F1"] == 1.0
    assert measured["recovery cases"] == 1
    assert measured[WITHDRAWN] == pytest.approx(1 / 3)
    assert measured["false alarms"] == pytest.approx(5.0)
    assert measured["late alarms"] == pytest.approx(5.0)
    assert measured["false alarms by time"] == 0.5
    assert measured["false alarms in calm calls"] == 1.0
    assert measured["calm dialogues alarmed"] == 0.5
    assert delays([calls]) == (1.0, 1.0)


def test_wrong_withdrawals_count_against_right_ones() -> None:
    """Of four alarms one is withdrawn rightly and two wrongly: less than nothing is left."""
    wrong = played([0, -1, -1, 1, -1], worsened=(2,), recovered=(3,))
    right = played([0, -1, -1, 0, 1], worsened=(2,), recovered=(4,))
    kept = played([0, -1, -1, 0, 1], worsened=(2,))
    measured = figures([[wrong, wrong, right, kept]])
    assert measured["alarms rightly withdrawn"].value == 0.25
    assert measured["alarms wrongly withdrawn"].value == 0.5
    assert measured[WITHDRAWN].value == -0.25


def test_intervals_hold_the_value() -> None:
    """Resampling dialogues gives an interval around what all of them give."""
    calls = [played([0, 0, -1, -1], worsened=(3,)), played([0, 0, -1, -1]), played([0, 0, 0], worsened=(1,))] * 10
    figure = figures([calls])["onset F1"]
    assert figure.low < figure.value < figure.high


def test_runs_are_averaged() -> None:
    """An onset found in one of two runs is half found; a dialogue stays one dialogue, however often it is played."""
    found, missed = played([0, 0, -1, -1], worsened=(3,)), played([0, 0, -1, -1])
    calls = [played([0, 0, 0])] * 5
    measured = figures([[found, *calls], [missed, *calls]])
    assert measured["onset recall"].value == 0.5
    assert measured["false alarms"].value == 0
    assert repr(figures([[found, *calls]] * 2)) == repr(figures([[found, *calls]]))
    upside_down = replace(found, log_odds=tuple(-odds for odds in found.log_odds))
    assert auc_of_negative([[found], [upside_down]]).value == 0.5
    assert delays([[found], [missed]]) == (1.0, 1.0)


def test_turns_before_the_first_are_left_out() -> None:
    """A ranking that is wrong only in the opening is right from the third turn on."""
    call = replace(played([-1, 0, -1, 0]), log_odds=(2.0, -2.0, -1.0, 1.0))
    assert auc_of_negative([[call]]).value == 0.25
    assert auc_of_negative([[call]], 2).value == 1.0
    assert math.isnan(auc_of_negative([[call]], 3).value)


def test_auc_counts_ties_half() -> None:
    """The chance that a positive scores higher."""
    positive = np.array([True, True, False, False])
    assert auc(np.array([2.0, 3.0, 0.0, 1.0]), positive) == 1.0
    assert auc(np.array([1.0, 1.0, 1.0, 1.0]), positive) == 0.5
    assert auc(np.array([1.0, 3.0, 2.0, 1.0]), positive) == 0.625
    assert math.isnan(auc(np.array([1.0]), np.array([True])))
    twice = auc(np.array([1.0, 3.0, 2.0, 1.0]), positive, np.array([2.0, 1.0, 1.0, 1.0]))
    assert twice == auc(np.array([1.0, 1.0, 3.0, 2.0, 1.0]), np.array([True, *positive]))


def test_chance_is_far_below_certainty() -> None:
    """As many alarms at random turns find few onsets."""
    calls = [played([0, 0, 0, 0, 0, 0, -1, -1, -1], worsened=(7,)) for _ in range(20)]
    assert 0.1 < chance_f1([calls]) < 0.6
