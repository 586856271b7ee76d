"""How something is written, against how the same customer wrote before."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.shift.context_terms import in_context
from analysis.shift.written_terms import written_terms
from analysis.turns.score import Score
from analysis.turns.turn import Turn
from callbus import Channel, Role

CHAT, EMAIL = Channel.CHAT, Channel.EMAIL
PLAIN = ("hi, where is my parcel", "it should have come on monday")


def turns(*texts: str) -> list[Turn]:
    """A customer's turns, an agent's answer after each."""
    found = []
    for number, text in enumerate(texts):
        found.append(Turn(2 * number, "customer", Role.CUSTOMER, text, number, number, 1.0, 1))
        found.append(Turn(2 * number + 1, "agent", Role.AGENT, "ALL RIGHT, ONE MOMENT!!!", number, number, 1.0, 1))
    return found


def names(text: str, earlier: tuple[str, ...] = PLAIN, channel: Channel = CHAT) -> list[str]:
    """The terms of a customer's turn after these."""
    turn = turns(*earlier, text)[-2]
    return [term.name for term in written_terms(turn, turns(*earlier), channel)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("WHERE IS MY PARCEL NOW", ["writes in capitals"]),
        ("\u0413\u0414\u0415 \u041c\u041e\u042f \u041f\u041e\u0421\u042b\u041b\u041a\u0410", ["writes in capitals"]),
        ("where is it?!?", ["repeats marks"]),
        ("WHERE IS MY PARCEL NOW???", ["writes in capitals", "repeats marks"]),
        ("Fine.", ["turns curt"]),
        ("as you wish.", []),
        ("it came on monday.", []),
        ("4711.", []),
        ("OK THEN", []),
        ("where is it? really!", []),
        ("my USB-C hub from ACME GMBH is an XK-400", []),
        ("", []),
        ("\u2026 ...", []),
    ],
)
def test_what_shows_in_a_turn(text: str, expected: list[str]) -> None:
    """Capitals, repeated marks, a curt word; not codes, numbers and abbreviations."""
    assert names(text) == expected


@pytest.mark.parametrize(
    ("text", "earlier"),
    [
        ("WHERE IS MY PARCEL NOW", ("HI I WANT MY PARCEL", "it should have come")),
        ("where is it???", ("hello!!!", "it should have come")),
        ("Fine.", ("Where is it.", "it should have come on monday")),
        ("Fine.", ("where is my parcel now",)),
        ("Fine.", ("hi", "parcel", "where is it now")),
    ],
)
def test_a_habit_says_nothing(text: str, earlier: tuple[str, ...]) -> None:
    """Who has written so before does not mean anything by it; who has hardly written is not known yet."""
    assert names(text, earlier) == []


def test_nothing_to_compare_with() -> None:
    """The first turn has no terms, nor does the agent's way of writing matter."""
    assert names("WHERE IS MY PARCEL NOW???", ()) == []


def test_mails_end_their_sentences() -> None:
    """A full stop is curt in a chat alone."""
    assert names("Fine.", channel=EMAIL) == []


def test_only_what_is_written_is_read_so() -> None:
    """A transcript's capitals and marks are Whisper's; and nothing is added to pleased words."""
    turn, history = turns(*PLAIN, "WHERE IS MY PARCEL NOW???")[-2], turns(*PLAIN)
    for channel, log_odds, count in ((Channel.PHONE, -1.0, 0), (CHAT, -1.0, 2), (CHAT, 1.0, 0)):
        score, threatens = in_context(Score(log_odds, 1.0, ()), turn, history, channel=channel)
        assert (len(score.terms), threatens) == (count, False)
        assert score.value <= log_odds


@given(st.text(max_size=300), st.lists(st.text(max_size=100), max_size=4).map(tuple), st.sampled_from([CHAT, EMAIL]))
def test_any_text_has_few_terms(text: str, earlier: tuple[str, ...], channel: Channel) -> None:
    """Each once at most, and each against the customer."""
    turn = turns(*earlier, text)[-2]
    terms = list(written_terms(turn, turns(*earlier), channel))
    assert len({term.name for term in terms}) == len(terms) <= 3
    assert all(term.value < 0 for term in terms)
