"""Which judge is measured on which set, with which rules: found once, and the same under every condition."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from analysis.scorers.listed import LISTED_RULES
from analysis.scorers.shipped import FEELING_RULES
from analysis.shift.detector import ShiftRules
from bench.evaluation import sets
from bench.evaluation.budget import Budget
from bench.evaluation.evaluating import CLEAN, CONDITIONS, ONCE, Condition, Judged
from bench.evaluation.judges import ByWords, Chosen, FigureError, HeldOut, Labels, Length, Listed, Remembering
from bench.evaluation.playing import Judge, play
from bench.evaluation.report import AUC_FROM_THIRD
from bench.evaluation.sets import FIRST_HAND, SECOND_HAND, Labelled, Tested
from bench.evaluation.vader import VaderScorer

TARGETS = {"onset F1": 0.72, "false alarms": 0.5, "calm dialogues alarmed": 0.03}
ALL_TARGETS = {**TARGETS, "recovery F1": 0.65}
"""Of all test dialogues together: they have enough recoveries."""
MAIA_TARGETS = {AUC_FROM_THIRD: 0.72, "onset F1": 0.35}
CALLVANE = "Callvane"

Rules = Callable[[str], ShiftRules]


@dataclass(frozen=True, slots=True)
class Plan:
    """The lines to measure, set by set."""

    lines: Sequence[tuple[Labelled, Sequence[Judged]]]
    inspected: Sequence[tuple[Labelled, Judged]]
    """The sets and the judge whose misses may be told."""


def plan(held_out: HeldOut, chosen: Chosen | None, own: Path | None, data: Path) -> Plan:
    """Read the sets and set up the judges; `chosen` is one's own scorer. Raises OSError, DialogueError."""
    composed = sets.composed(held_out.groups, TARGETS)

    def tuned(name: str, judge: Judge, rules: ShiftRules, conditions: Sequence[Condition] = (CLEAN,)) -> _Tuned:
        return _Tuned(name, judge, Budget(composed.dialogues, judge, rules), conditions)

    mine = [tuned(chosen.name, ByWords(chosen), chosen.rules, ONCE)] if chosen else []
    labels = tuned("labels", Labels(), FEELING_RULES)
    controls = [
        tuned("VADER", ByWords(VaderScorer()), ShiftRules()),
        tuned("length only", Length(), FEELING_RULES),
        labels,
    ]
    left_out = tuned(f"{CALLVANE}, group left out", held_out, FEELING_RULES, CONDITIONS)
    callvane = Judged(CALLVANE, ByWords(Remembering()), _as_in_calls, CONDITIONS, on_trial=True)
    here = [each.here for each in (*mine, left_out, *controls)]
    elsewhere = [*(each.elsewhere for each in mine), callvane, *(each.elsewhere for each in controls)]
    if own:
        yours = sets.own(own)
        return Plan([(composed, here), (yours, elsewhere)], [(yours, callvane)])
    tests, hands = sets.tests(TARGETS), sets.hands(TARGETS)
    both = tests.joined(hands, ALL_TARGETS)
    hand_left_out = Judged(f"{CALLVANE}, hand left out", held_out, _as_in_calls, CONDITIONS, on_trial=True)
    knows_hands = _knows(held_out, hands.main)
    lines = [
        (composed, here),
        (tests.main, elsewhere),
        *_compared(tests, callvane, labels.rules),
        (hands.main, [*elsewhere, hand_left_out] if knows_hands else elsewhere),
        *_each_hand(hands.main, [callvane, hand_left_out] if knows_hands else [callvane]),
        *_compared(hands, callvane, labels.rules),
        (both.main, elsewhere),
        *_compared(both, callvane, labels.rules),
    ]
    lists = Judged("Callvane's lists", Listed(), lambda _: LISTED_RULES, CONDITIONS)
    lines.append((sets.spanish(), [lists, *(each.elsewhere for each in controls[1:])]))
    if (data / "maia").is_dir():
        lines.append((sets.maia(data / "maia", MAIA_TARGETS), [_once(each) for each in elsewhere]))
    else:
        print(f"skipping MAIA: no folder {data / 'maia'}; --data gives its parent folder", file=sys.stderr)
    return Plan(lines, [(tests.main, callvane), (hands.main, callvane)])


@dataclass(frozen=True, slots=True)
class _Tuned:
    """A judge with thresholds from the composed dialogues: from the other groups there, from all of them elsewhere."""

    name: str
    judge: Judge
    budget: Budget
    conditions: Sequence[Condition]

    def rules(self, group: str) -> ShiftRules:
        """The rules elsewhere, whatever the group."""
        return self.budget.without(None)

    @property
    def here(self) -> Judged:
        """The judge on the composed dialogues; with more than one condition it is on trial."""
        return Judged(self.name, self.judge, self.budget.without, self.conditions, len(self.conditions) > 1)

    @property
    def elsewhere(self) -> Judged:
        """The judge on any other set."""
        return Judged(self.name, self.judge, self.rules, self.conditions, len(self.conditions) > 1)


def _once(judged: Judged) -> Judged:
    """The judge with one seed a condition, to save time."""
    return replace(judged, conditions=[replace(each, seeds=each.seeds[:1]) for each in judged.conditions])


def _as_in_calls(group: str) -> ShiftRules:
    return FEELING_RULES


def _knows(held_out: HeldOut, labelled: Labelled) -> bool:
    """Whether the stored scores have these dialogues, by the first of them."""
    try:
        play(labelled.dialogues[0], held_out, FEELING_RULES, confidence=1.0)
    except FigureError:
        return False
    return True


def _each_hand(hands: Labelled, judged: Sequence[Judged]) -> Iterator[tuple[Labelled, Sequence[Judged]]]:
    clean = [replace(each, conditions=(CLEAN,), on_trial=False) for each in judged]
    for hand in hands.groups:
        yield hands.only(hand, {one.name for one in hands.dialogues if one.group == hand}), clean


def _compared(tested: Tested, callvane: Judged, rules: Rules) -> Iterator[tuple[Labelled, Sequence[Judged]]]:
    """Each hand held against the other, and Callvane against the first if it is not yet, on the same dialogues."""
    if not tested.second:
        return
    names = {one.name for one in tested.second.dialogues}
    first = tested.first.only(tested.first.name, names)
    again = [] if tested.main.truth == FIRST_HAND else [replace(callvane, conditions=(CLEAN,))]
    yield first, [*again, Judged(SECOND_HAND, Labels(tested.second.dialogues), rules)]
    yield tested.second, [Judged(FIRST_HAND, Labels(first.dialogues), rules)]
