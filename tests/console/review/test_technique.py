"""How often a technique was used, and what followed: by the counts of made-up debriefs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbus import Act, Debrief, Landed
from console.review.technique import ACTS, FEWEST, Tally, Technique, share
from tests.callbus.sample_messages import debriefs
from tests.console.practised import answer, debrief


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_intervals_are_wilsons(count: int, of: int, low: float, high: float) -> None:
    """As Newcombe publishes them (Statistics in Medicine 17, 1998, table I, method 3)."""
    found = share(count, of)
    assert found.low is not None
    assert found.high is not None
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_share_lies_in_its_interval_or_is_not_told(count: int, rest: int) -> None:
    """Of fewer than ten nothing but the count is told."""
    found = share(count, count + rest)
    if count + rest < FEWEST:
        assert (found.share, found.low, found.high) == (None, None, None)
    else:
        assert found.low is not None
        assert found.share is not None
        assert found.high is not None
        assert 0 <= found.low <= found.share + 1e-12
        assert found.share - 1e-12 <= found.high <= 1


@pytest.mark.parametrize(
    ("technique", "acts", "used"),
    [
        (Technique.ACKNOWLEDGE, [Act.ACK], 1),
        (Technique.ACKNOWLEDGE, [Act.SCRIPT, Act.NEXT], 0),
        (Technique.BE_SPECIFIC, [Act.ACK, Act.SPECIFIC], 1),
        (Technique.NEXT_STEP, [Act.NEXT], 1),
        (Technique.CHECK, [Act.VERIFY], 1),
        (Technique.HONEST_LIMIT, [Act.LIMIT, Act.ALTERNATIVE], 1),
        (Technique.HONEST_LIMIT, [Act.LIMIT], 0),
        (Technique.HONEST_LIMIT, [Act.ALTERNATIVE], 0),
        (Technique.RESET, [Act.RESET], 1),
        (Technique.RESET, [], 0),
    ],
)
def test_when_a_technique_was_used(technique: Technique, acts: list[Act], used: int) -> None:
    """By the acts of an answer; an honest limit takes another way beside it."""
    tally = Tally(technique)
    tally.add(debrief(answers=(answer(*acts),)))
    assert tally.use().used.count == used


def test_what_followed() -> None:
    """With and without it, apart; moments after which the customer said too little are counted and no share of them."""
    tally = Tally(Technique.ACKNOWLEDGE)
    tally.add(debrief(answers=()))
    for landed, moments in ((Landed.BETTER, 8), (Landed.SAME, 3), (Landed.WORSE, 1), (Landed.NOT_SEEN, 2)):
        tally.add(debrief(answers=tuple(answer(Act.ACK, landed=landed) for _ in range(moments))))
    tally.add(debrief(answers=(answer(landed=Landed.WORSE), answer(landed=Landed.NOT_SEEN))))
    use = tally.use()
    assert (use.calls, use.calls_with_distress) == (6, 5)
    assert (use.used.count, use.used.of) == (14, 16)
    followed = use.with_it
    assert [(each.count, each.of) for each in (followed.better, followed.same, followed.worse)] == [
        (8, 12),
        (3, 12),
        (1, 12),
    ]
    assert followed.not_seen == 2
    assert (use.without_it.worse.count, use.without_it.worse.of, use.without_it.worse.share) == (1, 1, None)


@given(st.lists(debriefs, max_size=5), st.sampled_from(Technique))
def test_any_debriefs_add_up(found: list[Debrief], technique: Technique) -> None:
    """Every moment of distress is counted once, whatever the debriefs hold."""
    tally = Tally(technique)
    for each in found:
        tally.add(each)
    use, moments = tally.use(), 0
    for followed in (use.with_it, use.without_it):
        moments += followed.better.count + followed.same.count + followed.worse.count + followed.not_seen
    assert use.used.of == moments == sum(len(each.answers) for each in found)


def test_every_technique_has_its_acts() -> None:
    """None is counted by nothing."""
    assert set(ACTS) == set(Technique)
    assert all(ACTS.values())
