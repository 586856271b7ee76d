"""Figures as rows: printed as a table, and written as JSON if OUT names a file."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Row:
    """One figure."""

    metric: str
    value: float
    unit: str
    conditions: str
    target: float | None = None
    met: bool | None = None


def row(
    metric: str,
    value: float,
    unit: str,
    conditions: str,
    *,
    at_most: float | None = None,
    at_least: float | None = None,
) -> Row:
    """A figure, with its target if it has one."""
    if at_most is not None:
        return Row(metric, value, unit, conditions, at_most, value <= at_most)
    if at_least is not None:
        return Row(metric, value, unit, conditions, at_least, value >= at_least)
    return Row(metric, value, unit, conditions)


def show(rows: list[Row]) -> None:
    """Print the rows, and write them to $OUT if set."""
    cells = [("metric", "value", "unit", "target", "met", "conditions")]
    for each in rows:
        target = "" if each.target is None else f"{each.target:g}"
        met = "" if each.met is None else ("yes" if each.met else "no")
        cells.append((each.metric, f"{each.value:.4g}", each.unit, target, met, each.conditions))
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    for line in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    write(rows)


def write(rows: list[Row]) -> None:
    """Write the rows to $OUT if set."""
    if out := os.environ.get("OUT"):
        Path(out).write_text(json.dumps([asdict(each) for each in rows], indent=2) + "\n")
