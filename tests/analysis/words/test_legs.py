"""What is kept of each leg's latest speech."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.words.legs import FAR_DB, MOST_LETTERS, Legs, Loudness
from analysis.words.speech import Speech
from callbus import Role, Utterance

RATE_HZ = 8_000
LOUD = Speech(6.0, 1.0, -20.0)


def utterance(start: float, seconds: float = 2.0, **changed: object) -> Utterance:
    """One of a customer's leg, at this time of the call."""
    pcm = bytes(round(2 * RATE_HZ * seconds))
    told = Utterance("a", "1", Role.CUSTOMER, 0, start, start + seconds, 1_000.0, RATE_HZ, pcm)
    return replace(told, **changed)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("then", "kept"),
    [
        pytest.param(utterance(2.5), True, id="after a short pause"),
        pytest.param(utterance(1.8), True, id="the pause is in both"),
        pytest.param(utterance(3.6), False, id="after a long pause"),
        pytest.param(utterance(0.5), False, id="at the same time"),
        pytest.param(utterance(2.5, 13.0), False, id="before a long one"),
        pytest.param(utterance(2.5, leg_id="2"), False, id="of another leg"),
        pytest.param(utterance(2.5, call_id="b"), False, id="of another call"),
        pytest.param(utterance(2.5, recording_id="r"), False, id="of another recording"),
        pytest.param(utterance(2.5, sample_rate_hz=16_000), False, id="at another rate"),
    ],
)
def test_an_utterance_is_read_with_what_its_leg_has_just_said(then: Utterance, kept: bool) -> None:
    """And with nothing else."""
    legs = Legs()
    legs.said(utterance(0.0), LOUD, "hello")
    earlier = legs.before(then)
    assert (earlier is not None) is kept
    assert earlier is None or (earlier.text, earlier.seconds) == ("hello", 2.0)


@pytest.mark.parametrize(
    ("said", "text"),
    [
        pytest.param(utterance(0.0, 9.0), "hello", id="a long one"),
        pytest.param(utterance(0.0), "x" * (MOST_LETTERS + 1), id="more words than can be said"),
    ],
)
def test_what_is_too_long_is_no_context(said: Utterance, text: str) -> None:
    """Nor is what was said before it."""
    legs = Legs()
    legs.said(utterance(-2.0), LOUD, "before")
    legs.said(said, LOUD, text)
    assert legs.before(utterance(said.end_seconds)) is None


def test_a_cough_in_between_changes_nothing() -> None:
    """An utterance without words leaves what was said before it."""
    legs = Legs()
    legs.said(utterance(0.0), LOUD, "hello")
    legs.said(utterance(2.2, 0.3), LOUD, "")
    assert legs.before(utterance(3.0)) is not None


def test_audio_in_memory_is_bounded() -> None:
    """Those heard longest ago are forgotten."""
    legs = Legs(most_bytes=len(utterance(0.0).pcm) * 3)
    for number in range(5):
        legs.said(utterance(0.0, call_id=str(number)), LOUD, "hello")
    kept = [legs.before(utterance(2.0, call_id=str(number))) is not None for number in range(5)]
    assert kept == [False, False, True, True, True]


def test_legs_are_bounded() -> None:
    """So is what is known of loudness."""
    legs = Legs(most_legs=2)
    for number in range(3):
        legs.said(utterance(0.0, call_id=str(number)), LOUD, "hello")
    assert [legs.loudness(utterance(0.0, call_id=str(number))).seconds for number in range(3)] == [0.0, 6.0, 6.0]


def test_what_is_far_quieter_than_the_party_is_somebody_elses() -> None:
    """Once the party is known; before that, nothing is."""
    legs = Legs()
    echo = Speech(2.0, 0.9, -46.0)
    assert not legs.loudness(utterance(0.0)).is_far(echo)
    legs.said(utterance(0.0), LOUD, "hello")
    assert legs.loudness(utterance(3.0)).is_far(echo)
    assert not legs.loudness(utterance(3.0)).is_far(Speech(2.0, 0.9, -30.0))
    assert not legs.loudness(utterance(3.0, leg_id="2")).is_far(echo)


def test_a_party_who_has_put_the_telephone_down_is_heard_again() -> None:
    """After a while of quieter speech that is their own loudness."""
    legs = Legs()
    legs.said(utterance(0.0), LOUD, "hello")
    quiet = Speech(2.0, 0.9, LOUD.loudness_db - FAR_DB - 4)
    heard = 0.0
    while legs.loudness(utterance(3.0)).is_far(quiet):
        legs.far(utterance(3.0), quiet)
        heard += quiet.seconds
    assert 6 < heard < 12


def test_a_party_who_has_shouted_first_is_not_lost() -> None:
    """With each utterance that is believed, half of the difference goes."""
    loudness = Loudness(-10.0, 10.0)
    quieter = Speech(3.0, 1.0, -28.0)
    for _ in range(3):
        assert not loudness.is_far(quieter)
        loudness = loudness.after(quieter, is_believed=True)
    assert loudness.db < -25


@given(st.lists(st.tuples(st.floats(0, 30), st.floats(-100, 0)), max_size=50))
def test_the_loudness_stays_within_what_was_heard(heard: list[tuple[float, float]]) -> None:
    """Whatever comes, it is as loud as the loudest at most, and never quieter than the last."""
    loudness = Loudness()
    for seconds, db in heard:
        loudness = loudness.after(Speech(seconds, 1.0, db), is_believed=True)
        assert loudness.db >= db
    assert loudness.db <= max((db for _, db in heard), default=-100.0)
