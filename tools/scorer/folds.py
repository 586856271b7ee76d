"""The training folds: leave out a file of composed dialogues, and every training dialogue of similar industries."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path

from tools.scorer.examples import Example, dialogues

HERE = Path(__file__).parent
COMPOSED = HERE / "composed"
WRITTEN = HERE / "dialogues"


def composed() -> dict[str, list[Example]]:
    """The composed dialogues by file name; these are the groups."""
    return {path.stem: list(dialogues([path])) for path in sorted(COMPOSED.glob("*.jsonl"))}


def written() -> list[Example]:
    """The dialogues written only for training."""
    return list(dialogues(sorted(WRITTEN.glob("*.jsonl"))))


def without(group: str, groups: dict[str, list[Example]], others: Sequence[Example]) -> list[Example]:
    """What a model may see if it is to be judged on a group."""
    patterns = [re.compile(pattern) for pattern in _patterns()[group]]
    apart = [one for one in others if not any(pattern.search(one.industry) for pattern in patterns)]
    return [one for name, examples in groups.items() if name != group for one in examples] + apart


def _patterns() -> dict[str, list[str]]:
    return tomllib.loads((HERE / "industries.toml").read_text("utf-8"))
