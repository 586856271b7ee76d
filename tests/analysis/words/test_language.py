"""The evidence for a call's language, and the decision."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.words.language import LEAST_SECONDS, MOST_SECONDS, Languages, Spoken

CODES = ("en", "es", "fr", "cy")
ENGLISH, AUTO = Languages("en"), Languages("")

heard_once = st.tuples(
    st.lists(st.floats(0, 1), min_size=len(CODES), max_size=len(CODES)).map(
        lambda found: dict(zip(CODES, found, strict=True))
    ),
    st.floats(0, 40),
)
calls = st.lists(heard_once, max_size=12)
policies = st.builds(Languages, st.sampled_from(["", *CODES]), st.frozensets(st.sampled_from(CODES)))


def sound(code: str, probability: float = 0.9) -> dict[str, float]:
    """An utterance that sounds like one language."""
    return {each: probability if each == code else (1 - probability) / (len(CODES) - 1) for each in CODES}


def after(policy: Languages, *heard: tuple[dict[str, float], float]) -> Spoken:
    """What is known once all this was heard."""
    known = Spoken()
    for probabilities, seconds in heard:
        known = policy.heard(known, probabilities, seconds)
    return known


@given(policies, calls)
def test_a_decision_stands(policy: Languages, heard: list[tuple[dict[str, float], float]]) -> None:
    """It is made once, within the seconds allowed, among the languages considered, and needs no evidence any more."""
    known = Spoken()
    for probabilities, seconds in heard:
        before, known = known, policy.heard(known, probabilities, seconds)
        if before.language:
            assert known == before
        if known.language and not policy.is_fixed:
            assert known.seconds >= LEAST_SECONDS
            assert known.evidence == {}
            assert known.language in (policy.among or CODES) or known.language == policy.expected
        assert known.language or policy.is_fixed or known.seconds < MOST_SECONDS or not known.evidence


@given(policies, calls)
def test_any_evidence_gives_a_language(policy: Languages, heard: list[tuple[dict[str, float], float]]) -> None:
    """Whatever is heard, an utterance can be read in some language, and the evidence stays finite."""
    known = after(policy, *heard)
    assert all(math.isfinite(value) for value in known.evidence.values())
    wanted = policy.wanted(known, 1.0)
    assert (wanted(sound("fr")) if callable(wanted) else wanted) in ("", *CODES)


@given(calls)
def test_the_order_does_not_matter_before_the_decision(heard: list[tuple[dict[str, float], float]]) -> None:
    """Evidence is a sum."""
    one, other = after(AUTO, *heard), after(AUTO, *reversed(heard))
    if not one.language and not other.language:
        assert one.evidence == pytest.approx(other.evidence)


@pytest.mark.parametrize("policy", [ENGLISH, AUTO], ids=["en", "auto"])
@pytest.mark.parametrize("code", CODES)
def test_clear_speech_decides_early(policy: Languages, code: str) -> None:
    """A few seconds of one language are enough, whichever is expected."""
    assert after(policy, (sound(code), 2.0), (sound(code), 2.0)).language == code


def test_short_words_decide_nothing() -> None:
    """A word that sounds like Welsh is read as the expected English."""
    known = after(ENGLISH, (sound("cy", 0.6), 0.4))
    assert known.language == ""
    assert ENGLISH.presumed(known) == "en"


def test_what_stays_unclear_is_what_is_expected() -> None:
    """After the seconds allowed, doubt ends: for the expected language, or without one for the likeliest."""
    doubt = {"en": 0.3, "es": 0.31, "fr": 0.2, "cy": 0.19}
    assert after(ENGLISH, *[(doubt, 3.0)] * 5).language == "en"
    assert after(AUTO, *[(doubt, 3.0)] * 5).language == "es"


def test_before_the_decision_speech_that_is_evidently_foreign_is_read_as_such() -> None:
    """The first sentence already is not read as the English that nobody said."""
    wanted = ENGLISH.wanted(Spoken(), 2.5)
    assert callable(wanted)
    assert wanted(sound("es", 0.97)) == "es"
    assert wanted(sound("en")) == "en"


def test_only_the_listed_languages_are_considered() -> None:
    """A house whose callers speak English or Spanish never hears Welsh."""
    policy = Languages("en", frozenset({"en", "es"}))
    assert after(policy, *[(sound("cy"), 4.0)] * 4).language == "en"
    assert after(policy, *[(sound("es"), 4.0)] * 4).language == "es"


@pytest.mark.parametrize("policy", [Languages("es", frozenset({"es"})), Languages("es", detects=False)])
def test_nothing_is_detected_where_there_is_no_choice(policy: Languages) -> None:
    """With one language listed, or a model that cannot tell, all is read in the expected one."""
    assert policy.wanted(Spoken(), 2.0) == "es"
    assert after(policy, *[(sound("fr"), 4.0)] * 4) == Spoken()


@pytest.mark.parametrize(
    ("judged", "language", "expected"),
    [({"en"}, "en", True), ({"en"}, "es", False), ({"*"}, "es", True), ({"en"}, "", True), ({"en", "es"}, "es", True)],
)
def test_what_is_judged(judged: set[str], language: str, expected: bool) -> None:
    """What the scorer names, all with a star, and what is not known yet."""
    assert Languages(judged=frozenset(judged)).is_judged(language) is expected
