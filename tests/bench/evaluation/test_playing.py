"""Dialogues played into the conversation and the detector."""

from __future__ import annotations

from analysis.shift.detector import ShiftRules
from bench.evaluation.dialogues import Dialogue, Line
from bench.evaluation.judges import Labels
from bench.evaluation.playing import play
from callbus import Role
from tests.bench.evaluation.made import dialogue

RULES = ShiftRules()


def test_labels_fed_to_the_detector_find_a_plain_shift() -> None:
    """The detector given the annotator's own judgement raises what is there, and nothing in a calm call."""
    assert play(dialogue([0, 0, -1, -1, -1, 0]), Labels(), RULES, 1.0).worsened
    assert not play(dialogue([0, 0, 0, 1, 0, 0]), Labels(), RULES, 1.0).worsened


def test_turns_are_the_customers() -> None:
    """Two lines of one party are one turn, and an acknowledgement has no score of its own."""
    lines = (
        Line(Role.AGENT, ("hello what can i do",)),
        Line(Role.CUSTOMER, ("my bill is wrong", "and i am not happy"), -1),
        Line(Role.AGENT, ("let me look",)),
        Line(Role.CUSTOMER, ("okay",), 0),
    )
    result = play(Dialogue("d", "g", lines), Labels(), RULES, 1.0)
    assert result.labels == (-1, 0)
    assert result.words == (9, 1)
    assert result.log_odds[0] < 0 == result.log_odds[1]
