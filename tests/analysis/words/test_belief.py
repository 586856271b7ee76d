"""Which words are believed, and which are read again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.words.belief import Belief, Heard, believed, is_in_doubt
from analysis.words.hallucination import Invention, Phrases
from analysis.words.passage import Words
from analysis.words.speech import Speech

SPEECH = Heard(4.0, Speech(3.0, 0.99))
LITTLE = Heard(8.0, Speech(0.1, 0.6))
AFTER = Heard(4.0, Speech(3.0, 0.99), "could you spell that for me please")
CROWD = Heard(8.0, Speech(7.0, 0.9, -32.0, is_crowd=True))
NOT_SAID = Belief(dropped="silence", reason="crowd")
NONE = Phrases.parse([])


def words(text: str, log_probability: float = -0.3, no_speech: float = 0.1) -> Words:
    """As a model reads them, rather certainly."""
    return Words(text, 0.8, no_speech, log_probability)


@pytest.mark.parametrize(
    ("read", "heard", "belief", "doubted"),
    [
        pytest.param(words("my bill is wrong"), SPEECH, Belief("my bill is wrong"), False, id="certain"),
        pytest.param(words("my bill is wrong", -0.8), SPEECH, Belief("my bill is wrong"), True, id="unsure"),
        pytest.param(
            words("my bill is wrong again. And my bill is wrong again."),
            SPEECH,
            Belief("my bill is wrong again. And my bill is wrong again."),
            False,
            id="a short sentence twice is said",
        ),
        pytest.param(
            words("you are fixing it all in house. And you are fixing it all in house."),
            SPEECH,
            Belief("you are fixing it all in house.", reason="part"),
            False,
            id="a long one twice is said once",
        ),
        pytest.param(
            words("Can you spell that for me, please?"),
            AFTER,
            Belief(dropped="hallucination", reason="echo"),
            True,
            id="what was said before, again",
        ),
        pytest.param(words("Certainly."), AFTER, Belief("Certainly."), False, id="what comes after it"),
        pytest.param(
            words("I'm I'm I'm"),
            LITTLE,
            Belief(dropped="hallucination", reason="repetition"),
            True,
            id="stammering where hardly anybody speaks",
        ),
        pytest.param(words("my bill is wrong", -0.6), CROWD, Belief("my bill is wrong"), False, id="a crowd, sure"),
        pytest.param(words("my bill is wrong", -0.9), CROWD, NOT_SAID, False, id="in a crowd, unsure"),
        pytest.param(words("my bill is wrong", -0.6, 0.5), CROWD, NOT_SAID, True, id="in a crowd, with a mark"),
        pytest.param(
            words("the one word in our common word. That the one word in our common word.", -0.2),
            CROWD,
            NOT_SAID,
            True,
            id="in a crowd, a long one said twice",
        ),
        pytest.param(words("What is it? What is it?", -0.2), CROWD, NOT_SAID, True, id="in a crowd, said twice"),
        pytest.param(words("no no no"), SPEECH, Belief("no no no"), False, id="stammering where somebody does"),
        pytest.param(words("my bill", -0.3, 0.7), SPEECH, Belief("my bill"), False, id="a mark, in speech"),
        pytest.param(
            words("my bill", -0.3, 0.7),
            Heard(4.0, Speech(1.0, 0.9)),
            Belief("my bill"),
            True,
            id="a mark, in noise",
        ),
        pytest.param(words("Yes."), LITTLE, Belief("Yes."), True, id="a word where hardly anybody speaks"),
    ],
)
def test_belief(read: Words, heard: Heard, belief: Belief, doubted: bool) -> None:
    """By the words, by what was heard, and by what was said before."""
    found = believed(read, heard, NONE)
    assert found == belief
    assert is_in_doubt(read, found, heard) is doubted


@given(st.text(max_size=300), st.text(max_size=300), st.floats(-3, 0), st.floats(0, 1), st.floats(0, 30))
def test_belief_adds_no_word(text: str, before: str, log_probability: float, no_speech: float, seconds: float) -> None:
    """Any text is taken; what is left of it was in it, and what is dropped has a cause."""
    read = words(text, log_probability, no_speech)
    found = believed(read, Heard(seconds, Speech(seconds / 2, 0.9), before), NONE)
    assert bool(found.text) != bool(found.dropped)
    assert set(found.text.split()) <= set(text.split())
    assert not found.reason or found.reason == "no_speech" or found.reason in set(Invention)


def test_a_mark_does_not_outweigh_seconds_of_speech() -> None:
    """Whisper's no-speech mark is that of the whole passage: where most of an utterance is speech, its words stay."""
    said = words("Please enter your agent number followed by the pound key.", -0.2, 0.67)
    assert believed(said, SPEECH, NONE, whole=True).text == said.text
    assert believed(said, Heard(8.0, Speech(1.0, 0.8)), NONE, whole=True).dropped == "silence"
    assert believed(words(said.text, -1.2, 0.67), SPEECH, NONE, whole=True).dropped == "silence"
