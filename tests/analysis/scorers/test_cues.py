"""What callers say outright."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.scorers.cues import MOST, cues


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("i am really angry now", {"says they are unhappy"}),
        ("i'm not angry with you", set()),
        ("it wasn't terrible", set()),
        ("this is terrible service", {"harsh words"}),
        ("that is the third time i call", {"counts the times"}),
        ("i take it three times a day", set()),
        ("nobody ever told me", {"nobody answers"}),
        ("no problem thanks", set()),
        ("there is an error and a charge i want to cancel", set()),
        ("", set()),
    ],
)
def test_cues(words: str, names: set[str]) -> None:
    """Named where they are said, not where they are denied, and product words are none."""
    assert {term.name for term in cues(words)} == names


def test_each_way_counts_once() -> None:
    """Saying one word again adds nothing; another word does."""
    once, twice = cues("angry"), cues("angry angry angry")
    assert once == twice
    assert cues("angry and upset")[0].value == 2 * once[0].value


@given(st.lists(st.sampled_from(["i am", "angry", "upset", "furious", "terrible", "third time", "nobody told me"])))
def test_cues_are_capped(words: list[str]) -> None:
    """All of them together add no more than the cap."""
    assert sum(term.value for term in cues(" ".join(words))) >= MOST - 1e-9
