"""The training folds: leave out a file of composed dialogues, some hands, and the dialogues of similar industries."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path

from tools.scorer.examples import Example, dialogues, second_hands

HERE = Path(__file__).parent
COMPOSED = HERE / "composed"
WRITTEN = HERE / "dialogues"
HANDS = WRITTEN / "hands"
FURTHER = WRITTEN / "further"
"""Hands of which nothing is kept for testing."""


def composed() -> dict[str, list[Example]]:
    """The composed dialogues by file name; these are the groups."""
    seconds = second_hands()
    return {path.stem: list(dialogues([path], seconds)) for path in sorted(COMPOSED.glob("*.jsonl"))}


def written() -> list[Example]:
    """The dialogues written only for training."""
    paths = [path for folder in (WRITTEN, HANDS, FURTHER) for path in sorted(folder.glob("*.jsonl"))]
    return list(dialogues(paths, second_hands()))


def without(group: str, groups: dict[str, list[Example]], others: Sequence[Example]) -> list[Example]:
    """What a model may see if it is to be judged on a group and on the hands of its fold."""
    fold = folds()[group]
    patterns = [re.compile(pattern) for pattern in fold["industries"]]
    hands = tuple(f"{hand}-" for hand in fold["hands"])
    apart = [
        one
        for one in others
        if not one.name.startswith(hands) and not any(pattern.search(one.industry) for pattern in patterns)
    ]
    return [one for name, examples in groups.items() if name != group for one in examples] + apart


def left_out(group: str) -> list[Example]:
    """The training dialogues that a fold's model is calibrated on: the group, and what is to train on of its hands."""
    hands = folds()[group]["hands"]
    paths = [COMPOSED / f"{group}.jsonl"]
    paths += [path for folder in (HANDS, FURTHER) for path in sorted(folder.glob("*.jsonl")) if path.stem in hands]
    return list(dialogues(paths, second_hands()))


def folds() -> dict[str, dict[str, list[str]]]:
    """By composed group: the `hands` and the patterns of `industries` that its fold leaves out."""
    return tomllib.loads((HERE / "folds.toml").read_text("utf-8"))
