"""Labelled dialogues as they are read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.evaluation.dialogues import DialogueError, read_jsonl, read_maia

TESTS = Path(__file__).parents[2] / "dialogues"


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", "nonsense", '{"id": "a", "turns": [{"party": "customer", "text": "x", "label": 5}]}'],
)
def test_a_file_without_dialogues_is_told(tmp_path: Path, text: str) -> None:
    """Anything else than labelled dialogues names the file and its line."""
    path = tmp_path / "own.jsonl"
    path.write_text(text)
    with pytest.raises(DialogueError, match=r"own\.jsonl"):
        read_jsonl(path)


def test_a_dialogue_keeps_its_style(tmp_path: Path) -> None:
    """The writer's word for what makes it hard; without one it is empty."""
    turn = '"turns": [{"party": "customer", "text": "x", "label": 0}]'
    path = tmp_path / "own.jsonl"
    path.write_text(f'{{"id": "a", "style": "grief", {turn}}}\n{{"id": "b", {turn}}}\n')
    assert [one.style for one in read_jsonl(path)] == ["grief", ""]
    assert all(one.style for one in read_jsonl(TESTS / "hands" / "brisk.jsonl"))


def test_maia_is_read_by_its_emotions(tmp_path: Path) -> None:
    """A customer's turn is unhappy where any sentence is; unknown emotions count for nothing."""
    (tmp_path / "labels.txt").write_text("neutral\nhappiness\nanger\n")
    turns = [
        {"floor": "outbound", "text_src": ["How may I", "help?"], "text_mt": ["Wie"], "Emotion": [0]},
        {"floor": "inbound", "text_src": ["Kaputt.", "Danke."], "text_mt": ["Broken.", "Thanks."], "Emotion": [2, 1]},
        {"floor": "inbound", "text_src": ["Gut."], "text_mt": ["Good."], "Emotion": [1, 99, None]},
    ]
    (tmp_path / "de_client_02_a.json").write_text(json.dumps([{"id": "c1", "turns": turns}]))
    (chat,) = read_maia(tmp_path)
    assert chat.group == "de_client_02_a"
    assert chat.labels == (-1,)
    assert chat.lines[0].utterances == ("How may I help?",)
    assert chat.lines[1].utterances == ("Broken. Thanks.", "Good.")
