"""The test dialogues are well-formed, as many as they claim to be, and kept apart from what is trained on."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tools.labels.hand import CORES, FIRST_ACTS

FOLDER = Path(__file__).parent / "dialogues"
TRAINING = Path(__file__).parents[1] / "tools" / "scorer"


def read(folder: Path, pattern: str = "*.jsonl") -> list[dict[str, Any]]:
    """Every call of a folder's JSON lines, in the order of file names; `**/*.jsonl`: of the folders within it too."""
    return [json.loads(line) for path in sorted(folder.glob(pattern)) for line in path.read_text("utf-8").splitlines()]


def labels(call: dict[str, Any]) -> list[int]:
    """The labels of a call's customer turns, in order."""
    return [turn["label"] for turn in call["turns"] if turn["party"] == "customer"]


def sentences(calls: list[dict[str, Any]]) -> set[str]:
    """Customers' sentences of five words or more, without case and punctuation."""
    found = set()
    for call in calls:
        for turn in call["turns"]:
            if turn["party"] == "customer":
                for sentence in re.split(r"[.!?…]+", turn["text"].lower().replace("\u2019", "'")):
                    words = re.findall(r"[^\W_]+(?:'[^\W_]+)*", sentence)
                    if len(words) >= 5:
                        found.add(" ".join(words))
    return found


@pytest.fixture(scope="module")
def calls() -> list[dict[str, Any]]:
    """All test dialogues."""
    return read(FOLDER)


def test_every_call_has_the_documented_fields(calls: list[dict[str, Any]]) -> None:
    """A call has an id, an industry, a style, the phone as its channel, and 8 to 16 turns."""
    for call in calls:
        assert set(call) == {"id", "industry", "channel", "style", "turns"}, call.get("id")
        assert call["channel"] == "phone", call["id"]
        assert all(call[field].strip() for field in ("id", "industry", "style"))
        assert 8 <= len(call["turns"]) <= 16, call["id"]


def test_every_turn_is_valid(calls: list[dict[str, Any]]) -> None:
    """A turn is an agent's with known acts or a customer's whose core goes with its label."""
    for call in calls:
        for turn in call["turns"]:
            if turn["party"] == "agent":
                assert set(turn) == {"party", "text", "acts"}, call["id"]
                assert set(turn["acts"]) <= set(FIRST_ACTS), call["id"]
            else:
                assert set(turn) == {"party", "text", "label", "core"}, call["id"]
                assert turn["party"] == "customer", call["id"]
                assert turn["core"] in CORES[turn["label"]], (call["id"], turn)


def test_text_is_what_a_telephone_carries(calls: list[dict[str, Any]]) -> None:
    """A turn's text has words and no digit, bracket or stage direction."""
    for call in calls:
        for turn in call["turns"]:
            assert re.search(r"[^\W\d_]", turn["text"]), call["id"]
            assert not re.search(r"[\d()\[\]{}<>*_#@]", turn["text"]), (call["id"], turn["text"])
            assert turn["text"] == turn["text"].strip(), call["id"]


def test_no_id_occurs_twice() -> None:
    """An id names one dialogue among all of the tests and of the training, in any folder."""
    names = Counter(one["id"] for folder in (FOLDER, TRAINING) for one in read(folder, "**/*.jsonl"))
    assert [name for name, times in names.items() if times > 1] == []


def test_there_are_enough_calls_and_enough_calm_ones(calls: list[dict[str, Any]]) -> None:
    """At least 60 calls, of which at least 35 % hold no unhappy turn."""
    assert len(calls) >= 60
    assert sum(min(labels(call)) >= 0 for call in calls) / len(calls) >= 0.35


def test_the_readme_counts_what_is_there(calls: list[dict[str, Any]]) -> None:
    """The README's tables give each style's calls and calm calls, at least four a style, and each file's calls."""
    readme = (FOLDER / "README.md").read_text("utf-8")
    told = {
        style: (int(total), int(calm))
        for style, total, calm in re.findall(r"^\| `([\w-]+)` \| (\d+) \| (\d+) \|", readme, re.M)
    }
    totals = Counter(call["style"] for call in calls)
    calm = Counter(call["style"] for call in calls if min(labels(call)) >= 0)
    assert told == {style: (total, calm[style]) for style, total in totals.items()}
    assert min(totals.values()) >= 4

    files = {name: int(count) for name, count in re.findall(r"^\| `([\w-]+\.jsonl)` \| (\d+) \|", readme, re.M)}
    assert files == {path.name: len(path.read_text("utf-8").splitlines()) for path in FOLDER.glob("*.jsonl")}


def test_no_sentence_is_trained_on() -> None:
    """No customer sentence of five words or more is in a test dialogue of any folder and in a training dialogue too."""
    tests, training = read(FOLDER, "**/*.jsonl"), read(TRAINING, "**/*.jsonl")
    assert len(tests) > len(read(FOLDER))
    assert len(training) > len(read(TRAINING / "dialogues")) > 0
    assert sentences(tests) & sentences(training) == set()
