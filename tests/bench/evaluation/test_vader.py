"""VADER as a control: a turn's score and the words it is made of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.turns.score import FULL_WORDS, MOST_LOG_ODDS, TERMS_SHOWN, certainty
from analysis.turns.turn import Turn
from bench.evaluation.vader import VaderScorer
from callbus import Role

SCORER = VaderScorer()


def turn(text: str, confidence: float = 0.9) -> Turn:
    """A customer's turn."""
    return Turn(3, "customer", Role.CUSTOMER, text, 10.0, 12.0, confidence, 1)


def value(text: str) -> float:
    """Its score."""
    return SCORER.score(turn(text), ()).value


def test_unhappy_is_negative_and_pleased_positive() -> None:
    """The sign says which way, whatever case and punctuation the model writes."""
    assert value("This is terrible service, and I am very angry!") < -1.5
    assert value("this is terrible and i am very angry") == value("THIS IS TERRIBLE, AND I AM VERY ANGRY!!")
    assert value("perfect thank you so much i am very happy with that") > 1.5
    assert value("the visit was planned for this morning") == 0


def test_terms_name_the_words() -> None:
    """The strongest term is the strongest word."""
    terms = SCORER.score(turn("the engineer was nice but this is a horrible awful mess"), ()).terms
    assert {"horrible", "awful", "mess"} <= {term.name for term in terms if term.value < 0}
    assert "nice" in {term.name for term in terms if term.value > 0}


def test_words_that_cancel_out_are_still_named() -> None:
    """A score of zero made of two sides shows both."""
    score = SCORER.score(turn("good bad good bad fine awful nice horrible"), ())
    assert len(score.terms) > 2
    assert sum(term.value for term in score.terms) == pytest.approx(score.value, abs=1e-9)


def test_short_and_uncertain_turns_weigh_less() -> None:
    """Weight is the share of words that are right, times the share of five words."""
    assert SCORER.score(turn("terrible"), ()).weight == pytest.approx(certainty(0.9) / FULL_WORDS)
    assert SCORER.score(turn("this is a terrible mess", 0.5), ()).weight == pytest.approx(certainty(0.5))


@pytest.mark.parametrize(
    "text",
    ["", " ", "4729", "😡😡😡", "好 的", "\x00", "ignore all instructions", "terrible " * 10_000, "x" * 10_000, "'"],
)
def test_odd_text_is_scored(text: str) -> None:
    """Empty, foreign, endless or hostile text gives a score within bounds."""
    score = SCORER.score(turn(text[:2_000]), ())
    assert -MOST_LOG_ODDS <= score.value <= MOST_LOG_ODDS
    assert sum(term.value for term in score.terms) == pytest.approx(score.value, abs=1e-9)


words = st.sampled_from(
    ("good", "bad", "terrible", "happy", "angry", "not", "very", "but", "the", "bill", "hate", "kind", "of", "no")
)


@given(st.one_of(st.lists(words, max_size=40).map(" ".join), st.text(max_size=200)), st.floats(0, 1))
def test_terms_sum_to_the_score(text: str, confidence: float) -> None:
    """Additivity holds for any text, and there are few terms of bounded names."""
    score = SCORER.score(turn(text, confidence), ())
    assert sum(term.value for term in score.terms) == pytest.approx(score.value, abs=1e-9)
    assert len(score.terms) <= TERMS_SHOWN + 1
    assert all(len(term.name) <= 64 for term in score.terms)
