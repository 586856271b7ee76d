"""Clauses and quotes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.practice.clauses import CLAUSE_WORDS, clauses, quote
from callbus.messages.practice import QUOTE_CHARACTERS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello. It's late!", [("Hello.", False), ("It's late!", False)]),
        ("Does that help? Good.", [("Does that help?", True), ("Good.", False)]),
        (
            "Which one: this; or that? Yes: this.",
            [(each, True) for each in ("Which one:", "this;", "or that?")]
            + [
                ("Yes:", False),
                ("this.", False),
            ],
        ),
        ("Mr. Odom waits at 9.30 today", [("Mr. Odom waits at 9.30 today", False)]),
        ("... -- ?", []),
        ("", []),
    ],
)
def test_a_turn_falls_into_clauses(text: str, expected: list[tuple[str, bool]]) -> None:
    """At full stops and their like, not at titles and figures; what has no word is none."""
    assert [(clause.text, clause.is_question) for clause in clauses(text, {"mr."})] == expected


def test_a_long_clause_shows_its_cut() -> None:
    """An ellipsis where words without punctuation go on, and none at the end of a turn."""
    words = " ".join(["word"] * CLAUSE_WORDS)
    assert [clause.text for clause in clauses(f"{words} {words}")] == [f"{words}\u2026", words]
    assert [clause.text for clause in clauses(words)] == [words]


def test_words_are_bare() -> None:
    """Lower case, straight apostrophes, no punctuation around them."""
    (clause,) = clauses("\u201cI\u2019LL ring, (promise)\u201d")
    assert clause.words == ("i'll", "ring", "promise")


@given(st.text(max_size=3_000))
def test_any_text_has_clauses_and_a_quote_within_bounds(text: str) -> None:
    """None is longer than its words allow, and a quote fits into its message and onto the wire."""
    assert all(0 < len(clause.words) <= CLAUSE_WORDS for clause in clauses(text))
    cut = quote(text)
    assert len(cut) <= QUOTE_CHARACTERS
    assert cut.encode() is not None


def test_a_long_quote_is_cut_between_words() -> None:
    """With an ellipsis in place of the rest."""
    cut = quote("word " * 100)
    assert cut.endswith("word\u2026")
    assert len(cut) > QUOTE_CHARACTERS - 10
