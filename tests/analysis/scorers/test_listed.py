"""Turns scored by what their language's file lists."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.languages.lexicon import Lexicon, shipped
from analysis.scorers.listed import LISTED_RULES, listed_score
from analysis.turns.score import MOST_LOG_ODDS
from analysis.turns.turn import Turn
from callbus import Role

SPANISH = shipped("es")


def turn(text: str, confidence: float = 1.0) -> Turn:
    """A customer's."""
    return Turn(3, "customer", Role.CUSTOMER, text, 10.0, 12.0, confidence, 1)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Esto es una vergüenza, de verdad.", {"harsh words"}),
        ("Estoy muy enfadada con ustedes.", {"says they are unhappy"}),
        ("Es la tercera vez que llamo.", {"counts the times"}),
        ("Llevo dos semanas esperando y nadie me contesta.", {"counts the times", "nobody answers"}),
        ("No estoy enfadado, tranquila.", set()),
        ("La tomo tres veces al día.", set()),
        ("Hay un error en la factura y quiero cancelar la cita.", set()),
        ("Perdone la molestia, buenas tardes.", set()),
        ("Mi vecina dice que es una vergüenza.", set()),
        ("Dice: «es una vergüenza, sois unos inútiles».", set()),
        ("Es una vergüenza lo bueno que está, jajaja.", set()),
    ],
)
def test_what_is_said_outright_in_spanish(text: str, names: set[str]) -> None:
    """By its name, not where it is denied, quoted or meant in jest; a calm statement of a problem is none."""
    score = listed_score(turn(text), SPANISH)
    assert {term.name for term in score.terms} == names
    assert (score.log_odds <= LISTED_RULES.unhappy) is bool(names)


def test_a_word_that_was_hardly_heard_counts_less() -> None:
    """As it does with every scorer."""
    sure, unsure = (listed_score(turn("es una vergüenza", at), SPANISH) for at in (1.0, 0.4))
    assert unsure.weight < 0.5 < sure.weight
    assert unsure.log_odds == sure.log_odds


@given(st.lists(st.sampled_from(["es una vergüenza", "un desastre", "estoy harto", "otra vez lo mismo", "no"])))
def test_terms_sum_to_the_score(words: list[str]) -> None:
    """Whatever is said, and it stays within its bounds."""
    score = listed_score(turn(" ".join(words)), SPANISH)
    assert -MOST_LOG_ODDS <= score.log_odds <= 0
    assert sum(term.value for term in score.terms) == pytest.approx(score.value)


@given(st.text(max_size=200))
def test_without_a_list_nothing_is_found(text: str) -> None:
    """In a language that has no file."""
    assert listed_score(turn(text), Lexicon("xx")).terms == ()
