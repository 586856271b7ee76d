"""The threshold that keeps a budget of false alarms, found on dialogues other than those reported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from analysis.shift import ShiftRules
from bench.evaluation.dialogues import Dialogue
from bench.evaluation.measures import FIGURES, sums
from bench.evaluation.playing import Judge, Played, play

FALSE_ALARMS_PER_100_TURNS = 0.5
THRESHOLDS = tuple(round(0.3 + 0.1 * step, 1) for step in range(33))


def within_budget(dialogues: Sequence[Dialogue], judged_by: Judge, rules: ShiftRules, confidence: float) -> ShiftRules:
    """The rules with the lowest threshold that keeps the budget; the highest where none does."""
    low, high = 0, len(THRESHOLDS) - 1
    while low < high:
        middle = (low + high) // 2
        tried = replace(rules, threshold=THRESHOLDS[middle])
        played = [play(dialogue, judged_by, tried, confidence) for dialogue in dialogues]
        if FIGURES["false alarms"][1](sums(played)) <= FALSE_ALARMS_PER_100_TURNS:
            high = middle
        else:
            low = middle + 1
    return replace(rules, threshold=THRESHOLDS[low])


def by_group(
    dialogues: Sequence[Dialogue], judged_by: Judge, rules: ShiftRules, confidence: float
) -> tuple[list[Played], list[float]]:
    """Each group played with the threshold that the other groups gave; those thresholds, by group."""
    played: list[Played] = []
    thresholds = []
    for group in sorted({dialogue.group for dialogue in dialogues}):
        others = [dialogue for dialogue in dialogues if dialogue.group != group]
        chosen = within_budget(others, judged_by, rules, confidence)
        thresholds.append(chosen.threshold)
        played += [play(one, judged_by, chosen, confidence) for one in dialogues if one.group == group]
    return played, thresholds
