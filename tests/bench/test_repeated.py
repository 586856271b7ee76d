"""Repeated text on chats in MAIA's format."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.practice.repeated import repeated

FORMULA = "Thank you so much for waiting, I appreciate your patience today."
OWN = "Your choir of forty stood under the bridge while it rained on the old forge."


def chat(number: int, *said: tuple[str, list[int]]) -> dict[str, object]:
    """A customer's message before each of an agent's, of sentences with and without flags."""
    turns: list[dict[str, object]] = []
    for text, flags in said:
        turns.append({"floor": "inbound", "text_src": ["na gut"], "Templated": [0]})
        turns.append({"floor": "outbound", "text_src": [text], "Templated": flags})
    return {"id": f"chat-{number}", "turns": turns}


def test_what_other_chats_have_counts_from_the_second_chat_on(tmp_path: Path) -> None:
    """The first chat's formula cannot be known; a turn that nobody has judged is learnt and not counted."""
    chats = [chat(1, (FORMULA, [1]), (OWN, [0])), chat(2, (FORMULA, [1])), chat(3, (FORMULA, [1]), (FORMULA, []))]
    (tmp_path / "a.json").write_text(json.dumps(chats))
    found = repeated(tmp_path)
    assert (found.signal, found.places) == ("repeated", 3)
    assert found.precision.value == 1.0
    assert found.recall.value == pytest.approx(2 / 3)


def test_formulas_are_told_apart_from_own_words(tmp_path: Path) -> None:
    """An area of 1 if each formula has more of other chats than any other turn, whatever else is in it."""
    said = [(FORMULA, [1]), (f"{FORMULA} {OWN}", [1]), (f"{OWN} {FORMULA[:24]}", [0]), (OWN, [0])]
    (tmp_path / "a.json").write_text(json.dumps([chat(1, (FORMULA, [])), chat(2, *said)]))
    assert repeated(tmp_path).auc == 1.0
