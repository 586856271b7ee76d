"""The table: a line per set, judge and word error rate; also as rows for OUT."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.evaluation.measures import FIGURES, Figure, auc_of_negative, chance_f1, delays, figures
from bench.evaluation.playing import Played
from bench.table import Row, row

AUC = "AUC of unhappy turns"
RANDOM = "onset F1 of as many alarms at random"
MEDIAN, P90 = "delay, median", "delay, p90"
AT_MOST = frozenset({"false alarms", "false alarms by time", "calm dialogues alarmed"})
"""Figures whose targets are upper bounds."""

_COLUMNS: tuple[tuple[str, tuple[str, ...], bool], ...] = (
    # heading, figures side by side, whether to show the first one's interval
    ("AUC", (AUC,), True),
    ("onset P/R", ("onset precision", "onset recall"), False),
    ("F1", ("onset F1",), True),
    ("random", (RANDOM,), False),
    ("recovery P/R", ("recovery precision", "recovery recall"), False),
    ("F1", ("recovery F1",), True),
    ("false/100 turns", ("false alarms",), True),
    ("late", ("late alarms",), False),
    ("false/h", ("false alarms by time",), False),
    ("calm: /h", ("false alarms in calm calls",), False),
    ("alarmed", ("calm dialogues alarmed",), True),
    ("delay p50/p90", (MEDIAN, P90), False),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the table."""

    dialogues: str
    judge: str
    word_error: float
    threshold: str
    figures: Mapping[str, Figure]
    targets: Mapping[str, float]


def entry(
    played: Sequence[Played],
    *,
    dialogues: str,
    judge: str,
    word_error: float,
    threshold: str,
    targets: Mapping[str, float],
) -> Entry:
    """Measure played dialogues."""
    middle, most = delays(played)
    measured = {
        AUC: auc_of_negative(played),
        **figures(played),
        RANDOM: Figure(chance_f1(played)),
        MEDIAN: Figure(middle),
        P90: Figure(most),
    }
    return Entry(dialogues, judge, word_error, threshold, measured, targets)


def show(entries: Sequence[Entry]) -> None:
    """Print the table, and write its rows to $OUT if set."""
    cells = [["dialogues", "judge", "word error", "threshold", *(heading for heading, _, _ in _COLUMNS)]]
    for each in entries:
        line = [each.dialogues, each.judge, f"{each.word_error:.0%}", each.threshold]
        cells.append(line + [_cell(each, names, interval) for _, names, interval in _COLUMNS])
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    for line in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    print("Brackets: 95 % of resamples of the dialogues. * meets its target, ! misses it. P/R: precision, recall.")
    print("Hours are those of calls at 170 words a minute. Alerts are of both tiers unless stated.")
    if out := os.environ.get("OUT"):
        rows = [asdict(one) for each in entries for one in _rows(each)]
        Path(out).write_text(json.dumps(rows, indent=2, allow_nan=False) + "\n", "utf-8")


def _cell(of: Entry, names: Sequence[str], interval: bool) -> str:
    text = "/".join(_number(of.figures[name].value) for name in names)
    figure = of.figures[names[0]]
    if interval and figure.low == figure.low:
        text += f" [{_number(figure.low)} {_number(figure.high)}]"
    if names[0] in of.targets and figure.value == figure.value:
        met = _met(names[0], figure.value, of.targets[names[0]])
        text += "*" if met else "!"
    return text


def _number(value: float) -> str:
    return "-" if value != value else f"{value:.2f}".removeprefix("0") if 0 < value < 1 else f"{value:.3g}"


def _met(name: str, value: float, target: float) -> bool:
    return value <= target if name in AT_MOST else value >= target


def _rows(of: Entry) -> Iterator[Row]:
    """Rows for the figures that could be measured."""
    said = f"{of.dialogues}, {of.judge}, word error {of.word_error:.0%}, threshold {of.threshold}"
    for name, figure in of.figures.items():
        if figure.value == figure.value:
            unit = FIGURES[name][0] if name in FIGURES else "turns" if name in (MEDIAN, P90) else "share"
            spread = f", 95 % {figure.low:.3g} to {figure.high:.3g}" if figure.low == figure.low else ""
            target = of.targets.get(name)
            bounds = {"at_most" if name in AT_MOST else "at_least": target}
            yield row(name, figure.value, unit, said + spread, **bounds)
