"""Which judge is measured on which set."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analysis.scorers.shipped import FEELING_RULES
from bench.evaluation.judges import HeldOut
from bench.evaluation.plan import plan
from bench.evaluation.playing import play
from bench.evaluation.sets import COMPOSED, ROOT, hands
from tests.bench.evaluation.made import Asked

NOWHERE = Path("/nonexistent")
HELD_OUT = ROOT / "tools" / "scorer" / "heldout.json"


@pytest.fixture(scope="module")
def planned() -> list[tuple[str, str, list[str]]]:
    """The lines without MAIA, as names."""
    return [
        (labelled.name, labelled.truth, [each.name for each in judges])
        for labelled, judges in plan(HeldOut(HELD_OUT), None, None, NOWHERE).lines
    ]


def test_callvane_is_tried_on_composed_dialogues_by_models_that_never_saw_them(
    planned: list[tuple[str, str, list[str]]],
) -> None:
    """Elsewhere the shipped scorer is tried; the controls stand beside both."""
    controls = ["VADER", "length only", "labels"]
    assert planned[0] == ("composed", "first hand", ["Callvane, group left out", *controls])
    names = [name for name, _, judges in planned if judges[0] == "Callvane" and judges[1:4] == controls]
    assert names == ["tests", "hands", "tests + hands"]


def test_a_second_person_stands_beside_callvane(planned: list[tuple[str, str, list[str]]]) -> None:
    """Each hand's labels go through the detector and are held against the other's, set by set."""
    for name in ("tests", "hands", "tests + hands"):
        assert any(each[:2] == (name, "first hand") and each[2][-1] == "second hand" for each in planned)
        assert (name, "second hand", ["first hand"]) in planned


def test_spanish_is_judged_by_its_lists(planned: list[tuple[str, str, list[str]]]) -> None:
    """The network, and the English controls, are not asked."""
    assert ("spanish", "first hand", ["Callvane's lists", "length only", "labels"]) in planned


def test_in_calls_callvane_has_its_own_rules() -> None:
    """The thresholds of the shipped scorer are not tuned for any set."""
    for labelled, judges in plan(HeldOut(HELD_OUT), None, None, NOWHERE).lines[1:]:
        for judged in judges:
            if judged.name == "Callvane":
                assert {id(judged.rules(group)) for group in labelled.groups} == {id(FEELING_RULES)}


def test_hands_are_held_out_where_their_words_are_known(tmp_path: Path) -> None:
    """With scores of the hands' turns there is a judge that never heard the hand, for all and for each."""
    first = hands({}).main.dialogues[0]
    stored = json.loads(HELD_OUT.read_text())
    asked = Asked()
    play(first, asked, FEELING_RULES, 1.0)
    stored["groups"] += ["banter"]
    stored["scores"] += [[key, 0.0, 1.0] for key in asked.keys]
    path = tmp_path / "heldout.json"
    path.write_text(json.dumps(stored))
    lines = plan(HeldOut(path), None, None, NOWHERE).lines
    named = [labelled.name for labelled, judges in lines if any(one.name.endswith("hand left out") for one in judges)]
    assert named == ["hands", "banter", "brisk", "care", "steps", "terse", "written"]
    assert {one.group for one in lines[0][0].dialogues} == {path.stem for path in COMPOSED.glob("*.jsonl")}


def test_ones_own_dialogues_take_the_place_of_all_but_the_composed(tmp_path: Path) -> None:
    """They have no targets, and the same judges."""
    own = tmp_path / "mine.jsonl"
    own.write_text('{"id": "1", "turns": [{"party": "customer", "text": "x", "label": 0}]}\n')
    (_, (labelled, judges)) = plan(HeldOut(HELD_OUT), None, own, NOWHERE).lines
    assert (labelled.name, labelled.targets) == ("mine.jsonl", {})
    assert [each.name for each in judges] == ["Callvane", "VADER", "length only", "labels"]
