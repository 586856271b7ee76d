"""Figures are judged as the words that callers say."""

from __future__ import annotations

import gc
from time import thread_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.scorers.shipped import FeelingScorer
from analysis.shift.threats import threats
from analysis.turns.figures import MOST_DIGITS, cardinal, ordinal, spoken
from analysis.turns.score import weight
from analysis.turns.turn import Turn
from analysis.turns.wording import plain
from callbus import Role

SAID = {
    "\u00a340": "forty pounds",
    "\u00a31": "one pound",
    "\u00a31.50": "one pound fifty",
    "\u20ac0.50": "fifty cents",
    "40 \u20ac": "forty euros",
    "$1,200.50": "one thousand two hundred dollars and fifty cents",
    "\u00a32 million": "two million pounds",
    "$5k": "five thousand dollars",
    "50p": "fifty pence",
    "40 pounds": "forty pounds",
    "100%": "one hundred percent",
    "0.5 %": "zero point five percent",
    "24 hours": "twenty four hours",
    "2hrs": "two hours",
    "24/7": "twenty four seven",
    "3rd time": "third time",
    "21ST": "twenty first",
    "1st, 2nd, 30th": "first second thirtieth",
    "2x": "two times",
    "9:30am": "nine thirty am",
    "9:30 a.m.": "nine thirty a m",
    "9am": "nine am",
    "9:00 PM": "nine o'clock pm",
    "9:00pm": "nine pm",
    "at 14:05": "at fourteen oh five",
    "in 2019": "in twenty nineteen",
    "1999 and 2009": "nineteen ninety nine and two thousand and nine",
    "the 1990s": "the nineteen nineties",
    "3-4 weeks": "three to four weeks",
    "10/10": "ten out of ten",
    "1/2": "half",
    "#1": "number one",
    "1,234,567": "one million two hundred and thirty four thousand five hundred and sixty seven",
    "3.14": "three point one four",
    "007": "zero zero seven",
    "0800 555": "zero eight zero zero five hundred and fifty five",
    "14b": "fourteen b",
    "1 star, 5 stars": "one star five stars",
    "\u0663 \u096a": "three four",
}
PAIRS = [
    ("You charged me \u00a340 for nothing!", "you charged me forty pounds for nothing"),
    ("I was charged 40 pounds TWICE.", "i was charged forty pounds twice"),
    ("I am 100% sure that I paid it.", "i am one hundred per cent sure that i paid it"),
    ("It has been 24 hours and nobody called.", "it has been twenty four hours and nobody called"),
    ("This is the 3rd time I'm calling.", "this is the third time i'm calling"),
    ("The bill is $1,200.50.", "the bill is one thousand two hundred dollars and fifty cents"),
    ("I asked 2x already.", "i asked two times already"),
    ("On the 1st of May, at 9:30am.", "on the first of may at nine thirty am"),
    ("Waiting since 2019, 45 minutes a day", "waiting since twenty nineteen forty five minutes a day"),
    ("5 stars from me, 10/10", "five stars from me ten out of ten"),
    ("I'll leave a 1 star review.", "i'll leave a one star review"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "said"), SAID.items())
def test_table(written: str, said: str) -> None:
    """What is written is read as it is said."""
    assert plain(written) == said


@pytest.mark.parametrize(("written", "said"), PAIRS)
def test_a_score_is_the_spoken_forms_own(written: str, said: str) -> None:
    """By the shipped scorer, with its weight, and by the threats in it."""
    scorer = FeelingScorer()
    before = Turn(0, "agent", Role.AGENT, "How can I help?", 0.0, 2.0, 0.9, 1)
    one, other = (
        scorer.score(Turn(1, "customer", Role.CUSTOMER, text, 3.0, 6.0, 0.9, 1), [before]) for text in (written, said)
    )
    assert one.log_odds == pytest.approx(other.log_odds, abs=0.05)
    assert one.value == pytest.approx(other.value, abs=0.05)
    assert threats(plain(written)) == threats(plain(said))


def test_figures_weigh_as_their_words() -> None:
    """Whatever the scorer."""
    one, other = (
        weight(Turn(0, "customer", Role.CUSTOMER, text, 0, 1, 1.0, 1)) for text in ("\u00a340", "forty pounds")
    )
    assert one == other > 0


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "zero"),
        (19, "nineteen"),
        (40, "forty"),
        (101, "one hundred and one"),
        (1_005, "one thousand and five"),
        (999_999_999, "nine hundred and ninety nine million nine hundred and ninety nine thousand "
         "nine hundred and ninety nine"),
    ],
)  # fmt: skip
def test_cardinals(number: int, words: str) -> None:
    """As in Britain, where the scorer's callers live."""
    assert cardinal(number) == words


def test_ordinals() -> None:
    """Each ending once."""
    said = [ordinal(number) for number in (1, 2, 3, 4, 5, 8, 9, 12, 20, 21, 100)]
    assert " ".join(said) == (
        "first second third fourth fifth eighth ninth twelfth twentieth twenty first one hundredth"
    )


@given(st.text("0123456789.,:/-%\u00a3$ xst\u0664am", max_size=80))
def test_no_figure_is_left(text: str) -> None:
    """Whatever they are made of, and reading the words again changes nothing."""
    words = spoken(text)
    assert not any(letter.isdecimal() for letter in words)
    assert spoken(words) == words


@given(st.text(st.characters(categories=("L", "P", "S", "Z", "M")), max_size=100))
def test_text_without_figures_stays(text: str) -> None:
    """To the letter."""
    assert spoken(text) == text


@pytest.mark.parametrize("unit", ["1", "1,", "1-", "\u00a31 ", "1 m", "1st", "12:30 "])
def test_absurd_numbers_are_bounded(unit: str) -> None:
    """A long number is cut, and time is linear."""
    assert len(spoken("9" * 10_000).split()) == MOST_DIGITS
    texts = [unit * (size // len(unit)) for size in (10_000, 40_000)]
    less, more = (min(_seconds(text) for _ in range(3)) for text in texts)
    assert more < max(0.02, 10 * less)


def _seconds(text: str) -> float:
    """CPU of this thread alone; the collector would count what other tests have left."""
    gc.disable()
    try:
        began = thread_time()
        spoken(text)
        return thread_time() - began
    finally:
        gc.enable()
