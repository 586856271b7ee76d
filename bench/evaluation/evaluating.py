"""A judge on a set of dialogues, under each condition: the lines of the table."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from analysis.shift.detector import ShiftRules
from bench.evaluation.judges import FigureError
from bench.evaluation.playing import Judge, Played, interruptions, play
from bench.evaluation.report import ALL, INTERRUPTIONS, Entry, measured
from bench.evaluation.sets import Labelled

INTERRUPTION_TARGETS = {"false alarms by time": 0.5, "calm dialogues alarmed": 0.03}
"""An interruption is a shift that went further: its targets are its false alarms, not finding everything."""


@dataclass(frozen=True, slots=True)
class Condition:
    """How well words are recognized."""

    word_error: float = 0.0
    """Share of the words that are wrong, 0 to 1."""
    confidence: float = 1.0
    """What the recognizer says of every word, 0 to 1."""
    seeds: tuple[int, ...] = (1,)
    """Of the word errors; figures are the mean."""


CLEAN = Condition()
SEEDS = 1, 2, 3
CONDITIONS = (
    CLEAN,
    Condition(confidence=0.9),
    Condition(confidence=0.75),
    Condition(confidence=0.6),
    Condition(0.1, 0.9, SEEDS),
    Condition(0.2, 0.8, SEEDS),
)
"""Confidence falls with and without errors: on clean words it shows what the weighing alone costs."""
ONCE = tuple(Condition(one.word_error, one.confidence) for one in CONDITIONS if one.word_error or one == CLEAN)
"""For a scorer that may take a second for each turn."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A judge, with rules of the detector that are the same under every condition."""

    name: str
    judge: Judge
    rules: Callable[[str], ShiftRules]
    """By the dialogue's group."""
    conditions: Sequence[Condition] = (CLEAN,)
    on_trial: bool = False
    """Compared with the targets, and with a line for interruptions; otherwise a control."""


def played(labelled: Labelled, judged: Judged, condition: Condition) -> list[list[Played]]:
    """The dialogues once for each seed whose words the judge knows. Raises FigureError if it knows none."""
    runs = []
    unknown: FigureError | None = None
    for seed in condition.seeds:
        heard = labelled.heard(condition.word_error, seed)
        try:
            runs.append([play(one, judged.judge, judged.rules(one.group), condition.confidence) for one in heard])
        except FigureError as error:
            unknown = error
    if unknown and not runs:
        raise unknown
    return runs


def evaluate(labelled: Labelled, judged: Judged) -> Iterator[Entry]:
    """The lines of a judge; none for a condition whose words it does not know."""
    for condition in judged.conditions:
        try:
            runs = played(labelled, judged, condition)
        except FigureError as error:
            print(f"eval: no line for {judged.name}: {error}", file=sys.stderr)
            continue
        yield _entry(labelled, judged, condition, runs, interrupting=False)
        if judged.on_trial:
            interrupted = [[interruptions(one) for one in run] for run in runs]
            yield _entry(labelled, judged, condition, interrupted, interrupting=True)


def _entry(
    labelled: Labelled, judged: Judged, condition: Condition, runs: list[list[Played]], *, interrupting: bool
) -> Entry:
    rules = [judged.rules(group) for group in labelled.groups]
    thresholds = [each.interruption if interrupting else each.threshold for each in rules]
    targets = INTERRUPTION_TARGETS if interrupting and labelled.targets else labelled.targets
    return Entry(
        labelled.name,
        labelled.truth,
        judged.name,
        INTERRUPTIONS if interrupting else ALL,
        condition.word_error,
        condition.confidence,
        _spread(thresholds),
        measured(runs, ranking=not interrupting),
        targets if judged.on_trial else {},
    )


def _spread(thresholds: Sequence[float]) -> str:
    low, high = min(thresholds), max(thresholds)
    return f"{low:g}" if low == high else f"{low:g}..{high:g}"
