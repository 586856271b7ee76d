"""The labelled sets, and whose labels they have."""

from __future__ import annotations

import json
from pathlib import Path

from bench.evaluation import sets
from bench.evaluation.sets import by_hands


def _folder(path: Path) -> Path:
    path.mkdir()
    for group in "ab":
        turns = [
            {"party": "customer", "text": "my bill is wrong", "label": 0},
            {"party": "agent", "text": "let me look", "acts": []},
            {"party": "customer", "text": "it is always wrong", "label": -1},
        ]
        (path / f"{group}.jsonl").write_text(json.dumps({"id": f"{group}-1", "turns": turns}) + "\n")
    return path


def _hand(folder: Path, labels: dict[str, list[str]]) -> Path:
    folder.mkdir()
    lines = [json.dumps({"id": name, "opening": "PLAN", "turns": turns}) for name, turns in labels.items()]
    (folder / "mine.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def test_without_other_hands_the_first_is_the_truth(tmp_path: Path) -> None:
    """There is nobody to compare with, and nothing settled."""
    found = by_hands("mine", _folder(tmp_path / "d"), "mine", {}, second=tmp_path / "s", settled=tmp_path / "t")
    assert found.main == found.first
    assert (found.first.truth, found.second) == ("first hand", None)
    assert [one.labels for one in found.main.dialogues] == [(0, -1)] * 2


def test_settled_labels_are_the_truth_where_there_are_any(tmp_path: Path) -> None:
    """A second hand is compared on what it labelled; what is not settled stays as the first hand has it."""
    found = by_hands(
        "mine",
        _folder(tmp_path / "d"),
        "mine",
        {},
        second=_hand(tmp_path / "s", {"b-1": ["-1 anger", "-", "1 relief"]}),
        settled=_hand(tmp_path / "t", {"a-1": ["0 none", "-", "0 none"]}),
    )
    assert (found.main.truth, found.first.truth) == ("settled", "first hand")
    assert [one.labels for one in found.main.dialogues] == [(0, 0), (0, -1)]
    assert [one.labels for one in found.first.dialogues] == [(0, -1)] * 2
    assert found.second is not None
    assert [(one.name, one.labels) for one in found.second.dialogues] == [("b-1", (-1, 1))]


def test_words_are_confused_as_in_the_whole_set() -> None:
    """A part of a set, and two sets as one, have the same words wrong as each set by itself."""
    calls, hands = sets.tests({}), sets.hands({})
    both = calls.joined(hands, {}).main
    alone = [*calls.main.heard(0.2, 2), *hands.main.heard(0.2, 2)]
    assert both.heard(0.2, 2) == alone
    banter = {one.name for one in hands.main.dialogues if one.group == "banter"}
    assert hands.main.only("banter", banter).heard(0.2, 2) == [one for one in alone if one.name in banter]
    assert both.heard(0.0, 2) == both.dialogues


def test_both_hands_labelled_every_test_dialogue() -> None:
    """The second labels fit the dialogues, all of them, and differ from the first."""
    for found in (sets.tests({}), sets.hands({})):
        assert found.second is not None
        assert [one.name for one in found.second.dialogues] == [one.name for one in found.first.dialogues]
        assert [one.labels for one in found.second.dialogues] != [one.labels for one in found.first.dialogues]
