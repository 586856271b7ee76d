"""Thresholds that keep the false-alarm budgets, found on other dialogues than those reported."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from analysis.shift.detector import ShiftRules
from bench.evaluation.dialogues import Dialogue
from bench.evaluation.measures import FIGURES, sums
from bench.evaluation.playing import Judge, Played, interruptions, play

MARKS_PER_100_TURNS = 0.5
INTERRUPTIONS_PER_HOUR = 0.5
THRESHOLDS = tuple(round(0.3 + 0.1 * step, 1) for step in range(33))


def within_budget(dialogues: Sequence[Dialogue], judged_by: Judge, rules: ShiftRules, confidence: float) -> ShiftRules:
    """The rules with the lowest thresholds for marks and interruptions that keep the false-alarm budgets."""

    def marks(threshold: float) -> bool:
        tried = replace(rules, threshold=threshold, interruption=THRESHOLDS[-1])
        played = [play(dialogue, judged_by, tried, confidence) for dialogue in dialogues]
        return _false(played, "false alarms") <= MARKS_PER_100_TURNS

    found = replace(rules, threshold=_lowest(marks, THRESHOLDS))

    def interrupting(threshold: float) -> bool:
        tried = replace(found, interruption=threshold)
        played = [interruptions(play(dialogue, judged_by, tried, confidence)) for dialogue in dialogues]
        return _false(played, "false alarms by time") <= INTERRUPTIONS_PER_HOUR

    return replace(found, interruption=_lowest(interrupting, [x for x in THRESHOLDS if x >= found.threshold]))


def by_group(
    dialogues: Sequence[Dialogue], judged_by: Judge, rules: ShiftRules, confidence: float
) -> tuple[list[Played], list[ShiftRules]]:
    """Each group played with the thresholds from the other groups, and those rules, by group."""
    played: list[Played] = []
    used = []
    for group in sorted({dialogue.group for dialogue in dialogues}):
        others = [dialogue for dialogue in dialogues if dialogue.group != group]
        chosen = within_budget(others, judged_by, rules, confidence)
        used.append(chosen)
        played += [play(one, judged_by, chosen, confidence) for one in dialogues if one.group == group]
    return played, used


def _false(played: Sequence[Played], figure: str) -> float:
    return FIGURES[figure][1](sums(played))


def _lowest(kept: Callable[[float], bool], thresholds: Sequence[float]) -> float:
    """The lowest threshold that keeps a budget, or the highest if none does."""
    low, high = 0, len(thresholds) - 1
    while low < high:
        middle = (low + high) // 2
        if kept(thresholds[middle]):
            high = middle
        else:
            low = middle + 1
    return thresholds[low]
