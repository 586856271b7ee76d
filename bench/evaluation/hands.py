"""Another hand's labels of dialogues, in the form of tools/labels/second: its label opens each customer's turn."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bench.evaluation.dialogues import Dialogue, DialogueError, merged_label
from callbus import Role

LABELS = {"-1": -1, "0": 0, "1": 1}

Turns = tuple[str, ...]
"""What a hand wrote of each turn of both parties: "-1 worry U", "ACK NEXT"."""


def read_hand(path: Path) -> dict[str, Turns]:
    """A hand's file, by the dialogue's id. Raises DialogueError."""
    found: dict[str, Turns] = {}
    for number, text in enumerate(path.read_text("utf-8").splitlines(), 1):
        if text.strip():
            try:
                record = json.loads(text)
                found[record["id"]] = tuple(str(turn) for turn in record["turns"])
            except (ValueError, KeyError, TypeError) as error:
                raise DialogueError(f"{path}:{number}: {error!r}; expected id and turns") from None
    return found


def relabelled(dialogues: Iterable[Dialogue], by: Mapping[str, Turns]) -> list[Dialogue]:
    """The dialogues as another hand labelled them; one that it did not label is as before. Raises DialogueError."""
    return [_relabelled(one, by[one.name]) if one.name in by else one for one in dialogues]


def _relabelled(dialogue: Dialogue, turns: Sequence[str]) -> Dialogue:
    """The dialogue with a label for each of the customer's lines, from the turns of which it is made."""
    if len(turns) != sum(len(line.utterances) for line in dialogue.lines):
        raise DialogueError(f"{dialogue.name}: another hand labels {len(turns)} turns; it has another number of them")
    lines, at = [], 0
    for line in dialogue.lines:
        said = [turn.split()[:1] for turn in turns[at : at + len(line.utterances)]]
        labels = [LABELS[first[0]] for first in said if first and first[0] in LABELS]
        if len(labels) != (len(said) if line.role is Role.CUSTOMER else 0):
            raise DialogueError(
                f"{dialogue.name}, turns from {at}: expected -1, 0 or 1 in the customer's, and only there"
            )
        lines.append(replace(line, label=merged_label(labels) if labels else None))
        at += len(line.utterances)
    return replace(dialogue, lines=tuple(lines))
