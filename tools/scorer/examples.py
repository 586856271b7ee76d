"""Training data: comments, banking requests and the project's dialogues, as examples with soft labels."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from callbus import Role

FEELINGS = ("unhappy", "neutral", "pleased")
CORES = ("none", "frustration", "anger", "worry", "dismissed", "disappointment", "relief", "gratitude")

_GO_EMOTIONS: dict[str, tuple[str, str | None]] = {
    # GoEmotions' name: its meaning on a call, and its core if one fits
    "anger": ("unhappy", "anger"),
    "annoyance": ("unhappy", "frustration"),
    "disappointment": ("unhappy", "disappointment"),
    "disapproval": ("unhappy", "frustration"),
    "disgust": ("unhappy", "anger"),
    "embarrassment": ("unhappy", None),
    "fear": ("unhappy", "worry"),
    "grief": ("unhappy", "disappointment"),
    "nervousness": ("unhappy", "worry"),
    "remorse": ("unhappy", None),
    "sadness": ("unhappy", "disappointment"),
    "admiration": ("pleased", None),
    "amusement": ("pleased", None),
    "approval": ("pleased", None),
    "excitement": ("pleased", None),
    "gratitude": ("pleased", "gratitude"),
    "joy": ("pleased", None),
    "love": ("pleased", None),
    "optimism": ("pleased", None),
    "pride": ("pleased", None),
    "relief": ("pleased", "relief"),
    "caring": ("neutral", None),
    "confusion": ("neutral", None),
    "curiosity": ("neutral", "none"),
    "desire": ("neutral", "none"),
    "realization": ("neutral", "none"),
    "surprise": ("neutral", None),
    "neutral": ("neutral", "none"),
}


@dataclass(frozen=True, slots=True)
class Label:
    """The label of one turn."""

    turn: int
    """Its number within the example."""
    feelings: tuple[float, ...]
    """Share of each of FEELINGS; they sum to 1."""
    cores: tuple[float, ...]
    """Share of each of CORES; they sum to 1, or to 0 if unknown."""


@dataclass(frozen=True, slots=True)
class Example:
    """A call, or a comment as a call with one turn."""

    turns: tuple[tuple[Role, str], ...]
    labels: tuple[Label, ...]
    name: str = ""
    industry: str = ""


def go_emotions(folder: Path, split: str) -> Iterator[Example]:
    """Labelled comments; if annotators named several emotions, each gets its share."""
    names = (folder / "labels.txt").read_text("utf-8").split()
    for line in (folder / f"{split}.tsv").read_text("utf-8").splitlines():
        text, labels, _ = line.split("\t")
        meanings = [_GO_EMOTIONS[names[int(label)]] for label in labels.split(",")]
        known = [core for _, core in meanings if core]
        feelings = tuple(sum(feeling == name for feeling, _ in meanings) / len(meanings) for name in FEELINGS)
        cores = tuple(known.count(core) / len(known) if known else 0.0 for core in CORES)
        yield Example(((Role.CUSTOMER, text),), (Label(0, feelings, cores),))


def banking(path: Path) -> Iterator[Example]:
    """Calm requests about cards and payments: neutral, whatever words they contain."""
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            label = Label(0, (0.0, 1.0, 0.0), (1.0, *(0.0,) * 7))
            yield Example(((Role.CUSTOMER, row["text"].strip()),), (label,))


def dialogues(paths: Iterable[Path]) -> Iterator[Example]:
    """The project's own dialogues, from JSON-lines files."""
    for path in paths:
        for line in path.read_text("utf-8").splitlines():
            if line.strip():
                yield _dialogue(json.loads(line))


def _dialogue(record: dict[str, Any]) -> Example:
    said: list[tuple[Role, str]] = []
    labels: list[Label] = []
    for turn in record["turns"]:
        role = Role(turn["party"])
        if role is Role.CUSTOMER:
            feelings = tuple(float(index == turn["label"] + 1) for index in range(len(FEELINGS)))
            labels.append(Label(len(said), feelings, tuple(float(core == turn["core"]) for core in CORES)))
        said.append((role, turn["text"]))
    return Example(tuple(said), tuple(labels), record["id"], record["industry"])
