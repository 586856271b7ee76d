"""Whether nobody spoke in an utterance."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.words.silence import is_little, is_nothing, nobody_spoke
from analysis.words.speech import Speech


@pytest.mark.parametrize(
    ("text", "no_speech", "log_probability", "little", "whole", "silent"),
    [
        pytest.param("", 0.0, 0.0, False, False, True, id="no text"),
        pytest.param(" ... ", 0.0, -0.1, False, False, True, id="no letter"),
        pytest.param("the order", 0.9, -1.2, False, False, True, id="a mark, and unsure"),
        pytest.param("the order", 0.9, -0.2, False, False, False, id="a cut context spoils the mark"),
        pytest.param("the order", 0.9, -0.2, False, True, True, id="the whole context does not"),
        pytest.param("the order", 0.1, -1.4, False, True, False, id="unsure, without a mark"),
        pytest.param("the order", 0.1, -1.6, False, False, True, id="unbelievable"),
        pytest.param("five", 0.1, -0.9, True, True, False, id="a short word, certain"),
        pytest.param("I'm sorry.", 0.5, -1.0, True, True, True, id="little speech, uncertain"),
    ],
)
def test_silence(text: str, no_speech: float, log_probability: float, little: bool, whole: bool, silent: bool) -> None:
    """The less speech there is and the less the model can be believed, the surer it must be of its words."""
    assert nobody_spoke(text, no_speech, log_probability, little, whole) is silent


@pytest.mark.parametrize(
    ("seconds", "length", "little"),
    [(0.2, 0.8, True), (0.3, 0.8, False), (0.5, 10.5, True), (1.2, 10.5, False), (0.0, 0.0, True)],
)
def test_little_speech(seconds: float, length: float, little: bool) -> None:
    """A short word is enough in a short utterance, not in a long one."""
    assert is_little(Speech(seconds, 0.9), length) is little


@pytest.mark.parametrize(
    ("speech", "length", "nothing"),
    [
        pytest.param(Speech(0.0, 0.1), 0.5, True, id="a click"),
        pytest.param(Speech(0.0, 0.4), 0.5, False, id="perhaps a word"),
        pytest.param(Speech(0.0, 0.4), 11.0, True, id="music"),
        pytest.param(Speech(0.1, 0.6), 11.0, False, id="a word in music"),
    ],
)
def test_nothing(speech: Speech, length: float, nothing: bool) -> None:
    """What is no speech for seconds is not read at all."""
    assert is_nothing(speech, length) is nothing


@given(st.text(max_size=500), st.floats(0, 1), st.floats(-20, 0), st.booleans(), st.booleans())
def test_any_text_is_taken(text: str, no_speech: float, log_probability: float, little: bool, whole: bool) -> None:
    """No text raises, and a text without a letter is silence."""
    silent = nobody_spoke(text, no_speech, log_probability, little, whole)
    assert silent or any(letter.isalnum() for letter in text)
