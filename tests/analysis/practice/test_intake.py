"""Intake: the customer's opening."""

from __future__ import annotations

import pytest

from analysis.practice.intake import Opening, Wording
from analysis.practice.read_turn import ReadTurn
from analysis.turns.reading import Wish
from callbus import Core, Register
from tests.analysis.practice.speaking import agent, customer, told

FAIR = "There is a thing that I would like to tell you about today, if you have the time for it."


def opening(*turns: ReadTurn) -> Opening:
    """That of a call."""
    return told(turns).now.opening


@pytest.mark.parametrize(
    ("cores", "named"),
    [
        ({"anger": 0.7, "frustration": 0.3}, (Core.ANGER,)),
        ({"anger": 0.56, "frustration": 0.44}, (Core.ANGER, Core.FRUSTRATION)),
        ({"anger": 0.4, "worry": 0.35, "dismissed": 0.25}, (Core.ANGER, Core.WORRY)),
        ({"none": 0.6, "worry": 0.4}, ()),
        ({"none": 0.4, "worry": 0.6}, (Core.WORRY,)),
        ({"gratitude": 0.9, "worry": 0.1}, ()),
        ({"boredom": 1.0}, ()),
    ],
)
def test_cores_are_named_where_their_share_earns_it(cores: dict[str, float], named: tuple[Core, ...]) -> None:
    """One alone only if it clearly leads, and none if no feeling does."""
    assert opening(customer(0, FAIR, -1, cores=cores)).shown().cores == named


def test_cores_are_refined() -> None:
    """The latest turns weigh most."""
    turns = [customer(0, FAIR, -1, cores={"worry": 1.0})]
    turns += [customer(number, FAIR, -1, cores={"anger": 1.0}) for number in range(1, 5)]
    assert opening(*turns).shown().cores == (Core.ANGER,)


def test_a_calm_turn_takes_no_core_back() -> None:
    """What was felt stays what the call was about."""
    turns = [customer(0, FAIR, -1, cores={"worry": 1.0}), *(customer(number, FAIR, 1) for number in range(1, 9))]
    assert opening(*turns).shown().cores == (Core.WORRY,)


def test_without_a_reading_no_core_is_named() -> None:
    """And the wish is unclear; the concern is quoted all the same."""
    shown = opening(customer(0, FAIR, -2, read=False)).shown()
    assert (shown.cores, shown.wish) == ((), Wish.UNCLEAR)
    assert shown.about
    assert shown.about.quote


@pytest.mark.parametrize(
    ("turns", "is_ready"),
    [
        ([customer(0, FAIR, end=29.9)], False),
        ([customer(0, FAIR, end=15), customer(1, FAIR, end=15)], True),
        ([customer(0, FAIR, end=10), agent(1, "Yes."), agent(2, "And?")], True),
        ([customer(0, FAIR, end=10), agent(1, "Yes.")], False),
        ([customer(0, FAIR, end=9), agent(1, "Yes."), agent(2, "And?")], False),
    ],
    ids=["29.9 s", "30 s", "10 s and two answers", "10 s and one answer", "9 s and two answers"],
)
def test_it_is_ready_when_enough_is_heard(turns: list[ReadTurn], is_ready: bool) -> None:
    """Thirty seconds of the customer's speech, or two answers after ten."""
    assert opening(*turns).is_ready is is_ready


def test_urgency_is_quoted_once_it_is_likely() -> None:
    """The surest counts, with the words that tell so; a phrase tells so where no network reads."""
    shown = opening(customer(0, FAIR), customer(1, "He swallowed a battery.", urgent=0.8)).shown()
    assert shown.urgent == 0.8
    assert shown.urgency
    assert shown.urgency.quote == "He swallowed a battery."
    assert opening(customer(0, FAIR, urgent=0.4)).shown().urgency is None
    by_phrase = opening(customer(0, "He swallowed a battery.", read=False)).shown()
    assert by_phrase.urgency
    assert by_phrase.urgency.rule == "urgent: swallowed"


def test_the_wish_is_that_of_the_opening() -> None:
    """What is read later does not change it."""
    turns = [customer(0, FAIR, wish=Wish.HEARD, end=40), customer(1, FAIR, wish=Wish.PLAN)]
    assert opening(*turns).shown().wish is Wish.HEARD


def test_the_concern_is_that_of_the_opening() -> None:
    """Said early, it stays, even if later words say as much."""
    first = "The boiler has not worked since Monday and the children are freezing in their bedrooms."
    later = "The engineer has not come since Monday and the neighbours are laughing in their gardens."
    shown = opening(customer(0, first), customer(1, later)).shown()
    assert shown.about
    assert (shown.about.quote, shown.about.turn) == (first, 0)


@pytest.mark.parametrize(
    ("wording", "register"),
    [
        (Wording(), Register.PLAIN),
        (Wording(3, 40, formal=2, casual=0), Register.FORMAL),
        (Wording(3, 40, formal=2, casual=3), Register.CASUAL),
        (Wording(3, 40, formal=1, casual=1), Register.PLAIN),
        (Wording(3, 9, formal=0, casual=1), Register.TERSE),
        (Wording(2, 4, formal=0, casual=0), Register.PLAIN),
    ],
)
def test_the_register_is_by_words_alone(wording: Wording, register: Register) -> None:
    """Courtesies, slang and length; plain where none stands out."""
    assert wording.register is register
