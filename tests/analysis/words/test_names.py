"""Names put right by their sound."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from analysis.settings import AnalysisSection
from analysis.words.names import PROMPT_CHARACTERS, Glossary, Names
from analysis.words.redaction import redact

NAMES = Names(["Sitilli", "Platinum Motors", "Veltrano", "Kessenbrock", "Solvanta Plus", "Szymborski", "Quillarney"])
SOUNDING = ("city", "Lee", "Beltrano", "Platnum", "Motor's", "Kess", "and", "Brock", "Savanta", "plus", "Shimborsky")
NUMBERS = ("one", "seven", "oh", "4929", "1234", "0017", "double", "eight", "dash", "zwei", "sept", "plus", "and")
ORDINARY = ("the", "is", "I", "called", "yesterday", ",", ".", "city", "motor", "still", "Mr")
TEXTS = st.lists(st.sampled_from([*SOUNDING, *NUMBERS, *ORDINARY]), max_size=16).map(" ".join)


@pytest.mark.parametrize(
    ("read", "right"),
    [
        ("My name is city Lee, I called.", "My name is Sitilli, I called."),
        ("The Beltrano leaks.", "The Veltrano leaks."),
        ("Thanks for calling Platnum Motor's today", "Thanks for calling Platinum Motors today"),
        ("Ask Shimborsky's wife.", "Ask Szymborski's wife."),
        ("From Killarney and Kassen-Brock", "From Quillarney and Kessenbrock"),
        ("my salvanta plus plan", "my Solvanta Plus plan"),
        ("I bought it from platinum motors.", "I bought it from platinum motors."),
        ("The city, Lee said, is silly.", "The city, Lee said, is silly."),
        ("It is silly, and still I wait for the city to call.", "It is silly, and still I wait for the city to call."),
        ("The platinum card and the motor", "The platinum card and the motor"),
        ("[digits] Beltrano 123", "[digits] Veltrano 123"),
        ("", ""),
    ],
)
def test_words_that_sound_like_a_name_become_it(read: str, right: str) -> None:
    """One word or several; everyday words, words apart and names rightly read stay."""
    assert NAMES.put_right(read) == right


@given(TEXTS)
def test_putting_right_is_done_at_once(text: str) -> None:
    """A second time changes nothing."""
    right = NAMES.put_right(text)
    assert NAMES.put_right(right) == right


@given(st.text(max_size=80))
def test_without_names_every_text_stays(text: str) -> None:
    """No names, names too short to tell and names with figures leave each character where it is."""
    assert Names([]).put_right(text) == text
    assert Names(["Al", "Model 3", "&"]).put_right(text) == text


@given(st.lists(st.sampled_from([*NUMBERS, *ORDINARY, "[digits]"]), max_size=16).map(" ".join))
def test_a_text_without_a_near_name_stays(text: str) -> None:
    """Everyday words, numbers and the mark of redaction are no name, in whatever order they come."""
    assert NAMES.put_right(text) == text


@given(TEXTS, st.integers(1, 10))
def test_redaction_finds_what_it_would_have_found(text: str, least: int) -> None:
    """Names come before redaction, and every number is still there for it, and is redacted as before."""
    before, after = redact(text, least), redact(NAMES.put_right(text), least)
    assert after.text == NAMES.put_right(before.text)
    assert after.open_digits == before.open_digits


@given(st.lists(st.sampled_from(["seven", "eight", "nine", "four two"]), min_size=1, max_size=4).map(" ".join))
def test_a_name_that_sounds_like_a_number_takes_none(text: str) -> None:
    """Number words are never taken for names."""
    assert Names(["Sevenne Ayt", "Severn Eight", "Ninette", "Fortuna"]).put_right(text) == text


def test_a_queue_has_the_general_names_and_its_own() -> None:
    """Those of another queue, or of one that is not listed, do not count."""
    glossary = Glossary(["Sitilli"], {"Billing": ["Veltrano"], "sales": ["Kessenbrock"]})
    assert (
        glossary.of("billing").put_right("city Lee's beltrano and kassenbrock") == "Sitilli's Veltrano and kassenbrock"
    )
    assert glossary.of("").listed == glossary.of("repairs").listed == ("Sitilli",)


@given(st.lists(st.text(min_size=1, max_size=60), max_size=100))
def test_a_prompt_is_bounded(names: list[str]) -> None:
    """It begins with the first names, whole."""
    prompt = Names(names).prompt
    assert len(prompt) <= PROMPT_CHARACTERS
    assert ", ".join(dict.fromkeys(names)).startswith(prompt)


@pytest.mark.parametrize(
    "settings",
    [
        {"names": ["x" * 61]},
        {"names": ["Two  spaces"]},
        {"names": ["a\nb"]},
        {"names": [""]},
        {"names": ["Sitilli"] * 101},
        {"names_by_queue": {"two words": ["Sitilli"]}},
        {"names_by_queue": {str(number): [] for number in range(101)}},
    ],
)
def test_the_lists_are_bounded(settings: dict[str, Any]) -> None:
    """Names are short, plain and at most a hundred; so are the queues."""
    with pytest.raises(ValidationError):
        AnalysisSection(**settings)


@pytest.mark.parametrize("name", ["\u0915\u092e\u0932\u0928\u093e\u0925", "\u0130stanbul", " ".join("abcdefghi")])
def test_names_that_cannot_be_looked_for_are_refused(name: str) -> None:
    """Of scripts with combining marks, and of more words than names have."""
    with pytest.raises(ValueError, match="names"):
        AnalysisSection(names=(name,))


def test_queues_are_told_apart_whatever_their_case() -> None:
    """Two entries that differ in case are one queue's."""
    glossary = Glossary((), {"Billing": ("Sitilli",), "billing": ("Veltrano",)})
    assert glossary.of("BILLING").listed == ("Sitilli", "Veltrano")
