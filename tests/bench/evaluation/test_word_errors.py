"""Word errors as a recognizer makes them."""

from __future__ import annotations

from pathlib import Path

from bench.evaluation.dialogues import Dialogue, Line, read_jsonl
from bench.evaluation.word_errors import WordErrors
from callbus import Role

TESTS = Path(__file__).parents[2] / "dialogues"


def test_word_errors_come_at_the_rate_asked() -> None:
    """About one word in five differs, the same way each time, and labels stay."""
    calls = read_jsonl(TESTS / "small-businesses.jsonl")
    errors = WordErrors(calls)
    said = heard = 0
    for call in calls:
        wrong = errors.corrupt(call, 0.2, seed=3)
        assert wrong == errors.corrupt(call, 0.2, seed=3)
        assert wrong.labels == call.labels
        for before, after in zip(call.lines, wrong.lines, strict=True):
            words = before.utterances[0].split()
            said += len(words)
            heard += sum(word in after.utterances[0].split() for word in words)
    assert 0.75 < heard / said < 0.92
    assert errors.corrupt(calls[0], 0.0, seed=3) == calls[0]


def test_a_word_is_heard_as_a_similar_one() -> None:
    """The likest of the set's words by their pairs of letters; the only word of a set is heard as itself."""
    words = "fright bright sight light night knight banana"
    call = Dialogue("d", "g", (Line(Role.CUSTOMER, (words,), 0),))
    heard = {
        after
        for seed in range(50)
        for after in WordErrors([call]).corrupt(call, 1.0, seed).lines[0].utterances[0].split()[:1]
    }
    assert heard <= {*words.split()} - {"banana"}
    alone = Dialogue("d", "g", (Line(Role.CUSTOMER, ("yes",), 0),))
    assert set(WordErrors([alone]).corrupt(alone, 1.0, 1).lines[0].utterances[0].split()) <= {"yes"}
