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


class Budget:
    """A judge's rules with the lowest thresholds that keep the budgets on dialogues, every word of which is certain."""

    def __init__(self, dialogues: Sequence[Dialogue], judged_by: Judge, rules: ShiftRules) -> None:
        self._dialogues = dialogues
        self._judged_by = judged_by
        self._rules = rules
        self._tried: dict[ShiftRules, list[Played]] = {}
        self._found: dict[str | None, ShiftRules] = {}

    def without(self, group: str | None) -> ShiftRules:
        """The rules found on all groups but one; None is on all of them. Found once."""
        if group not in self._found:
            self._found[group] = self._find(group)
        return self._found[group]

    def _find(self, group: str | None) -> ShiftRules:
        def marks(threshold: float) -> bool:
            played = self._played(replace(self._rules, threshold=threshold, interruption=THRESHOLDS[-1]), group)
            return _false(played, "false alarms") <= MARKS_PER_100_TURNS

        found = replace(self._rules, threshold=_lowest(marks, THRESHOLDS))

        def interrupting(threshold: float) -> bool:
            played = [interruptions(one) for one in self._played(replace(found, interruption=threshold), group)]
            return _false(played, "false alarms by time") <= INTERRUPTIONS_PER_HOUR

        return replace(found, interruption=_lowest(interrupting, [x for x in THRESHOLDS if x >= found.threshold]))

    def _played(self, rules: ShiftRules, group: str | None) -> list[Played]:
        if rules not in self._tried:
            self._tried[rules] = [play(one, self._judged_by, rules, confidence=1.0) for one in self._dialogues]
        return [one for one in self._tried[rules] if one.group != group]


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
