"""Agreement as a table in Markdown."""

from __future__ import annotations

from collections.abc import Iterable

from tools.labels.agreement import Row

HEAD = ("label", "judged", "first hand", "second hand", "same", "F1", "kappa")
SETTLED = ("disputed", "for the first", "for the second")
NOTHING = "–"  # noqa: RUF001 - the dash of the project's tables


def table(rows: Iterable[Row]) -> str:
    """A line for each row; says where the first hand never looked for a label, and whom the settled labels uphold."""
    rows = list(rows)
    settled = any(row.disputed is not None for row in rows)
    head = (*HEAD, *SETTLED) if settled else HEAD
    lines = [head, tuple("---" for _ in head)]
    for row in rows:
        unlabelled = row.missing > 0 and row.same is None
        label = f"{row.label} (without {row.missing} not labelled)" if row.missing and not unlabelled else row.label
        first = "not labelled" if unlabelled else _count(row.first)
        shares = (_share(value) for value in (row.same, row.f1, row.kappa))
        upheld = (None, None, None) if row.disputed is None else (row.disputed, row.for_first, row.for_second)
        counts = map(_count, upheld) if settled else ()
        lines.append((label, f"{row.places:,}", first, _count(row.second), *shares, *counts))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _count(value: int | None) -> str:
    return NOTHING if value is None else f"{value:,}"


def _share(value: float | None) -> str:
    """Two decimals without the zero before the point."""
    return NOTHING if value is None else f"{value:.2f}".replace("0.", ".", 1)
