"""Thresholds from a budget of false alarms."""

from __future__ import annotations

from pathlib import Path

from analysis.shift.detector import ShiftRules
from bench.evaluation.budget import INTERRUPTIONS_PER_HOUR, MARKS_PER_100_TURNS, Budget
from bench.evaluation.dialogues import read_jsonl
from bench.evaluation.judges import Labels, Length
from bench.evaluation.measures import figures
from bench.evaluation.playing import interruptions, play
from tests.bench.evaluation.made import dialogue

TESTS = Path(__file__).parents[2] / "dialogues"
RULES = ShiftRules()


def test_a_budget_is_kept_where_it_can_be() -> None:
    """The thresholds found give no more false alarms than the budgets on the dialogues they were found on."""
    calls = [one for path in sorted(TESTS.glob("*.jsonl")) for one in read_jsonl(path)][:40]
    judge = Length()
    rules = Budget(calls, judge, RULES).without(None)
    played = [play(one, judge, rules, 1.0) for one in calls]
    assert figures([played])["false alarms"].value <= MARKS_PER_100_TURNS
    interrupted = figures([[interruptions(one) for one in played]])
    assert interrupted["false alarms by time"].value <= INTERRUPTIONS_PER_HOUR
    assert rules.interruption >= rules.threshold


def test_a_group_has_the_others_thresholds() -> None:
    """What is found without a group is what is found on the other groups alone."""
    calm = [dialogue([0, 0, 0, 0, 0, 0], f"a{number}", "a") for number in range(3)]
    alarmed = dialogue([0, 0, 0, 0, 0, 0], "b", "b")
    judge = Labels([dialogue([0, 0, -1, -1, -1, -1], "b", "b")])
    both = Budget([*calm, alarmed], judge, RULES)
    assert both.without("b") == Budget(calm, judge, RULES).without(None)
    assert both.without("a") == Budget([alarmed], judge, RULES).without(None)
    assert both.without("a").threshold > both.without("b").threshold
