"""What a site's agents say again and again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.practice.repeated import Repeats

FORMULA = "thank you for calling and how may i help you today"
KEY = b"secret"


def test_what_was_said_on_other_calls_is_repeated() -> None:
    """All of a formula, half of what begins with one, nothing of what is new."""
    repeats = Repeats(KEY)
    repeats.learn(FORMULA, "one", 0)
    assert repeats.share(FORMULA, "two", 1) == 1
    assert repeats.share("Thank you for calling, and how may I help you today?", "two", 1) == 1
    assert 0.3 < repeats.share(f"{FORMULA} mrs odom at the old forge in the rain", "two", 1) < 0.7
    assert repeats.share("your choir stood in the rain for an hour", "two", 1) == 0


def test_a_call_never_counts_against_itself() -> None:
    """However often a turn grows; and the second call that says it counts for the first."""
    repeats = Repeats(KEY)
    for words in (4, 8, 11):
        repeats.learn(" ".join(FORMULA.split()[:words]), "one", 0)
        assert repeats.share(FORMULA, "one", 0) == 0
    repeats.learn(FORMULA, "two", 0)
    assert repeats.share(FORMULA, "one", 0) == repeats.share(FORMULA, "two", 0) == 1


@pytest.mark.parametrize("text", ["", "hello there", "a b c", "?? !! .."])
def test_a_few_words_say_nothing(text: str) -> None:
    """Too short to be told apart from what everybody says."""
    repeats = Repeats(KEY)
    repeats.learn(text, "one", 0)
    assert repeats.share(text, "two", 0) == 0


def test_what_was_said_long_ago_is_forgotten() -> None:
    """Unless it was said again since."""
    repeats = Repeats(KEY, kept_seconds=10)
    repeats.learn(FORMULA, "one", 0)
    assert repeats.share(FORMULA, "two", 10) == 1
    assert repeats.share(FORMULA, "two", 11) == 0
    repeats.learn(FORMULA, "two", 11)
    assert repeats.share(FORMULA, "two", 12) == 0
    assert repeats.share(FORMULA, "three", 12) == 1


def test_it_keeps_no_words() -> None:
    """Only hashes that say nothing without the key."""
    one, other = Repeats(KEY), Repeats(b"another")
    one.learn(FORMULA, "one", 0)
    other.learn(FORMULA, "one", 0)
    assert not one._calls.keys() & other._calls.keys()
    assert all(isinstance(shingle, int) for shingle in one._calls)


@given(st.lists(st.tuples(st.text(max_size=200), st.sampled_from(["one", "two"])), max_size=30))
def test_it_stays_within_its_bound(said: list[tuple[str, str]]) -> None:
    """Whatever is said, the oldest goes, and a share is one."""
    repeats = Repeats(KEY, most=20)
    for now, (text, call) in enumerate(said):
        repeats.learn(text, call, now)
        assert len(repeats) <= 20
        assert 0 <= repeats.share(text, "three", now) <= 1
