"""What the model's time is predicted to be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.words.cost import FIRST_GUESS_SECONDS, GUESSED_FRAMES, OUTLIER, Costs

ROWS = st.integers(1, 64)
SECONDS = st.floats(0.001, 5)


@given(
    st.floats(0, 0.5), st.floats(0.001, 0.5), st.lists(ROWS, min_size=12, max_size=40).filter(lambda r: len(set(r)) > 3)
)
def test_a_steady_model_is_known_after_some_batches(batch: float, each: float, rows: list[int]) -> None:
    """Whatever a batch and a row cost, batches of several sizes tell both to within a fifth."""
    costs = Costs()
    for count in rows * 3:
        costs.learn(600, count, batch + each * count)
    for count in set(rows):
        assert costs.batch(600, count) == pytest.approx(batch + each * count, rel=0.2)


@given(ROWS, SECONDS, ROWS)
def test_one_size_predicts_no_less_for_more(rows: int, seconds: float, others: int) -> None:
    """Batches of one size: each further row costs as much as those did, so that too much is predicted."""
    costs = Costs()
    for _ in range(5):
        costs.learn(600, rows, seconds)
    assert costs.batch(600, rows) == pytest.approx(seconds)
    assert costs.batch(600, rows + others) == pytest.approx(seconds * (rows + others) / rows)


@given(
    st.lists(st.tuples(st.sampled_from([200, 600, 3_000]), ROWS, SECONDS), max_size=30),
    st.sampled_from([200, 800]),
    ROWS,
)
def test_a_prediction_is_never_negative_and_grows(
    batches: list[tuple[int, int, float]], frames: int, rows: int
) -> None:
    """Whatever was measured, of whatever context: more rows never cost less."""
    costs = Costs()
    for batch in batches:
        costs.learn(*batch)
    assert 0 <= costs.batch(frames, rows) <= costs.batch(frames, rows + 1) + 1e-9
    assert costs.waiting({frames: 3 * rows}, rows) == pytest.approx(3 * costs.batch(frames, rows))


def test_before_anything_is_read_a_guess_stands() -> None:
    """By rows and context; one batch then counts more than the guess."""
    costs = Costs()
    assert costs.batch(2 * GUESSED_FRAMES, 3) == pytest.approx(6 * FIRST_GUESS_SECONDS)
    costs.learn(600, 1, 0.01)
    assert costs.batch(1_200, 1) == pytest.approx(0.02)


def test_a_hiccup_is_no_slow_device() -> None:
    """One batch that takes a minute counts as so many usual ones."""
    costs = Costs()
    for _ in range(20):
        costs.learn(600, 4, 0.1)
    costs.learn(600, 4, 60.0)
    assert costs.batch(600, 4) < 0.1 * OUTLIER / 2
