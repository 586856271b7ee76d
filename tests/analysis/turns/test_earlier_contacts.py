"""Customers who say that they have been in touch before."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.turns.earlier_contacts import MOST_CHARACTERS, told


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("This is the third time I'm calling about this.", 3),
        ("It's the 4th time I have called you!", 4),
        ("Second time of ringing now.", 2),
        ("This must be my fifth call this week.", 5),
        ("I've phoned three times and nobody knows anything.", 4),
        ("We have already called twice.", 3),
        ("I've had to ring you five times for one refund.", 6),
        ("I called in several times.", 3),
        ("Every time I ring I'm told something else.", 3),
        ("I called yesterday about my router.", 2),
        ("I rang on Tuesday, and they said Thursday.", 2),
        ("I emailed you two weeks ago.", 2),
        ("I spoke to someone in billing last week.", 2),
        ("Is it you I spoke to this morning?", 2),
        ("Last time I called I was promised a refund.", 2),
        ("I'm calling again about the same parcel.", 2),
        ("Your colleague told me to ring back today.", 2),
        ("I was promised a call back and nobody rang back.", 2),
        ("You said it would be done. I called about it on the tenth.", 2),
    ],
)
def test_what_they_say_is_counted(text: str, number: int) -> None:
    """The number is that of this contact: whoever has called twice is calling for the third time."""
    found = told(text)
    assert found is not None
    assert found.number == number


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Hello, I'm calling about my bill.",
        "I've never called you before.",
        "I haven't called about this before, it's the first time.",
        "This is the third time it's broken.",
        "It's the second time this month that the train is late.",
        "I paid twice, and I was charged three times.",
        "I called my bank and they said to call you.",
        "I spoke to my husband yesterday and he agrees.",
        "I tried that before I called.",
        "If I called yesterday it would have been cheaper.",
        "I'm glad I rang.",
        "My brother called yesterday.",
        "They've told me to ring you.",
        "I'll call again tomorrow.",
        "Do I need to ring back?",
        "Your man called on Monday.",
        "She's called Anna, and I've told her twice.",
        "That's ridiculous, every single time!",
    ],
)
def test_what_is_no_contact_of_theirs_is_none(text: str) -> None:
    """Calls of others, to others or still to come, and times of something else."""
    assert told(text) is None


def test_the_strongest_sentence_is_kept() -> None:
    """As it was said, and cut to a bound."""
    found = told("I called yesterday. This is the third time I'm calling! Can you help?")
    assert found is not None
    assert (found.number, found.words) == (3, "This is the third time I'm calling!")
    long = told(f"I called yesterday about {'my very old and noisy boiler and ' * 20}")
    assert long is not None
    assert len(long.words) == MOST_CHARACTERS


@given(st.text(max_size=3_000))
def test_any_text_is_read(text: str) -> None:
    """Transcripts are hostile: what is kept is bounded."""
    found = told(text)
    assert found is None or (2 <= found.number <= 11 and len(found.words) <= MOST_CHARACTERS)
