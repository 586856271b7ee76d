"""An agent's load, from when calls begin and end and how their customers were."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.practice.load import MOST_CALLS, LoadRules, Work, began, ended, minutes, suggestion
from callbus.messages.load import Suggestion

RULES = LoadRules()
MINUTE = 60.0

Call = tuple[str, float, float, bool]
"""Its id, begin and end in minutes, and whether it was hard."""


def worked(calls: Sequence[Call]) -> Work:
    """What is known after these."""
    work: Work | None = None
    for call, begin, end, hard in calls:
        work = began(work, call, MINUTE * begin, RULES)
        work = ended(work, call, MINUTE * end, MINUTE * begin, hard=hard)
    assert work
    return work


@pytest.mark.parametrize(
    ("hard", "row"),
    [("", 0), ("h", 1), ("hh", 2), ("hhh", 3), ("hhe", 0), ("hheh", 1), ("ehh", 2)],
)
def test_hard_calls_in_a_row(hard: str, row: int) -> None:
    """The latest ones, up to an easy one."""
    work = worked([("first", 0, 1, False), *((str(at), at, at + 1, one == "h") for at, one in enumerate(hard, 1))])
    assert work.hard_calls == row


def test_a_pause_is_some_minutes_without_a_call() -> None:
    """From there on the time counts anew; the hard calls in a row stay."""
    work = worked([("a", 0, 50, True), ("b", 59, 100, True)])
    assert minutes(work, 100 * MINUTE) == 100
    work = began(work, "c", 110 * MINUTE, RULES)
    assert minutes(work, 130 * MINUTE) == 20
    assert work.hard_calls == 2


def test_a_long_call_is_no_pause() -> None:
    """Nor is one that begins or ends again."""
    work = began(None, "a", 0, RULES)
    work = began(work, "a", 40 * MINUTE, RULES)
    work = ended(work, "a", 50 * MINUTE, 0, hard=True)
    work = began(work, "a", 65 * MINUTE, RULES)
    work = ended(work, "a", 66 * MINUTE, 0, hard=True)
    assert minutes(work, 66 * MINUTE) == 66
    assert work.hard_calls == 1


def test_the_last_end_of_a_call_counts() -> None:
    """It may have gone on, and ended well."""
    work = worked([("a", 0, 1, True), ("b", 1, 2, True)])
    again = ended(work, "b", 180, 60, hard=False)
    assert (work.hard_calls, again.hard_calls) == (2, 0)
    assert ended(again, "b", 190, 60, hard=True).hard_calls == 2


def test_a_call_whose_beginning_was_not_seen() -> None:
    """It counts from when it was opened."""
    assert minutes(ended(None, "a", 30 * MINUTE, 10 * MINUTE, hard=False), 30 * MINUTE) == 20


@pytest.mark.parametrize(
    ("hard", "length", "expected"),
    [
        (2, 119, Suggestion.NONE),
        (3, 119, Suggestion.DEBRIEF),
        (2, 120, Suggestion.PAUSE),
        (3, 120, Suggestion.LIGHTER_WORK),
    ],
)
def test_what_is_suggested(hard: int, length: float, expected: Suggestion) -> None:
    """A debrief after hard calls in a row, a pause after long work, lighter work after both."""
    step = length / hard
    work = worked([(str(at), at * step, (at + 1) * step, True) for at in range(hard)])
    assert suggestion(work, length * MINUTE, RULES) is expected


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.floats(0, 1e9), st.booleans(), st.booleans()), min_size=1, max_size=30
    )
)
def test_whatever_the_order(events: list[tuple[str, float, bool, bool]]) -> None:
    """Clocks of two workers may differ, and ends come without beginnings: the figures stay figures."""
    work: Work | None = None
    for call, now, begins, hard in events:
        work = began(work, call, now, RULES) if begins else ended(work, call, now, now, hard=hard)
    assert work
    assert 0 <= work.hard_calls <= min(MOST_CALLS, len(events))
    assert minutes(work, events[-1][1]) >= 0
