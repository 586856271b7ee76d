"""What a site's agents say again and again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.practice.repeated import LEAST_WORDS, MOST_CALLS, Elsewhere, Repeats
from analysis.turns.turn import Turn
from callbus import Role
from tests.analysis.practice.speaking import turn

FORMULA = "thank you for calling and how may i help you today"
KEY = b"secret"
BEFORE = (turn(0, Role.CUSTOMER, "My choir stood in the rain."),)
SAID = turn(1, Role.AGENT, f"It rains a lot there. {FORMULA.capitalize()}.")


def share(repeats: Repeats, text: str, call: str, now: float) -> float:
    """How much of it other calls have."""
    return repeats.elsewhere(text, call, now).share


def test_a_turn_shows_what_other_calls_have() -> None:
    """How much of it, the clause that has most of it, and how many calls; and is learnt for the calls after it."""
    repeats = Repeats(KEY)
    assert repeats.heard(SAID, BEFORE, "one", 0) is None
    assert repeats.heard(SAID, BEFORE, "one", 1) is None
    (sign,) = filter(None, [repeats.heard(replace(SAID, text=f"I see, Mrs Odom. {FORMULA}"), BEFORE, "two", 2)])
    assert 0.5 < sign.probability < 1
    assert (sign.quote, sign.rule) == (FORMULA, "repeated: said in 1 other call")
    sign = repeats.heard(SAID, BEFORE, "three", 3) or sign
    assert (sign.quote, sign.rule) == (f"{FORMULA.capitalize()}.", "repeated: said in 2 other calls")


@pytest.mark.parametrize(
    ("said", "history"),
    [
        (SAID, ()),
        (SAID, (turn(0, Role.AGENT, "One moment please."),)),
        (replace(SAID, text=" ".join(FORMULA.split()[: LEAST_WORDS - 1])), BEFORE),
    ],
    ids=["a greeting", "an agent who goes on with it", "a few words"],
)
def test_what_is_repeated_by_nature_does_not_count(said: Turn, history: tuple[Turn, ...]) -> None:
    """Nor is it learnt."""
    repeats = Repeats(KEY)
    for call in ("one", "two", "three"):
        assert repeats.heard(said, history, call, 0) is None
    assert not len(repeats)


def test_many_calls_are_many() -> None:
    """No more of them are told apart than are kept."""
    repeats = Repeats(KEY)
    for number in range(3 * MOST_CALLS):
        assert repeats.elsewhere(FORMULA, "new", 0) == Elsewhere(float(number > 0), min(number, MOST_CALLS))
        repeats.learn(FORMULA, f"call {number}", 0)
    sign = repeats.heard(SAID, BEFORE, "new", 0)
    assert sign
    assert sign.rule == f"repeated: said in {MOST_CALLS} or more other calls"


def test_a_turn_of_which_others_have_little_shows_nothing() -> None:
    """Four words in a row happen."""
    repeats = Repeats(KEY)
    repeats.learn("thank you for calling", "one", 0)
    assert repeats.heard(SAID, BEFORE, "two", 0) is None


def test_what_was_said_on_other_calls_is_repeated() -> None:
    """All of a formula, half of what begins with one, nothing of what is new."""
    repeats = Repeats(KEY)
    repeats.learn(FORMULA, "one", 0)
    assert share(repeats, FORMULA, "two", 1) == 1
    assert share(repeats, "Thank you for calling, and how may I help you today?", "two", 1) == 1
    assert 0.3 < share(repeats, f"{FORMULA} mrs odom at the old forge in the rain", "two", 1) < 0.7
    assert share(repeats, "your choir stood in the rain for an hour", "two", 1) == 0


def test_a_call_never_counts_against_itself() -> None:
    """However often a turn grows; and the second call that says it counts for the first."""
    repeats = Repeats(KEY)
    for words in (4, 8, 11):
        repeats.learn(" ".join(FORMULA.split()[:words]), "one", 0)
        assert share(repeats, FORMULA, "one", 0) == 0
    repeats.learn(FORMULA, "two", 0)
    assert share(repeats, FORMULA, "one", 0) == share(repeats, FORMULA, "two", 0) == 1


@pytest.mark.parametrize("text", ["", "hello there", "a b c", "?? !! .."])
def test_a_few_words_say_nothing(text: str) -> None:
    """Too short to be told apart from what everybody says."""
    repeats = Repeats(KEY)
    repeats.learn(text, "one", 0)
    assert share(repeats, text, "two", 0) == 0


def test_what_was_said_long_ago_is_forgotten() -> None:
    """Unless it was said again since."""
    repeats = Repeats(KEY, kept_seconds=10)
    repeats.learn(FORMULA, "one", 0)
    assert share(repeats, FORMULA, "two", 10) == 1
    assert share(repeats, FORMULA, "two", 11) == 0
    repeats.learn(FORMULA, "two", 11)
    assert share(repeats, FORMULA, "two", 12) == 0
    assert share(repeats, FORMULA, "three", 12) == 1


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
        assert 0 <= share(repeats, text, "three", now) <= 1
