"""Long runs of digits leave no process, written or spoken; short ones stay."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.words.redaction import MARK, redact

UNITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("my card is 4111 1111 1111 1111 and it expires soon", "my card is [digits] and it expires soon"),
        ("it is 4111-1111-1111-1111.", "it is [digits]."),
        ("yes it is four seven two nine", "yes it is four seven two nine"),
        ("four seven two nine one one two", "[digits]"),
        ("Four, seven, two. Nine, one, one, two.", "[digits]."),
        ("it is double four triple seven nine eight thanks", "it is [digits] thanks"),
        ("forty one eleven um ninety nine and oh seven", "[digits]"),
        ("forty-one eleven ninety-nine", "forty-one eleven ninety-nine"),
        ("forty-one eleven ninety-nine zero", "[digits]"),
        ("the number is eight one five and I am sick of it", "the number is eight one five and I am sick of it"),
        ("call +44 20 7946 0958 now", "call [digits] now"),
        ("a charge of twenty pounds on the third of March", "a charge of twenty pounds on the third of March"),
        ("one more time, two more calls, three more days", "one more time, two more calls, three more days"),
        ("oh that is great", "oh that is great"),
        ("٤٧٢٩١١٢٣", "[digits]"),
        ("", ""),
        ("no digits", "no digits"),
    ],
)
def test_table(text: str, clean: str) -> None:
    """What goes and what stays, at seven digits."""
    assert redact(text, 7).text == clean


def test_a_number_read_out_in_pieces_is_one_number() -> None:
    """Digits at the end of an utterance and at the beginning of the leg's next one count together."""
    first = redact("it is four seven two nine", 7)
    second = redact("one one two two and so on", 7, first.open_digits)
    assert first.open_digits == 4
    assert second.text == f"{MARK} and so on"
    assert second.open_digits == 0
    assert redact("thank you one one two two", 7, first.open_digits).text == "thank you one one two two"


def test_zero_keeps_everything() -> None:
    """The setting 0 switches redaction off."""
    assert redact("4111111111111111", 0).text == "4111111111111111"


@given(st.lists(st.integers(0, 9), min_size=7, max_size=30), st.booleans())
def test_every_long_run_goes(digits: list[int], spoken: bool) -> None:
    """Seven digits or more in a row are never left, however they are written."""
    run = " ".join(UNITS[digit] if spoken else str(digit) for digit in digits)
    assert redact(f"my number is {run} please", 7).text == f"my number is {MARK} please"


@given(st.lists(st.integers(0, 9), min_size=1, max_size=6), st.booleans())
def test_every_short_run_stays(digits: list[int], spoken: bool) -> None:
    """Fewer are left as they are."""
    text = "my number is " + " ".join(UNITS[digit] if spoken else str(digit) for digit in digits) + " please"
    assert redact(text, 7).text == text


@given(st.text(max_size=300), st.integers(0, 12), st.integers(0, 12))
def test_any_text_is_taken(text: str, least: int, open_digits: int) -> None:
    """No text raises, and redacting again changes nothing more."""
    clean = redact(text, least, open_digits).text
    assert redact(clean, least).text == redact(redact(clean, least).text, least).text
