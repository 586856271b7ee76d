"""What is added to a turn's score from around its words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.shift.context_terms import LOUD, MOST, RAISED_VOICE, REPEATS, TALKS_OVER, in_context
from analysis.turns.score import Score
from analysis.turns.turn import Turn
from callbus import Role, Term

NEUTRAL = Score(0.0, 1.0, ())


def turn(text: str, number: int = 5, start: float = 20.0, end: float = 23.0, arousal: float = 0.0) -> Turn:
    """A customer's."""
    return Turn(number, "customer", Role.CUSTOMER, text, start, end, 1.0, 1, arousal)


def agent(start: float, end: float, number: int = 4) -> Turn:
    """An agent's."""
    return Turn(number, "agent", Role.AGENT, "let me explain how it works", start, end, 1.0, 1)


@pytest.mark.parametrize(
    ("now", "earlier", "repeated"),
    [
        ("I posted the signed form on Monday.", "The signed form, I posted that Monday", True),
        ("I posted the signed form on Monday.", "Hello, my name is Anna", False),
        ("Yes, please.", "Yes, please.", False),
        ("My number is four seven two", "My number is four seven two", True),
        ("It is the red one with wheels", "It is not what I asked of you", False),
    ],
)
def test_repeating_oneself(now: str, earlier: str, repeated: bool) -> None:
    """A turn that says what an earlier turn of the caller's said; an agent's words and short answers are none."""
    score, threat = in_context(NEUTRAL, turn(now), [turn(earlier, 1)])
    assert score.terms == ((Term("repeats themselves", REPEATS),) if repeated else ())
    assert not threat
    by_agent = replace(turn(earlier, 1), party="agent", role=Role.AGENT, start_seconds=0.0, end_seconds=1.0)
    assert in_context(NEUTRAL, turn(now), [by_agent])[0] == NEUTRAL


@pytest.mark.parametrize(
    ("agent_spoke", "customer_spoke", "over"),
    [
        ((15, 21), (20, 23), True),
        ((15, 20.2), (20, 23), False),
        ((19.5, 21), (20, 23), False),
        ((15, 21), (20, 20.8), False),
        ((10, 15), (20, 23), False),
    ],
)
def test_talking_over(agent_spoke: tuple[float, float], customer_spoke: tuple[float, float], over: bool) -> None:
    """Begun while the agent had spoken for a second and went on, and gone on with for a second."""
    score, _ = in_context(NEUTRAL, turn("no wait that is wrong", 5, *customer_spoke), [agent(*agent_spoke)])
    assert score.terms == ((Term("talks over the agent", TALKS_OVER),) if over else ())


@pytest.mark.parametrize(
    ("arousal", "share"), [(0.0, 0.0), (LOUD / 3, 0.0), (LOUD * 2 / 3, 0.5), (LOUD, 1.0), (9, 1.0)]
)
def test_a_raised_voice(arousal: float, share: float) -> None:
    """It counts from well above the caller's own on, and no more than its cap."""
    score, _ = in_context(NEUTRAL, turn("i have the letter here", arousal=arousal), [])
    assert score.log_odds == pytest.approx(RAISED_VOICE * share)


def test_pleased_words_are_not_turned_round() -> None:
    """Who is pleased may shout for joy, repeat their thanks and say what they had been about to do."""
    pleased = Score(1.5, 1.0, (Term("gratitude", 1.5),))
    loud = turn("get me your manager i want to thank you again and again", arousal=LOUD)
    assert in_context(pleased, loud, [turn("i want to thank you again and again", 1)]) == (pleased, False)


def test_a_threat_is_told_and_adds_its_term() -> None:
    """The score says by name what was threatened, and that it was."""
    score, threat = in_context(Score(-0.6, 1.0, (Term("anger", -0.6),)), turn("i'll see you in court"), [])
    assert threat
    assert [term.name for term in score.terms] == ["anger", "threatens legal action"]


@given(
    odds=st.floats(-3, 3),
    weight=st.floats(0, 1),
    text=st.sampled_from(["i'll see you in court or get me your manager", "i sent the signed form twice", "", "no"]),
    arousal=st.floats(0, 10),
)
def test_terms_sum_to_the_score(odds: float, weight: float, text: str, arousal: float) -> None:
    """Whatever is added, the terms are the weighed score, which stays within its bounds and within the cap."""
    score = Score(odds, weight, (Term("words", odds * weight),))
    changed, _ = in_context(
        score, turn(text, arousal=arousal), [turn("i sent the signed form twice", 1), agent(10, 22)]
    )
    assert sum(term.value for term in changed.terms) == pytest.approx(changed.value, abs=1e-9)
    assert -3 <= changed.log_odds <= 3
    assert odds + MOST - 1e-9 <= changed.log_odds <= odds
