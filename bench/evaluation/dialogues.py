"""Labelled dialogues from files: the words, the speaker, and how the customer felt."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from analysis.languages.lexicon import ENGLISH
from callbus import Role

MAIA_NEGATIVE = frozenset({"disappointment", "frustration", "anger"})
MAIA_POSITIVE = frozenset({"happiness"})


class DialogueError(ValueError):
    """A file without labelled dialogues; names the line."""


@dataclass(frozen=True, slots=True)
class Line:
    """What one party says until the other takes the floor."""

    role: Role
    utterances: tuple[str, ...]
    label: int | None = None
    """For a customer's line: -1 unhappy, 0 neutral, 1 pleased."""


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One call or chat."""

    name: str
    group: str
    """Unit of cross-validation: a client, a file of similar industries."""
    lines: tuple[Line, ...]
    style: str = ""
    """What makes it hard, in its writer's word."""
    language: str = ENGLISH
    """Its code."""

    @property
    def labels(self) -> tuple[int, ...]:
        """Labels of the customer's lines, in order."""
        return tuple(line.label or 0 for line in self.lines if line.role is Role.CUSTOMER)


def read_jsonl(path: Path) -> list[Dialogue]:
    """The dialogues in a file, one JSON object a line; the file's name is their group. Raises DialogueError."""
    found = []
    for number, text in enumerate(path.read_text("utf-8").splitlines(), 1):
        if text.strip():
            try:
                found.append(_dialogue(json.loads(text), path.stem))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise DialogueError(
                    f"{path}:{number}: {error!r}; expected id and turns with party, text, label"
                ) from None
    if not found:
        raise DialogueError(f"{path}: contains no dialogue")
    return found


def read_maia(folder: Path) -> list[Dialogue]:
    """MAIA's chats: the customer's words translated to English, the agents' as written."""
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
            raise ValueError(f"label {label!r} is not -1, 0 or 1")
        lines.append(Line(role, (str(turn["text"]),), label))
    style, language = str(record.get("style", "")), str(record.get("language", ENGLISH))
    return Dialogue(str(record["id"]), group, _merged(lines), style, language)


def _maia_line(turn: dict[str, Any], names: Sequence[str]) -> Line:
    if turn["floor"] != "inbound":
        return Line(Role.AGENT, (" ".join(turn["text_src"]),))
    emotions = {names[number] for number in turn["Emotion"] if isinstance(number, int) and 0 <= number < len(names)}
    label = -1 if emotions & MAIA_NEGATIVE else int(bool(emotions & MAIA_POSITIVE))
    return Line(Role.CUSTOMER, (" ".join(turn["text_mt"]),), label)


def merged_label(labels: Sequence[int]) -> int:
    """The label of turns that are one: unhappy if any of them is, else pleased if any is."""
    return min(labels) if min(labels) < 0 else max(labels)


def _merged(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Consecutive lines of one party become one, as nobody took the floor."""
    merged = []
    for role, group in groupby(lines, key=lambda line: line.role):
        together = list(group)
        labels = [line.label for line in together if line.label is not None]
        texts = tuple(text for line in together for text in line.utterances if text.strip())
        merged.append(Line(role, texts, merged_label(labels) if labels else None))
    return tuple(replace(line, utterances=line.utterances or ("",)) for line in merged)
