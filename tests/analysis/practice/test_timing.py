"""Interruptions, talking over and silences, by the times of utterances."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.practice.timing import KEPT, Span, Timing
from callbus import FindingKind

K = FindingKind
Said = tuple[str, float, float]
"""A for agent, C for customer, H for an agent who announces a silence, M for a "mm-hm"; from, to."""


def timed(said: Sequence[Said], *, is_unhappy: bool = False, pauses: Sequence[tuple[float, float]] = ()) -> Timing:
    """These utterances, in the order in which they come."""
    timing = Timing()
    for number, (who, start, end) in enumerate(said):
        span = Span(start, end, number, who in "AH", "words" if who in "AH" else "", who == "H")
        timing = (
            timing.sounded(span, pauses) if who == "M" else timing.heard(span, is_unhappy=is_unhappy, pauses=pauses)
        )
    return timing


def found(timing: Timing) -> set[FindingKind]:
    """What is found."""
    return {one.kind for one in timing.marks.findings()}


@pytest.mark.parametrize(
    ("said", "is_unhappy", "kinds"),
    [
        ([("C", 0, 4), ("A", 5, 8)], True, set()),
        ([("A", 2, 4), ("C", 0, 6)], True, {K.INTERRUPTED_VENTING}),
        ([("A", 2, 3.5), ("C", 0, 2.6)], True, set()),
        ([("A", 0.5, 4), ("C", 0, 6)], True, set()),
        ([("A", 2, 5), ("C", 0, 6)], False, {K.TALK_OVER}),
        ([("A", 2, 3.5), ("C", 0, 6)], False, set()),
        ([("A", 11, 13), ("C", 0, 20)], False, {K.INTERRUPTED_VENTING}),
        ([("C", 0, 6), ("C", 6.3, 12), ("A", 11.5, 14), ("C", 12.2, 16)], False, {K.INTERRUPTED_VENTING}),
        ([("A", 0, 3.5), ("A", 4, 8), ("C", 2, 9)], True, set()),
        ([("M", 2, 4), ("C", 0, 6)], True, set()),
    ],
    ids=[
        "one after the other",
        "cuts in",
        "overlaps briefly at the end",
        "starts together",
        "talks over somebody calm",
        "a short word beside somebody calm",
        "cuts into a long tale",
        "cuts into a tale of several utterances",
        "goes on when the customer cuts in",
        "agrees while listening",
    ],
)
def test_who_cuts_in(said: list[Said], is_unhappy: bool, kinds: set[FindingKind]) -> None:
    """An agent who starts a second into the customer's speech and goes on for one, while they vent."""
    timing = timed(said, is_unhappy=is_unhappy)
    assert found(timing) == kinds
    assert timing.interruptions == (K.INTERRUPTED_VENTING in kinds)


def test_an_interruption_counts_once() -> None:
    """However many utterances of the customer it lies in."""
    timing = timed([("C", 0, 6), ("A", 5, 14), ("C", 6.2, 10), ("C", 10.2, 16)], is_unhappy=True)
    assert timing.interruptions == 1


def test_talking_over_is_added_up() -> None:
    """Beyond the brief overlaps of turn-taking, whoever began."""
    assert timed([("A", 0, 5), ("C", 3, 8), ("A", 7.8, 9)]).talk_over_seconds == 2


@pytest.mark.parametrize(
    ("said", "silences", "long"),
    [
        ([("C", 0, 2), ("A", 4, 5)], 0, 0),
        ([("C", 0, 2), ("A", 5, 6)], 1, 0),
        ([("C", 0, 2), ("A", 13, 14)], 1, 1),
        ([("C", 0, 2), ("H", 2.5, 3), ("A", 30, 31)], 1, 0),
        ([("C", 0, 2), ("H", 2.5, 3), ("C", 4, 5), ("A", 30, 31)], 1, 1),
        ([("C", 20, 22), ("A", 22, 23)], 0, 0),
        ([("C", 0, 2), ("A", 20, 21), ("C", 3, 22)], 0, 0),
        ([("C", 0, 2), ("M", 8, 8.4), ("A", 14, 15)], 2, 0),
    ],
    ids=[
        "a breath",
        "a silence",
        "a long one",
        "announced",
        "announced, but they spoke since",
        "before anybody has spoken",
        "speech that came late",
        "a word in between",
    ],
)
def test_silences(said: list[Said], silences: int, long: int) -> None:
    """From three seconds on; long from ten on, unless the agent had just announced it."""
    timing = timed(said)
    assert (timing.silences, timing.long_silences) == (silences, long)
    assert (K.LONG_SILENCE in found(timing)) is bool(long)


def test_a_pause_of_the_recording_is_no_silence() -> None:
    """Nobody heard what was said then."""
    assert timed([("C", 0, 2), ("A", 30, 31)], pauses=[(2.5, 29)]).silences == 0


times = st.floats(0, 1e7)


@given(st.lists(st.tuples(st.sampled_from("ACHM"), times, times), max_size=40), st.booleans())
def test_any_times_stay_within_bounds(said: list[Said], is_unhappy: bool) -> None:
    """In any order, of any length."""
    timing = timed(said, is_unhappy=is_unhappy)
    assert len(timing.spans) <= KEPT
    assert min(timing.interruptions, timing.silences, timing.long_silences) >= 0
    assert timing.long_silences <= timing.silences
