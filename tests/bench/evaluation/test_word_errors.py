"""Word errors as a recognizer makes them."""

from __future__ import annotations

from pathlib import Path

from bench.evaluation.dialogues import read_jsonl
from bench.evaluation.word_errors import WordErrors

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
