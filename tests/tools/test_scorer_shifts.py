"""Where the line of a label is drawn: the best F1 that its least precision allows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.scorers.shipped import NEVER
from tools.scorer.calibration import best_shift

LOGITS = st.lists(st.tuples(st.integers(-20, 20), st.booleans()), min_size=1, max_size=30, unique_by=lambda row: row[0])


def figures(logits: np.ndarray, true: np.ndarray, line: float) -> tuple[float, float]:
    """Precision and F1 of what lies above a line."""
    found = int((true & (logits > line)).sum())
    told = int((logits > line).sum())
    return (found / told if told else 0.0), 2 * found / (told + int(true.sum()))


@given(LOGITS, st.sampled_from([0.5, 0.8, 1.0]))
def test_no_other_line_is_better(rows: list[tuple[int, bool]], least: float) -> None:
    """Of all lines with the least precision it has the best F1; it is NEVER drawn if there is none."""
    logits = np.array([float(logit) for logit, _ in rows])
    true = np.array([label for _, label in rows])
    shift = best_shift(logits, true, least)
    allowed = [
        f1
        for precision, f1 in (figures(logits, true, line - 0.5) for line in logits)
        if f1 and precision >= least - 1e-9
    ]
    if not true.any():
        assert shift == 0.0
    elif not allowed:
        assert shift == NEVER
    else:
        precision, f1 = figures(logits + shift, true, 0.0)
        assert precision >= least - 1e-9
        assert f1 == pytest.approx(max(allowed))
