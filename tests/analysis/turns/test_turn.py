"""Utterances become turns."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.turns.turn import LONGEST_UTTERANCES, MAX_CHARACTERS, Said, Turn, place
from callbus import Role

A, C, U = Role.AGENT, Role.CUSTOMER, Role.UNKNOWN


def build(*said: tuple[Role, str, float, float], solo: bool = False) -> list[Turn]:
    """The turns of utterances given as role, text, start, end."""
    turns: list[Turn] = []
    for role, text, start, end in said:
        placed = place(Said(f"leg-{role}", role, text, start, end, 0.9), turns, len(turns), solo=solo)
        if placed and placed.is_new:
            turns.append(placed.turn)
        elif placed:
            turns[placed.turn.number] = placed.turn
    return turns


def texts(turns: list[Turn]) -> list[str]:
    """Their words."""
    return [turn.text for turn in turns]


def test_a_turn_lasts_until_the_other_takes_the_floor() -> None:
    """Utterances of one party in a row are one turn, with their times."""
    turns = build((A, "hello", 0, 1), (C, "hi", 2, 3), (C, "my bill", 4, 5), (A, "sure thing", 6, 7), (C, "yes", 8, 9))
    assert texts(turns) == ["hello", "hi my bill", "sure thing", "yes"]
    assert [turn.number for turn in turns] == [0, 1, 2, 3]
    assert (turns[1].start_seconds, turns[1].end_seconds, turns[1].utterances) == (2, 5, 2)


@pytest.mark.parametrize("text", ["mm", "Mhm.", "Okay.", "uh-huh, right", "I see", "okay okay sure"])
def test_an_acknowledgement_leaves_the_floor(text: str) -> None:
    """What listeners say while the other speaks neither makes a turn nor ends one."""
    assert texts(build((C, "my bill", 0, 1), (A, text, 1, 2), (C, "is wrong", 2, 3))) == ["my bill is wrong"]


@pytest.mark.parametrize("text", ["No.", "Which error?", "Okay, one moment please", "right here"])
def test_an_answer_takes_the_floor(text: str) -> None:
    """Anything else is a turn."""
    assert len(build((C, "my bill", 0, 1), (A, text, 1, 2), (C, "is wrong", 2, 3))) == 3


def test_a_first_acknowledgement_is_a_turn() -> None:
    """Where nobody has the floor, it is taken."""
    assert texts(build((A, "okay", 0, 1))) == ["okay"]


def test_speech_that_ran_on_through_an_interjection_is_one_turn() -> None:
    """An utterance that began before the other took the floor belongs to its party's turn."""
    turns = build((C, "my bill", 0, 1), (A, "one moment", 2, 3), (C, "is wrong again", 1.5, 4), (A, "well", 5, 6))
    assert texts(turns) == ["my bill is wrong again", "one moment well"]


def test_a_pause_ends_a_turn_where_the_other_cannot_be_heard() -> None:
    """In a call with one leg, and only there, a second of silence is the other's turn."""
    said = ((U, "hello", 0, 1), (U, "my bill", 1.5, 2.5), (U, "is wrong", 4, 5))
    assert texts(build(*said, solo=True)) == ["hello my bill", "is wrong"]
    assert texts(build(*said)) == ["hello my bill is wrong"]


def test_legs_of_unknown_role_are_parties_of_their_own() -> None:
    """Two of them take turns."""
    turns: list[Turn] = []
    for index, leg in enumerate(("a", "b", "a")):
        placed = place(Said(leg, U, "words", index, index + 0.5, 0.9), turns, index, solo=False)
        assert placed
        turns.append(placed.turn)
    assert [turn.party for turn in turns] == ["leg a", "leg b", "leg a"]


def test_confidence_is_the_mean_over_words() -> None:
    """An utterance of three words counts three times as much as one of one."""
    turns: list[Turn] = []
    first = place(Said("2", C, "one", 0, 1, 0.4), turns, 0, solo=False)
    assert first
    second = place(Said("2", C, "two three four", 1, 2, 0.8), [first.turn], 1, solo=False)
    assert second
    assert second.turn.confidence == pytest.approx(0.7)


@given(st.lists(st.tuples(st.sampled_from([A, C]), st.text(max_size=80), st.floats(0, 100)), max_size=80))
def test_turns_are_bounded_and_alternate_but_for_length(said: list[tuple[Role, str, float]]) -> None:
    """Whatever comes: numbers count up, no turn outgrows its bounds, and two running of one party mean a full one."""
    turns = build(*((role, text, start, start + 1) for role, text, start in said))
    assert [turn.number for turn in turns] == list(range(len(turns)))
    for turn in turns:
        assert turn.utterances <= LONGEST_UTTERANCES
        assert len(turn.text) <= MAX_CHARACTERS
        assert 0 <= turn.confidence <= 1
    for one, two in pairwise(turns):
        assert one.party != two.party or one.utterances == LONGEST_UTTERANCES
