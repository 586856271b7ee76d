"""Agreement as a table in Markdown."""

from __future__ import annotations

from collections.abc import Iterable

from tools.labels.agreement import Row

HEAD = ("label", "judged", "first hand", "second hand", "same", "F1", "kappa")
NOTHING = "–"  # noqa: RUF001 - the dash of the project's tables


def table(rows: Iterable[Row]) -> str:
    """A line for each row; says where the first hand never looked for a label."""
    lines = [HEAD, tuple("---" for _ in HEAD)]
    for row in rows:
        unlabelled = row.missing > 0 and row.same is None
        label = f"{row.label} (without {row.missing} not labelled)" if row.missing and not unlabelled else row.label
        first = "not labelled" if unlabelled else _count(row.first)
        shares = (_share(value) for value in (row.same, row.f1, row.kappa))
        lines.append((label, f"{row.places:,}", first, _count(row.second), *shares))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _count(value: int | None) -> str:
    return NOTHING if value is None else f"{value:,}"


def _share(value: float | None) -> str:
    """Two decimals without the zero before the point."""
    return NOTHING if value is None else f"{value:.2f}".replace("0.", ".", 1)
