"""Words that nobody said, by the guard that stops them; words that people say pass."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.words.hallucination import SHIPPED_PHRASES, Invention, Phrases, invented
from analysis.words.silence import nobody_spoke

PHRASES = Phrases.read(SHIPPED_PHRASES)
SURE, DOUBTFUL = (0.01, -0.2), (0.4, -0.5)


@pytest.mark.parametrize(
    ("text", "seconds", "reason"),
    [
        ("Thanks for watching!", 2.0, Invention.PHRASE),
        ("thank you for watching", 2.0, Invention.PHRASE),
        ("Thanks for watching my bill so closely.", 3.0, None),
        ("Thank you.", 1.0, None),
        ("no no no no", 2.0, None),
        ("no no no no no no no no", 3.0, Invention.REPETITION),
        ("I said the bill the bill is wrong", 3.0, None),
        ("the bill is the bill is the bill is the bill is", 4.0, Invention.REPETITION),
        ("it was late " * 3, 5.0, None),
        ("I am going to the shop to buy some milk and bread", 0.4, Invention.RATE),
        ("That is wrong, and this is the third time I am calling about it.", 4.0, None),
        ("abababababababababababababababababababababababababababababab", 10.0, Invention.COMPRESSION),
        ("four seven two nine one one two two", 4.0, None),
    ],
)
def test_table(text: str, seconds: float, reason: Invention | None) -> None:
    """Which guard speaks when the model is sure of itself."""
    assert invented(text, seconds, *SURE, PHRASES) == reason


@pytest.mark.parametrize("text", ["Thank you.", "you", "Bye-bye!", "I'm sorry."])
def test_what_callers_say_too_is_invented_only_in_doubt(text: str) -> None:
    """Phrases marked with a question mark fall only where the model doubts."""
    assert invented(text, 1.0, *SURE, PHRASES) is None
    assert invented(text, 1.0, *DOUBTFUL, PHRASES) == Invention.PHRASE


@pytest.mark.parametrize(
    ("text", "no_speech", "log_probability", "silent"),
    [
        ("", 0.0, 0.0, True),
        (" ... ", 0.0, -0.1, True),
        ("the order", 0.9, -1.5, True),
        ("the order", 0.9, -0.2, False),
        ("the order", 0.1, -1.5, False),
    ],
)
def test_silence(text: str, no_speech: float, log_probability: float, silent: bool) -> None:
    """No-speech is believed only where the model is unsure of its words."""
    assert nobody_spoke(text, no_speech, log_probability) is silent


def test_phrase_files_have_comments() -> None:
    """Comments and empty lines are no phrases."""
    phrases = Phrases.parse(["# a list", "", "so it goes  # often", "? well"])
    assert phrases == Phrases(frozenset({"so it goes"}), frozenset({"well"}))


@given(st.text(max_size=500), st.floats(0, 60), st.floats(0, 1), st.floats(-20, 0))
def test_any_text_is_taken(text: str, seconds: float, no_speech: float, log_probability: float) -> None:
    """No text raises."""
    invented(text, seconds, no_speech, log_probability, PHRASES)
    nobody_spoke(text, no_speech, log_probability)
