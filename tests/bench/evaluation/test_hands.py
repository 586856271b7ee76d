"""Another hand's labels put on dialogues."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.evaluation.dialogues import Dialogue, DialogueError, Line
from bench.evaluation.hands import read_hand, relabelled
from callbus import Role

CALL = Dialogue(
    "d",
    "g",
    (
        Line(Role.AGENT, ("hello",)),
        Line(Role.CUSTOMER, ("my bill is wrong", "again"), 0),
        Line(Role.AGENT, ("sorry", "let me look")),
        Line(Role.CUSTOMER, ("thank you",), 1),
    ),
)


def test_lines_are_labelled_by_the_turns_that_they_are_made_of() -> None:
    """One unhappy turn makes the line unhappy; agents' lines have no label, and other dialogues stay."""
    other = Dialogue("e", "g", CALL.lines)
    turns = {"d": ("SCRIPT", "0 none", "-1 anger worry U T", "-", "ACK NEXT", "0 none")}
    mine, yours = relabelled([CALL, other], turns)
    assert mine.labels == (-1, 0)
    assert [line.label for line in mine.lines] == [None, -1, None, 0]
    assert yours is other


@pytest.mark.parametrize(
    "turns",
    [
        ("-", "0 none", "0 none", "-", "-"),
        ("-", "0 none", "ACK", "-", "-", "0 none"),
        ("-", "0 none", "0 none", "1 relief", "-", "0 none"),
        ("-", "0 none", "2 none", "-", "-", "0 none"),
        ("-", "0 none", "", "-", "-", "0 none"),
    ],
)
def test_labels_of_other_turns_are_refused(turns: tuple[str, ...]) -> None:
    """Too few turns, or a label on the wrong party's, name the dialogue."""
    with pytest.raises(DialogueError, match=r"^d\b"):
        relabelled([CALL], {"d": turns})


@pytest.mark.parametrize("text", ["nonsense", "[]", "3", '{"id": "d"}', '{"id": [], "turns": []}'])
def test_a_file_without_labels_is_told(tmp_path: Path, text: str) -> None:
    """Anything else names the file and its line."""
    path = tmp_path / "second.jsonl"
    path.write_text(f'{{"id": "d", "turns": ["-"]}}\n\n{text}\n')
    with pytest.raises(DialogueError, match=r"second\.jsonl:3"):
        read_hand(path)
