"""Patterns from files: what they may have, and that none that is taken is slow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.languages.patterns import PatternError, compiled
from tests.pumping import MOST_GROWTH, growth, texts

TAKEN = [
    r"a|b",
    r"a joke",
    r"(?:nobody|no one) (?:\w+ )?(?:came|called)",
    r"(?: \w+){0,6}",
    r"(?: (?!(?:not|never)\b)[\w']+){0,6}? (?:sue|court)",
    r"(?<!not )angry(?! about)",
    r"\d+ times",
    r"e-?mail",
    r"hart[oa]s?",
]
REFUSED = [
    ("", "is empty"),
    *((text, "an empty alternative") for text in ("|a", "a|", "a||b", "\n|a")),
    ("a{", "has a '{'"),
    ("(a)", "begins with neither"),
    ("(?P<a>b)", "begins with neither"),
    ("(?:a", "without its )"),
    ("a)", "without its ("),
    (".*", "has a '.'"),
    ("[^a]+", "has a set"),
    ("[a", "has a set"),
    ("[z-a]", "is no pattern"),
    ("a+", "has a + after"),
    (r"(?:\w+)+", "has a + after"),
    (r"\s+", r"has \s"),
    ("\\", "has \\"),
    (r"\w+\w+", "two runs"),
    (r"(?:\w+)?x?\w+", "two runs"),
    (r"(?:\w+ |\w+)(?:[a-z]+)?", "two runs"),
    (r"(?:(?: \w+){0,3}){0,3}", "run together"),
    (r"(?:\w+){0,3}", "run together"),
    (r"a{0,9}", "more than 8 times"),
    (r"a{2,}", "more than 8 times"),
    (r"a{3,2}", "more than 8 times"),
    (r"a(?: \w+){0,8} b(?: \w+){0,8} c(?: \w+){0,8} d(?: \w+){0,8}", "too many repetitions"),
    ("(?:" * 30 + "a" + ")" * 30, "groups in each other"),
    ("{will} sue", "not among the parts"),
    ("a" * 30_000, "longer than"),
    (r"(?<!\w+)a", "is no pattern"),
]


@pytest.mark.parametrize("pattern", TAKEN)
def test_what_a_file_needs_is_taken(pattern: str) -> None:
    """And its time grows with the text alone."""
    found = compiled(pattern, {})
    for text in texts(found):
        assert growth(lambda said: sum(1 for _ in found.finditer(said)), text) <= MOST_GROWTH, text(24)


@pytest.mark.parametrize(("pattern", "cause"), REFUSED)
def test_what_may_be_slow_or_is_none_is_refused(pattern: str, cause: str) -> None:
    """In one line that says why."""
    with pytest.raises(PatternError) as refused:
        compiled(pattern, {})
    assert cause in str(refused.value)
    assert "\n" not in str(refused.value)


def test_lines_are_joined_and_parts_put_in() -> None:
    """Accents go, as they do in what is searched."""
    found = compiled("{will} ir\n| ir\u00e1", {"will": "voy a\n|vamos a"})
    assert found.search("pues vamos a ir")
    assert found.search("el ira") is not None
    assert not found.search("vamos")


SIGNS = st.sampled_from(["a", " ", r"\w", r"\w+", "[ab]+", "(?:", ")", "|", "?", "{0,3}", "+", r"\b", "(?!", " b"])


@given(st.lists(SIGNS, max_size=12).map("".join))
def test_any_pattern_is_taken_or_refused(pattern: str) -> None:
    """What is taken finds or does not find in a long text without delay; nothing else is raised."""
    try:
        found = compiled(pattern, {})
    except PatternError:
        return
    for said in ("a" * 2_000, "a " * 1_000, "ab b " * 400):
        sum(1 for _ in found.finditer(said))
