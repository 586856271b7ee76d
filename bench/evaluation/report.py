"""The table: a line per set, judge and condition, printed when it is measured; at the end also as rows for OUT."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.evaluation.measures import FIGURES, WITHDRAWN, Figure, Runs, auc_of_negative, chance_f1, delays, figures
from bench.table import Row, row

AUC = "AUC of unhappy turns"
AUC_FROM_THIRD = "AUC from the third turn on"
"""A shift is measured from the opening, two turns: those before the third cannot raise one."""
OPENING_TURNS = 2
RANDOM = "onset F1 of as many alarms at random"
MEDIAN, P90 = "delay, median", "delay, p90"
ALL, INTERRUPTIONS = "all", "interruptions"
AT_MOST = frozenset({"false alarms", "false alarms by time", "calm dialogues alarmed"})
"""Figures whose targets are upper bounds."""
LEAST_RECOVERIES = 60
"""With fewer cases, recovery F1 is not held against its target."""

_LABELS: tuple[tuple[str, int], ...] = (
    ("dialogues", 13),
    ("labels of", 11),
    ("judge", 24),
    ("alerts", 13),
    ("word error", 10),
    ("confidence", 10),
    ("threshold", 9),
)
"""Headings and widths of what names a line."""
_COLUMNS: tuple[tuple[str, tuple[str, ...], bool, int], ...] = (
    # heading, figures side by side, whether to show the first one's interval, width
    ("AUC", (AUC,), True, 14),
    ("from 3rd turn", (AUC_FROM_THIRD,), True, 14),
    ("onset P/R", ("onset precision", "onset recall"), False, 9),
    ("F1", ("onset F1",), True, 14),
    ("random", (RANDOM,), False, 6),
    ("recoveries", ("recovery cases",), False, 10),
    ("P/R", ("recovery precision", "recovery recall"), False, 7),
    ("F1", ("recovery F1",), True, 14),
    ("withdrawn: net", (WITHDRAWN,), True, 15),
    ("right/wrong", ("alarms rightly withdrawn", "alarms wrongly withdrawn"), False, 11),
    ("false/100 turns", ("false alarms",), True, 15),
    ("late", ("late alarms",), False, 4),
    ("false/h", ("false alarms by time",), False, 7),
    ("calm: /h", ("false alarms in calm calls",), False, 8),
    ("alarmed", ("calm dialogues alarmed",), True, 14),
    ("delay p50/p90", (MEDIAN, P90), False, 0),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the table."""

    dialogues: str
    truth: str
    """Whose labels they are."""
    judge: str
    alerts: str
    """ALL, or INTERRUPTIONS alone."""
    word_error: float
    confidence: float
    threshold: str
    figures: Mapping[str, Figure]
    targets: Mapping[str, float]


def measured(runs: Runs, *, ranking: bool = True) -> dict[str, Figure]:
    """The figures of played dialogues; `ranking`: with those of turns, which do not depend on alarms."""
    middle, most = delays(runs)
    turns = {AUC: auc_of_negative(runs), AUC_FROM_THIRD: auc_of_negative(runs, OPENING_TURNS)} if ranking else {}
    return {
        **turns,
        **figures(runs),
        RANDOM: Figure(chance_f1(runs)),
        MEDIAN: Figure(middle),
        P90: Figure(most),
    }


@dataclass(slots=True)
class Table:
    """Prints lines as they come."""

    entries: list[Entry] = field(default_factory=list)

    def add(self, entry: Entry) -> None:
        """Print a line, after the headings if it is the first."""
        if not self.entries:
            _print([*(name for name, _ in _LABELS), *(heading for heading, *_ in _COLUMNS)])
        self.entries.append(entry)
        heard = f"{entry.word_error:.0%}", f"{entry.confidence:g}"
        named = [entry.dialogues, entry.truth, entry.judge, entry.alerts, *heard, entry.threshold]
        _print([*named, *(_cell(entry, names, interval) for _, names, interval, _ in _COLUMNS)])

    def close(self) -> None:
        """Print how to read it, and write its rows to $OUT if set."""
        print("Brackets: 95 % of resamples of the dialogues. * meets its target, ! misses it. P/R: precision, recall.")
        print("Hours are those of calls at 170 words a minute.")
        print("Withdrawn: share of worsened alarms that a recovered one follows, rightly, wrongly, and the difference.")
        if out := os.environ.get("OUT"):
            rows = [asdict(one) for each in self.entries for one in _rows(each)]
            Path(out).write_text(json.dumps(rows, indent=2, allow_nan=False) + "\n", "utf-8")


def _print(cells: Sequence[str]) -> None:
    widths = [*(width for _, width in _LABELS), *(width for *_, width in _COLUMNS)]
    print("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip(), flush=True)


def _cell(of: Entry, names: Sequence[str], interval: bool) -> str:
    if names[0] not in of.figures:
        return ""
    text = "/".join(_number(of.figures[name].value) for name in names)
    figure = of.figures[names[0]]
    if interval and figure.low == figure.low:
        text += f" [{_number(figure.low)} {_number(figure.high)}]"
    target = _target(of, names[0])
    if target is not None and figure.value == figure.value:
        text += "*" if _met(names[0], figure.value, target) else "!"
    return text


def _number(value: float) -> str:
    if value != value:
        return "-"
    return f"{value:.2f}".replace("0.", ".", 1) if 0 < abs(value) < 1 else f"{value:.3g}"


def _target(of: Entry, name: str) -> float | None:
    """A figure's target, if it has one."""
    if name == "recovery F1" and of.figures["recovery cases"].value < LEAST_RECOVERIES:
        return None
    return of.targets.get(name)


def _met(name: str, value: float, target: float) -> bool:
    return value <= target if name in AT_MOST else value >= target


def _rows(of: Entry) -> Iterator[Row]:
    """Rows for the figures that could be measured."""
    heard = f"word error {of.word_error:.0%}, confidence {of.confidence:g}"
    said = f"{of.dialogues} ({of.truth}), {of.judge}, alerts: {of.alerts}, {heard}, threshold {of.threshold}"
    for name, figure in of.figures.items():
        if figure.value == figure.value:
            unit = FIGURES[name][0] if name in FIGURES else "turns" if name in (MEDIAN, P90) else "share"
            spread = f", 95 % {figure.low:.3g} to {figure.high:.3g}" if figure.low == figure.low else ""
            bounds = {"at_most" if name in AT_MOST else "at_least": _target(of, name)}
            yield row(name, figure.value, unit, said + spread, **bounds)
