"""The shift detector as a table, and what must hold whatever is said."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from analysis.shift.detector import Evidence, Shift, ShiftRules, ShiftState, after_alert, step
from callbus import Mood, ShiftKind, Tier

RULES = ShiftRules(interruption=6.0)
"""Marks only; the tiers have tests of their own."""
TIERS = ShiftRules(threshold=0.65, interruption=1.8)


def follow(
    scores: Sequence[float],
    weights: float | list[float] = 0.9,
    seconds: float = 10.0,
    rules: ShiftRules = RULES,
    threats: Collection[int] = (),
) -> list[tuple[int, str]]:
    """Which turns complete which shift."""
    return [(turn, named(shift)) for turn, _, shift in trace(scores, weights, seconds, rules, threats) if shift]


def named(shift: Shift) -> str:
    """What it is called in the tables: an interruption by its tier."""
    return str(shift.kind if shift.tier is Tier.MARK else shift.tier)


def trace(
    scores: Sequence[float],
    weights: float | list[float] = 0.9,
    seconds: float = 10.0,
    rules: ShiftRules = RULES,
    threats: Collection[int] = (),
) -> list[tuple[int, ShiftState, Shift | None]]:
    """The state after each turn."""
    state, steps = ShiftState(), []
    for turn, score in enumerate(scores):
        weight = weights[turn] if isinstance(weights, list) else weights
        state, shift = step(state, Evidence(turn, score, weight, turn * seconds, turn in threats), rules)
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
        pytest.param([1, -2, -2], [(2, "worsened")], id="one calm turn is enough to turn from"),
        pytest.param([1, -2, 1, 1], [], id="one calm turn and one bad one"),
        pytest.param([-3, -3, -3, -3], [], id="opens upset"),
        pytest.param([-3, -3, 1, 1, -3, -3, -3], [(5, "worsened")], id="opens upset, calms down, is upset again"),
        pytest.param([-1.6, -1.3, -1.7, -1.6, -1.5], [], id="calm talk of problems"),
        pytest.param([1, 1, -2, -2, 2, 2], [(3, "worsened"), (4, "recovered")], id="comes back, told once"),
        pytest.param([1, 1, -2, -2, 0, 0, 0, 0, 0], [(3, "worsened")], id="falling silent is no recovery"),
        pytest.param([1, 1, -2, -2, 0.2, 0.2], [(3, "worsened")], id="nor is a polite word"),
        pytest.param([1, 1, 2, 2, 2], [], id="recovers only who had worsened"),
        pytest.param([1, 1, -2, 2, 2], [], id="nor from one bad turn"),
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
    ],
)
def test_among_the_latest_three(scores: list[float], expected: list[tuple[int, str]]) -> None:
    """Unhappy turns are looked for among the latest three, where the rules say so."""
    assert follow(scores, rules=replace(RULES, threshold=0.6, within_turns=3)) == expected


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        pytest.param([0, 0, -2, -2, 2], [(4, "recovered")], id="two bad turns, then relief"),
        pytest.param([0, 0, -3, 2], [], id="one bad turn is no fall"),
        pytest.param([0, 0, -1, -1, 2], [], id="it had hardly fallen"),
        pytest.param([0, 0, -2, -2, 0, 0, 0], [], id="no relief"),
        pytest.param([0, 0, -2, -2, 2, 2, 2], [(4, "recovered")], id="told once"),
        pytest.param([-3, -3, 2, 2], [], id="who arrived upset has not turned"),
    ],
)
def test_a_fall_that_relief_confirms(scores: list[float], expected: list[tuple[int, str]]) -> None:
    """Where the rules say so, a clear relief after a fall is told, though the fall itself was not."""
    assert follow(scores, rules=replace(RULES, threshold=3, fallen=1.0)) == expected


def test_a_recovery_shows_the_turns_that_it_comes_from() -> None:
    """Before it stand the turns that had worsened the call, or had brought it to its lowest; after it the relief."""
    told = [shift for *_, shift in trace([1, 1, -2, -2, 2]) if shift]
    assert [(shift.before, shift.after) for shift in told] == [((0, 1), (2, 3)), ((2, 3), (4,))]
    (quiet,) = [shift for *_, shift in trace([0, 0, -2, -2, 2], rules=replace(RULES, threshold=3, fallen=1.0)) if shift]
    assert (quiet.before, quiet.after) == ((2, 3), (4,))


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        pytest.param([0, 0, -1, -1, -1], [(3, "worsened")], id="not far enough for more than a mark"),
        pytest.param([0, 0, -3, -3], [(3, "interruption")], id="far enough at once"),
        pytest.param([0, 0, -1, -1, -3, -3, -3], [(3, "worsened"), (5, "interruption")], id="a mark goes further"),
        pytest.param([0, 0, -3, -3, -3, -3], [(3, "interruption")], id="nothing on top of an interruption"),
        pytest.param([0, 0, -3, 0, -3, 0], [], id="depth alone is no shift"),
    ],
)
def test_tiers(scores: list[float], expected: list[tuple[int, str]]) -> None:
    """A mark asks for the lower threshold, an interruption for the higher, and a mark becomes one within the minute."""
    assert follow(scores, rules=TIERS) == expected


def test_a_mark_that_goes_further_is_one_story() -> None:
    """The interruption names the turn of its mark, shows the same opening, and all turns that moved it."""
    mark, interruption = (shift for *_, shift in trace([0, 0, -1, -1, -3, -3], rules=TIERS) if shift)
    assert mark.marked is None
    assert interruption.marked == mark.after[-1]
    assert interruption.before == mark.before == (0, 1)
    assert interruption.after == (2, 3, 4, 5)
    assert (mark.threshold, interruption.threshold) == (TIERS.threshold, TIERS.interruption)


@pytest.mark.parametrize(
    ("scores", "threats", "expected"),
    [
        pytest.param([0, 0, -2], {2}, [(2, "interruption")], id="one turn is enough"),
        pytest.param([0, 0, -0.2], {2}, [], id="said calmly it is none"),
        pytest.param([-2, 0], {0}, [(0, "interruption")], id="as the first thing said"),
        pytest.param([-3, -3, -3], {2}, [(2, "interruption")], id="by who arrived upset"),
        pytest.param([0, 0, -2, -2, -2], {2, 3, 4}, [(2, "interruption")], id="threatening on is not told again"),
        pytest.param([0, 0, -1, -1, -1], {4}, [(3, "worsened"), (4, "interruption")], id="on a mark"),
        pytest.param(
            [0, 0, -2, 2, 0, 0, 0, -2],
            {2, 7},
            [(2, "interruption"), (3, "recovered"), (7, "interruption")],
            id="after a recovery it is a new one",
        ),
    ],
)
def test_threats(scores: list[float], threats: set[int], expected: list[tuple[int, str]]) -> None:
    """A threat in an unhappy turn interrupts at once, whatever came before."""
    assert follow(scores, rules=TIERS, threats=threats, seconds=15) == expected


def test_arrived_upset_is_told_from_became_upset() -> None:
    """Upset from the first word is a mood and no alert; upset after a calm opening is an alert; both from then on."""
    arrived, became = trace([-3, -3, -3, -3]), trace([0, 0, -3, -3])
    assert [state.mood for _, state, _ in arrived][-1] is Mood.ARRIVED_UPSET
    assert not any(shift for *_, shift in arrived)
    assert [state.mood for _, state, _ in became][-1] is Mood.WORSENED
    assert sum(shift is not None for *_, shift in became) == 1
    *_, (_, mixed, shift) = trace([-3, 0, -3, -3])
    assert (mixed.mood, shift is not None) == (Mood.WORSENED, True)


def test_a_second_worsening_waits_for_the_refractory_time() -> None:
    """Bad, good, bad again within a minute is one worsened alert; after the minute it is two."""
    scores = [1, 1, -3, -3, 3, 3, -3, -3, -3]
    assert follow(scores, seconds=5) == [(3, "worsened"), (4, "recovered")]
    assert follow(scores, seconds=20) == [(3, "worsened"), (4, "recovered"), (7, "worsened")]


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
    rules = replace(RULES, threshold=1.2)
    assert follow([1, 1, -1.2, -1.2], 0.9, rules=rules)
    assert not follow([1, 1, -1.2, -1.2], 0.45, rules=rules)


def test_whether_a_turn_is_unhappy_is_for_what_it_says() -> None:
    """Weight moves no turn over the line between unhappy and not: only hardly any weight keeps it from counting."""
    rules = replace(RULES, threshold=0.3, unhappy=-1.0)
    said = [1.0, 1.0, -1.1, -1.1]
    assert follow(said, 0.9, rules=rules) == follow(said, 0.5, rules=rules) == [(3, "worsened")]
    assert follow(said, rules.slight_weight - 0.01, rules=rules) == []


def test_an_alert_cannot_come_twice_from_one_turn() -> None:
    """After an alert the turn may grow: its level is found anew, and nothing is raised twice."""
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
turns = st.lists(st.tuples(finite, weights), max_size=60)


@given(score=finite, weight=weights, turns=st.integers(1, 40))
def test_constant_input_never_fires(score: float, weight: float, turns: int) -> None:
    """Who speaks the same way throughout has not turned."""
    assert follow([score] * turns, weight) == []


@given(turns, st.floats(1, 100))
def test_two_worsened_need_a_return_between_them(said: list[tuple[float, float]], seconds: float) -> None:
    """Between two worsened shifts the level was back near the baseline or the call recovered, and the time passed."""
    last: float | None = None
    returned = True
    for turn, state, shift in trace([s for s, _ in said], [w for _, w in said], seconds):
        assert math.isfinite(state.level)
        assert abs(state.level) <= 3 + 1e-9
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


@given(turns)
def test_shifts_alternate_or_worsen_again_and_start_with_worsened(said: list[tuple[float, float]]) -> None:
    """A recovery always follows a worsening of the same call, where no quiet fall counts."""
    kinds = [kind for _, kind in follow([s for s, _ in said], [w for _, w in said], 100)]
    assert not kinds or kinds[0] == "worsened"
    assert ("recovered", "recovered") not in pairwise(kinds)


@given(turns, st.sets(st.integers(0, 60), max_size=8))
def test_an_interruption_on_a_mark_is_the_only_second_alert(said: list[tuple[float, float]], threats: set[int]) -> None:
    """Tiers change how loud a shift is, not how often there is one: a second within the minute makes a mark louder."""
    scores, weighed = [s for s, _ in said], [w for _, w in said]
    told = [(turn, shift) for turn, _, shift in trace(scores, weighed, 7, TIERS, threats) if shift]
    worsened = [(turn, shift) for turn, shift in told if shift.kind is ShiftKind.WORSENED]
    for (earlier, one), (later, other) in pairwise(worsened):
        if (later - earlier) * 7 < TIERS.refractory_seconds:
            assert (one.tier, other.tier) == (Tier.MARK, Tier.INTERRUPTION)
            assert other.marked == earlier
    for _, shift in told:
        assert shift.after
        assert not set(shift.before) & set(shift.after)


@given(turns, st.sets(st.integers(0, 60), max_size=8))
@example([(-2.0, 0.25), (0.0, 1.0), (0.0, 1.0)], {0})
def test_state_holds_few_turns(said: list[tuple[float, float]], threats: set[int]) -> None:
    """What is kept does not grow with the call."""
    for _, state, _ in trace([s for s, _ in said], [w for _, w in said], 7, TIERS, threats):
        for kept in (state.run, state.latest, state.reference, state.origin, state.trough):
            assert len(kept) <= max(TIERS.within_turns, TIERS.opening_turns)
