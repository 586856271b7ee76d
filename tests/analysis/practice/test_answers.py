"""Answers to distress, and how they land."""

from __future__ import annotations

import pytest

from analysis.practice.read_turn import ReadTurn
from analysis.turns.reading import Act
from callbus import Answer, Landed
from tests.analysis.practice.speaking import agent, customer, told

LONG = "I have been waiting for this since the second of March and nobody has called me back."
MORE = "And that is how it stands with me now."


def answers(*turns: ReadTurn) -> list[Answer]:
    """Those of a call that ends with these turns."""
    return [one.shown() for one in told(turns).now.ended().answered]


@pytest.mark.parametrize(
    ("turn", "rule"),
    [
        (customer(0, LONG, -1.5), "unhappy by score"),
        (customer(0, LONG, 0, cores={"worry": 0.7, "none": 0.3}), "worried: network"),
        (customer(0, LONG, 0, urgent=0.9), "urgent: network"),
        (customer(0, "She can't breathe.", 0, read=False), "urgent: can't breathe"),
        (customer(0, LONG, 0), None),
        (customer(0, LONG, 2), None),
    ],
)
def test_what_asks_for_an_answer(turn: ReadTurn, rule: str | None) -> None:
    """An unhappy, worried or urgent turn."""
    found = answers(turn)
    assert [one.distress.rule for one in found] == ([rule] if rule else [])


def test_an_answer_is_two_turns_long() -> None:
    """What the agent does in the third one is no answer any more; of each act the surest counts."""
    (answer,) = answers(
        customer(0, LONG, -2),
        agent(1, "I hear you.", Act.ACK, sure=0.6),
        agent(2, "That must be hard, I'm on it.", Act.ACK, Act.NEXT),
        agent(3, "Does that help?", Act.VERIFY),
    )
    assert [(done.act, done.evidence.turn) for done in answer.acts] == [(Act.ACK, 2), (Act.NEXT, 2)]


@pytest.mark.parametrize(
    ("values", "landed", "after"),
    [
        ((1.0, 1.0), Landed.BETTER, 1.0),
        ((-2.0, -2.0), Landed.SAME, -2.0),
        ((-2.9, -2.9), Landed.WORSE, -2.9),
        ((-2.0, 2.0), Landed.BETTER, 0.0),
        ((), Landed.NOT_SEEN, None),
    ],
)
def test_how_it_landed(values: tuple[float, ...], landed: Landed, after: float | None) -> None:
    """By the customer's mean score in the two turns after it."""
    turns = [customer(0, LONG, -2), agent(1, "I hear you.", Act.ACK)]
    turns += [customer(2 + number, MORE, value) for number, value in enumerate(values)]
    answer = answers(*turns)[0]
    assert answer.landed is landed
    assert answer.after == pytest.approx(after)
    assert answer.before == -2


def test_a_distress_that_nobody_has_answered_goes_on() -> None:
    """Two unhappy turns in a row ask for one answer, to the worse of them."""
    (answer,) = answers(customer(0, LONG, -1), customer(1, MORE, -2.5), agent(2, "I hear you.", Act.ACK))
    assert answer.before == -2.5


def test_an_answer_that_is_not_taken_up_ends() -> None:
    """After four turns of the agent, whatever the customer has said."""
    turns = [customer(0, LONG, -2), *(agent(number, "Hm, well.") for number in range(1, 5)), customer(5, MORE, 2)]
    (answer,) = answers(*turns)
    assert answer.landed is Landed.NOT_SEEN
