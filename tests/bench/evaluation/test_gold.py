"""What should be noticed, and what alarms make of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.evaluation.gold import gold, match, withdrawals


@pytest.mark.parametrize(
    ("labels", "onsets", "recoveries"),
    [
        ([0, 0, 0], (), ()),
        ([0, -1, 0, 0], (), ()),
        ([0, -1, -1, 0], (1,), ()),
        ([0, -1, 0, -1, 0], (1,), ()),
        ([0, -1, 0, 0, -1], (), ()),
        ([-1, -1, 0, 1], (), ()),
        ([-1, -1, 0, 0, 0, -1, -1, 0, 1, 1], (5,), (8,)),
        ([0, -1, -1, 1, 0], (1,), (3,)),
        ([0, -1, -1, 0, 0, 0, 1], (1,), (6,)),
        ([0, -1, -1, 0, 0, -1, 1], (1,), ()),
        ([], (), ()),
    ],
)
def test_onsets_and_recoveries(labels: list[int], onsets: tuple[int, ...], recoveries: tuple[int, ...]) -> None:
    """An onset is followed by another unhappy turn within two and does not open the call; recovery pleases."""
    known = gold(labels)
    assert known.onsets == onsets
    assert known.recoveries == recoveries
    assert known.calm == (-1 not in labels)


@pytest.mark.parametrize(
    ("wanted", "found", "pairs"),
    [
        ((3,), (3,), [(3, 3)]),
        ((3,), (5,), [(3, 5)]),
        ((3,), (6,), []),
        ((3,), (2,), []),
        ((3,), (3, 4), [(3, 3)]),
        ((3, 4), (4, 5), [(3, 4), (4, 5)]),
    ],
)
def test_an_alarm_finds_an_onset_within_two_turns(
    wanted: tuple[int, ...], found: tuple[int, ...], pairs: list[tuple[int, int]]
) -> None:
    """One to one, not before and not later than two customer turns after."""
    assert match(wanted, found) == pairs


@pytest.mark.parametrize(
    ("labels", "worsened", "recovered", "rightly", "wrongly"),
    [
        ([0, -1, -1, 0, 1], (2,), (4,), 1, 0),
        ([0, -1, -1, -1, 0], (2,), (3,), 0, 1),
        ([0, -1, -1, 1, -1, 0], (2,), (3,), 0, 1),
        ([0, -1, -1, 1, 0, -1, 0], (2,), (3,), 0, 1),
        ([0, -1, -1, 1, 0, 0, -1], (2,), (3,), 1, 0),
        ([0, -1, -1, 0, 1], (2,), (), 0, 0),
        ([0, 0, 0, 1], (), (3,), 0, 0),
        ([0, 0, 0, 1], (1,), (3,), 1, 0),
        ([0, -1, -1, 1, 0, 0, 1], (2,), (3, 6), 1, 0),
        ([0, -1, -1, 1, 0, 0, -1, -1, 1], (2, 7), (3, 8), 2, 0),
        ([0, -1, -1, 0, 0, 0, -1, -1, 1], (2, 7), (8,), 1, 0),
    ],
)
def test_a_recovered_alarm_withdraws_the_worsened_one_before_it(
    labels: list[int], worsened: tuple[int, ...], recovered: tuple[int, ...], rightly: int, wrongly: int
) -> None:
    """Rightly if neither that turn nor the next two are unhappy; once for each worsened alarm."""
    assert withdrawals(gold(labels), worsened, recovered) == (rightly, wrongly)


TURNS = st.sets(st.integers(0, 11)).map(lambda turns: tuple(sorted(turns)))


@given(st.lists(st.sampled_from([-1, 0, 1]), min_size=12, max_size=12), TURNS, TURNS)
def test_no_alarm_is_withdrawn_twice(labels: list[int], worsened: tuple[int, ...], recovered: tuple[int, ...]) -> None:
    """There are at most as many withdrawals as worsened alarms, and as recovered ones."""
    assert sum(withdrawals(gold(labels), worsened, recovered)) <= min(len(worsened), len(recovered))
