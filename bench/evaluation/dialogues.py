"""Labelled dialogues: read from files, words as they are said, who said them, how the customer felt."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from callbus import Role

MAIA_NEGATIVE = frozenset({"disappointment", "frustration", "anger"})
MAIA_POSITIVE = frozenset({"happiness"})


class DialogueError(ValueError):
    """A file that holds no labelled dialogues, with its line."""


@dataclass(frozen=True, slots=True)
class Line:
    """What one party says until the other takes the floor."""

    role: Role
    utterances: tuple[str, ...]
    label: int | None = None
    """A customer's: -1 unhappy, 0 neutral, 1 pleased."""


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One call or chat."""

    name: str
    group: str
    """What is left out together: a client, a file of like industries."""
    lines: tuple[Line, ...]

    @property
    def labels(self) -> tuple[int, ...]:
        """Of the customer's lines, in order."""
        return tuple(line.label or 0 for line in self.lines if line.role is Role.CUSTOMER)


def read_jsonl(path: Path) -> list[Dialogue]:
    """Dialogues of one file, a JSON object a line; the file's name is their group. Raises DialogueError."""
    found = []
    for number, text in enumerate(path.read_text("utf-8").splitlines(), 1):
        if text.strip():
            try:
                found.append(_dialogue(json.loads(text), path.stem))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise DialogueError(
                    f"{path}:{number}: {error!r}; expected id and turns of party, text, label"
                ) from None
    if not found:
        raise DialogueError(f"{path}: no dialogue in it")
    return found


def read_maia(folder: Path) -> list[Dialogue]:
    """MAIA's chats: the customer's words as translated to English, the agents' as they wrote them."""
    names = (folder / "labels.txt").read_text("utf-8").split()
    found = []
    for path in sorted(folder.glob("*.json")):
        for chat in json.loads(path.read_text("utf-8")):
            lines = [_maia_line(turn, names) for turn in chat["turns"]]
            found.append(Dialogue(chat["id"], path.name.split(".")[0], _merged(lines)))
    return found


def _dialogue(record: dict[str, Any], group: str) -> Dialogue:
    lines = []
    for turn in record["turns"]:
        role = Role(turn["party"])
        label = turn["label"] if role is Role.CUSTOMER else None
        if role is Role.CUSTOMER and label not in (-1, 0, 1):
            raise ValueError(f"label {label!r} is none of -1, 0, 1")
        lines.append(Line(role, (str(turn["text"]),), label))
    return Dialogue(str(record["id"]), group, _merged(lines))


def _maia_line(turn: dict[str, Any], names: Sequence[str]) -> Line:
    if turn["floor"] != "inbound":
        return Line(Role.AGENT, (" ".join(turn["text_src"]),))
    emotions = {names[number] for number in turn["Emotion"] if isinstance(number, int) and 0 <= number < len(names)}
    label = -1 if emotions & MAIA_NEGATIVE else int(bool(emotions & MAIA_POSITIVE))
    return Line(Role.CUSTOMER, (" ".join(turn["text_mt"]),), label)


def _merged(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Lines of one party in a row are one: nobody took the floor. Unhappy anywhere in them is unhappy."""
    merged = []
    for role, group in groupby(lines, key=lambda line: line.role):
        together = list(group)
        labels = [line.label for line in together if line.label is not None]
        label = (min(labels) if min(labels) < 0 else max(labels)) if labels else None
        merged.append(Line(role, tuple(text for line in together for text in line.utterances if text.strip()), label))
    return tuple(replace(line, utterances=line.utterances or ("",)) for line in merged)
