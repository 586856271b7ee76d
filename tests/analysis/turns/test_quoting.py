"""Whose words a customer's turn holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.turns.quoting import own_words


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("This is ridiculous.", "This is ridiculous."),
        ("My husband says it's a disgrace. I don't mind.", "My I don't mind."),
        ('She wrote "you are useless, see you in court" and left.', ""),
        (
            "\u201cWorst firm ever\u201d, that's what the review says. Can you remove it?",
            ", that's what the review says. Can you remove it?",
        ),
        ("The letter says I'll be hearing from your lawyers.", "The"),
        ("> your service is a joke\nThanks, that is sorted.", "Thanks, that is sorted."),
        ("I quote, this is unacceptable.", ""),
        ("You're useless, only joking, you've been great.", ""),
        ("Ha ha, terrible, isn't it?", ""),
        ("I said I am angry.", "I said I am angry."),
        ("You told me he would come. Nobody came.", "You told me he would come. Nobody came."),
    ],
)
def test_own_words(text: str, own: str) -> None:
    """Quotations, reported speech and jests are not the caller's; what they say of themselves and of us is."""
    assert own_words(text) == own


@given(st.text(max_size=300))
def test_no_word_is_added(text: str) -> None:
    """Whatever is cut out, the letters that are left stood in the text, in this order."""
    letters = iter(text.replace("\u2019", "'"))
    assert all(letter in letters for letter in own_words(text) if not letter.isspace())
