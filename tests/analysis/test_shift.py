"""The shift detector as a table, and what must hold whatever is said."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.shift import Evidence, Shift, ShiftRules, ShiftState, after_alert, step
from callbus import Mood, ShiftKind

RULES = ShiftRules()


def follow(scores: Sequence[float], weights: float | list[float] = 0.9, seconds: float = 10.0) -> list[tuple[int, str]]:
    """Which turns complete which shift."""
    return [(turn, str(shift.kind)) for turn, _, shift in trace(scores, weights, seconds) if shift]


def trace(
    scores: Sequence[float], weights: float | list[float] = 0.9, seconds: float = 10.0, rules: ShiftRules = RULES
) -> list[tuple[int, ShiftState, Shift | None]]:
    """The state after each turn."""
    state, steps = ShiftState(), []
    for turn, score in enumerate(scores):
        weight = weights[turn] if isinstance(weights, list) else weights
        state, shift = step(state, Evidence(turn, score, weight, turn * seconds), rules)
        steps.append((turn, state, shift))
    return steps


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        pytest.param([1, 1, 1, 1, 1], [], id="pleased throughout"),
        pytest.param([1, 1, -2, 1, 1], [], id="one bad turn"),
        pytest.param([1, 1, -2, -2], [(3, "worsened")], id="two bad turns"),
        pytest.param([1, 1, -2, -2, -2, -2, -2, -2, -2, -2], [(3, "worsened")], id="it stays bad: one alert"),
        pytest.param([1, 1, -2, 1, -2, 1, -2, 1], [], id="never two running"),
        pytest.param([2, 2, 0, 0, 0, 0], [], id="from pleased to neutral is no anger"),
        pytest.param([-3, -3, -3, -3], [], id="opens upset"),
        pytest.param([-3, -3, 1, 1, -3, -3, -3], [(5, "worsened")], id="opens upset, calms down, is upset again"),
        pytest.param([-1.6, -1.3, -1.7, -1.6, -1.5], [], id="calm talk of problems"),
        pytest.param([1, 1, -2, -2, 2, 2], [(3, "worsened"), (5, "recovered")], id="comes back"),
        pytest.param([1, 1, -2, -2, 0, 0, 0, 0, 0], [(3, "worsened")], id="falling silent is no recovery"),
        pytest.param([1, 1, 2, 2, 2], [], id="recovers only who had worsened"),
    ],
)
def test_table(scores: list[float], expected: list[tuple[int, str]]) -> None:
    """What raises a shift, and in which turn."""
    assert follow(scores) == expected


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        pytest.param([0, 0, -2, 0, -2, 0], [(4, "worsened")], id="a neutral turn between two unhappy ones"),
        pytest.param([0, 0, -2, 0, 0, -2, 0], [], id="two neutral turns between them"),
        pytest.param([0, -2, -3, 0], [(2, "worsened")], id="an unhappy turn of the opening counts"),
        pytest.param([0, 0, -2, -2, 2, 0], [(3, "worsened"), (4, "recovered")], id="one pleased turn is enough"),
    ],
)
def test_looser_rules(scores: list[float], expected: list[tuple[int, str]]) -> None:
    """Unhappy turns are looked for among the latest three, and one pleased turn recovers, where the rules say so."""
    rules = ShiftRules(threshold=0.6, within_turns=3, recovering_turns=1)
    found = [(turn, str(shift.kind)) for turn, _, shift in trace(scores, rules=rules) if shift]
    assert found == expected


def test_a_second_worsening_waits_for_the_refractory_time() -> None:
    """Bad, good, bad again within a minute is one worsened alert; after the minute it is two."""
    scores = [1, 1, -3, -3, 3, 3, -3, -3, -3]
    assert follow(scores, seconds=5) == [(3, "worsened"), (5, "recovered")]
    assert follow(scores, seconds=20) == [(3, "worsened"), (5, "recovered"), (7, "worsened")]


def test_slight_turns_neither_count_nor_break_a_run() -> None:
    """A "yes" between two unhappy turns changes nothing."""
    assert follow([1, 1, -2, 0, -2], [0.9, 0.9, 0.9, 0.15, 0.9]) == [(4, "worsened")]
    assert follow([1, 1, -2, -3, 1], [0.9, 0.9, 0.9, 0.15, 0.9]) == []


def test_slight_turns_do_not_make_the_baseline() -> None:
    """The opening lasts until two turns of weight were heard."""
    *_, (_, state, _) = trace([0, 0, 0, 1, 1], [0.1, 0.1, 0.1, 0.9, 0.9])
    assert state.reference == (3, 4)


def test_uncertain_words_move_the_level_less() -> None:
    """The same scores at a low weight do not raise what they raise at full weight."""
    assert follow([1, 1, -1.2, -1.2], 0.9)
    assert not follow([1, 1, -1.2, -1.2], 0.4)


def test_an_alert_cannot_come_twice_from_one_turn() -> None:
    """After an alert the turn may grow: its level is found anew, and nothing is raised again."""
    state = ShiftState()
    for turn, score in enumerate([1.0, 1.0, -2.0]):
        state, _ = step(state, Evidence(turn, score, 0.9, turn), RULES)
    raised, shift = step(state, Evidence(3, -1.5, 0.9, 3), RULES)
    assert shift
    grown, again = step(after_alert(raised, state), Evidence(3, -3.0, 0.9, 4), RULES)
    assert again is None
    assert grown.mood is Mood.WORSENED
    assert grown.level < raised.level


finite = st.floats(-3, 3)
weights = st.floats(0, 1)


@given(score=finite, weight=weights, turns=st.integers(1, 40))
def test_constant_input_never_fires(score: float, weight: float, turns: int) -> None:
    """Who speaks the same way throughout has not turned."""
    assert follow([score] * turns, weight) == []


@given(st.lists(st.tuples(finite, weights), max_size=60), st.floats(1, 100))
def test_two_worsened_need_a_return_between_them(said: list[tuple[float, float]], seconds: float) -> None:
    """Between two worsened shifts the level was back near the baseline or the call recovered, and the time passed."""
    last: float | None = None
    returned = True
    for turn, state, shift in trace([s for s, _ in said], [w for _, w in said], seconds):
        assert math.isfinite(state.level)
        assert -3 <= state.level <= 3
        if shift and shift.kind is ShiftKind.WORSENED:
            assert returned
            assert last is None or turn * seconds - last >= RULES.refractory_seconds
            assert state.baseline - state.level >= RULES.threshold
            last, returned = turn * seconds, False
        elif shift:
            assert last is not None
            returned = True
        elif state.level >= state.baseline - RULES.threshold / 2:
            returned = True


@given(st.lists(st.tuples(finite, weights), max_size=40))
def test_shifts_alternate_or_worsen_again_and_start_with_worsened(said: list[tuple[float, float]]) -> None:
    """A recovery always follows a worsening of the same call."""
    kinds = [kind for _, kind in follow([s for s, _ in said], [w for _, w in said], 100)]
    assert not kinds or kinds[0] == "worsened"
    assert ("recovered", "recovered") not in pairwise(kinds)


@given(st.lists(st.tuples(finite, weights), max_size=40))
def test_state_holds_few_turns(said: list[tuple[float, float]]) -> None:
    """What is kept does not grow with the call."""
    for _, state, _ in trace([s for s, _ in said], [w for _, w in said]):
        assert len(state.run) <= RULES.within_turns
        assert len(state.latest) <= RULES.within_turns
        assert len(state.reference) <= RULES.opening_turns
