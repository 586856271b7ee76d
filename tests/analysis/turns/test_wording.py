"""What a network reads of a call: words as a telephone carries them, and the latest turns that fit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from analysis.scorers.shipped import SHIPPED_FEELING
from analysis.turns.wording import AGENT_KIND, CUSTOMER_KIND, MARK, TURN_TOKENS, as_read, latest, plain, wording
from callbus import Role

TOKENIZER = Tokenizer.from_file(str(SHIPPED_FEELING / "tokenizer.json"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("That's the THIRD time!", "that's the third time"),
        ("I\u2019ve waited 3 weeks, since 12:30", "i've waited three weeks since twelve thirty"),
        ("it cost 1,234.50.", "it cost one thousand two hundred and thirty four point five zero"),
        ("100 per cent, or 100%", "one hundred percent or one hundred percent"),
        ("'quoted' words \u2014 and _more_", "quoted words and more"),
        ("[digits]", "digits"),
        ("\U0001f621 \u4f60\u597d", "\u4f60\u597d"),
        ("?!", ""),
        ("", ""),
    ],
)
def test_plain(text: str, words: str) -> None:
    """Case and punctuation go, figures become words."""
    assert plain(text) == words


@given(st.text(max_size=300))
def test_plain_twice_is_plain_once(text: str) -> None:
    """What is plain already stays as it is."""
    assert plain(plain(text)) == plain(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Does that help? Or not?", "does that help ? or not ?"),
        ("What?!?", "what ?"),
        ("? Hi", "? hi"),
        ("It is 40%. Is it?", "it is forty percent is it ?"),
        ("No.", "no"),
        ("", ""),
    ],
)
def test_a_question_is_read_as_one(text: str, words: str) -> None:
    """A run of question marks is one word."""
    assert as_read(text) == words


@given(st.text(alphabet="ab ?.\n", max_size=40))
def test_reading_twice_is_reading_once(text: str) -> None:
    """What a transcript was made of and the transcript itself are read alike."""
    assert as_read(as_read(text)) == as_read(text)
    assert as_read(text).replace("?", " ").split() == plain(text).split()


def test_turns_are_marked() -> None:
    """Each turn begins with the mark; kinds tell the speaker, places begin anew with each turn."""
    words = wording(TOKENIZER, [(Role.AGENT, "hello there"), (Role.CUSTOMER, "hi")])
    assert [at for at, token in enumerate(words.ids) if token == MARK] == [0, 3]
    assert words.kinds == (AGENT_KIND,) * 3 + (CUSTOMER_KIND,) * 2
    assert words.turns == (0, 0, 0, 1, 1)
    assert words.places == (0, 1, 2, 0, 1)


def test_a_wording_falls_into_its_turns() -> None:
    """Each turn's token ids are those that it has by itself."""
    said = [(Role.AGENT, "hello there"), (Role.CUSTOMER, "hi"), (Role.CUSTOMER, "")]
    assert wording(TOKENIZER, said).by_turn() == [wording(TOKENIZER, [one]).ids for one in said]


def test_a_long_turn_keeps_both_ends() -> None:
    """Of a monologue the beginning and the end are read."""
    words = wording(TOKENIZER, [(Role.CUSTOMER, "first " + "and " * 200 + "last")])
    assert len(words.ids) == TURN_TOKENS + 1
    assert TOKENIZER.decode(list(words.ids)).split()[0] == "first"
    assert TOKENIZER.decode(list(words.ids)).split()[-1] == "last"


def test_the_latest_turns_that_fit_are_read() -> None:
    """Whole turns, the last one whatever its length, never more tokens than asked beyond it."""
    turns = [(Role.AGENT if number % 2 else Role.CUSTOMER, f"turn {number} has words") for number in range(20)]
    words = latest(TOKENIZER, turns, 32)
    assert len(words.ids) <= 32
    assert max(words.turns) > 2
    alone = latest(TOKENIZER, [*turns, (Role.CUSTOMER, "so many words " * 30)], 32)
    assert set(alone.turns) == {0}
