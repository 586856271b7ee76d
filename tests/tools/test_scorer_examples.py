"""What the scorer is trained on, without its training."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest

from analysis.scorers.outputs import (
    ACTS,
    AT_ACTS,
    AT_CORES,
    AT_FEELINGS,
    AT_URGENT,
    AT_WISHES,
    CORES,
    OUTPUTS,
)
from analysis.turns.reading import Act
from callbus import Role
from tools.labels.second import labelled, line
from tools.scorer.calibration import PLAIN, best_shift, fitted, probabilities, reliability
from tools.scorer.examples import Example, banking, dialogues, go_emotions, second_hands
from tools.scorer.folds import FURTHER, composed, folds, left_out, without, written
from tools.scorer.speech import Speech, sound
from tools.scorer.variants import variants

TESTS = Path(__file__).parents[1] / "dialogues"


def test_comments_become_feelings(tmp_path: Path) -> None:
    """Emotions of GoEmotions are shares of feelings and of the cores that fit."""
    (tmp_path / "labels.txt").write_text("anger\njoy\nneutral\n")
    (tmp_path / "train.tsv").write_text("So what\t0,2\tid1\nNice\t1\tid2\n")
    angry, glad = go_emotions(tmp_path, "train")
    assert angry.labels[0].shares[AT_FEELINGS] == (0.5, 0.5, 0.0)
    assert dict(zip(CORES, angry.labels[0].shares[AT_CORES], strict=True))["anger"] == 0.5
    assert glad.labels[0].shares[AT_FEELINGS] == (0.0, 0.0, 1.0)
    assert np.isnan(glad.labels[0].shares[AT_CORES]).all()


def test_banking_requests_are_neutral(tmp_path: Path) -> None:
    """Whatever words they hold."""
    path = tmp_path / "train.csv"
    path.write_text('text,category\n"My card is broken, help",card\n')
    (only,) = banking(path)
    assert only.turns == ((Role.CUSTOMER, "My card is broken, help"),)
    assert only.labels[0].shares[AT_FEELINGS] == (0.0, 1.0, 0.0)


CALL = {
    "id": "a",
    "industry": "trains",
    "channel": "phone",
    "turns": [
        {"party": "agent", "text": "Hello, how can I help?", "acts": ["ACK", "SCRIPT"]},
        {"party": "customer", "text": "Still late" + " and late again" * 9, "label": -1, "core": "frustration"},
    ],
}
SECOND = {"id": "a", "opening": "HEARD", "turns": ["SCRIPT VERIFY", "0 worry U"]}


def _example(tmp_path: Path, *, second: bool) -> Example:
    path = tmp_path / "calls.jsonl"
    path.write_text(json.dumps(CALL) + "\n")
    hand = labelled(line(SECOND), (Role.AGENT, Role.CUSTOMER))
    (only,) = dialogues([path], {"a": hand} if second else {})
    return only


def test_one_hand_is_believed_as_far_as_it_looked(tmp_path: Path) -> None:
    """A hand that worked before the rule book says nothing of urgency and wishes, nor of the acts it drew otherwise."""
    only = _example(tmp_path, second=False)
    assert [role for role, _ in only.turns] == [Role.AGENT, Role.CUSTOMER]
    agent, customer = (label.shares for label in only.labels)
    acts = dict(zip(ACTS, agent[AT_ACTS], strict=True))
    assert (acts[Act.ACK], acts[Act.NEXT]) == (1.0, 0.0)
    assert np.isnan([acts[act] for act in ACTS if act not in (Act.ACK, Act.NEXT)]).all()
    assert np.isnan(agent[AT_FEELINGS]).all()
    assert customer[AT_FEELINGS] == (1.0, 0.0, 0.0)
    assert np.isnan((*customer[AT_URGENT], *customer[AT_WISHES], *customer[AT_ACTS])).all()


def test_two_hands_share_a_label(tmp_path: Path) -> None:
    """Where both looked, each has half a say; where only the second did, it has all."""
    agent, customer = (label.shares for label in _example(tmp_path, second=True).labels)
    acts = dict(zip(ACTS, agent[AT_ACTS], strict=True))
    assert (acts[Act.ACK], acts[Act.NEXT], acts[Act.SCRIPT], acts[Act.VERIFY], acts[Act.LIMIT]) == (0.5, 0, 1, 1, 0)
    assert customer[AT_FEELINGS] == (0.5, 0.5, 0.0)
    cores = dict(zip(CORES, customer[AT_CORES], strict=True))
    assert (cores["frustration"], cores["worry"], cores["none"]) == (0.5, 0.5, 0.0)
    assert (customer[AT_URGENT], customer[AT_WISHES]) == ((1.0,), (1.0, 0.0, 0.0))


def test_training_reads_no_test() -> None:
    """Neither hand's labels of a dialogue kept for testing reach the trainer."""
    tests = {name for path in TESTS.rglob("*.jsonl") for name in _ids(path)}
    assert tests
    assert not tests & second_hands().keys()
    assert not tests & {one.name for one in [*written(), *(one for of in composed().values() for one in of)]}


def _ids(path: Path) -> list[str]:
    return [json.loads(text)["id"] for text in path.read_text("utf-8").splitlines()]


def test_no_fold_sees_its_group_or_its_like() -> None:
    """A model judged on a group was trained on no dialogue of it, nor of industries like it."""
    groups, others = composed(), written()
    assert sum(map(len, groups.values())) == 280
    for group, examples in groups.items():
        seen = without(group, groups, others)
        assert not {one.name for one in examples} & {one.name for one in seen}
        assert len(seen) > 400
        hands = tuple(f"{hand}-" for hand in folds()[group]["hands"])
        assert not [one.name for one in seen if one.name.startswith(hands)]
        assert all(len(label.shares) == OUTPUTS for one in left_out(group) for label in one.labels)
    assert sorted(hand for fold in folds().values() for hand in fold["hands"]) == sorted(
        path.stem for folder in (TESTS / "hands", FURTHER) for path in folder.glob("*.jsonl")
    )
    industries = {one.industry for one in without("banking-insurance-utilities", groups, others)}
    assert not {industry for industry in industries if "bank" in industry or "insur" in industry}
    assert "car rental" in industries


def test_speech_errs_at_the_rate_asked() -> None:
    """Words are lost, added or taken for others; nothing happens at a rate of zero."""
    text = "the engineer never came and nobody called me about it at all " * 20
    speech = Speech([text])
    assert speech.misheard(text, random.Random(1), 0.0) == text.strip()
    assert speech.hesitant(text, random.Random(1), 0.0) == text.strip()
    heard = speech.misheard(text, random.Random(1), 0.2).split()
    assert 0.85 < len(heard) / len(text.split()) < 1.1
    assert len(speech.hesitant(text, random.Random(1), 0.1).split()) > len(text.split())


@pytest.mark.parametrize(("one", "other"), [("weight", "wait"), ("bill", "bell"), ("order", "odor")])
def test_sounds_alike(one: str, other: str) -> None:
    """Words that can be taken for one another share a key."""
    assert sound(one)[0] == sound(other)[0]


def test_variants_are_the_same_examples() -> None:
    """Plain once, then as often as asked with errors; labels and speakers stay."""
    example = Example(((Role.AGENT, "Hello, Anna here."), (Role.CUSTOMER, "It is broken again! Why?")), ())
    plain, *heard = variants([example] * 30, 2, seed=1)
    assert plain[0].turns == ((Role.AGENT, "hello anna here"), (Role.CUSTOMER, "it is broken again why ?"))
    assert len(heard) == 2
    assert any(one.turns != plain[0].turns for one in heard[0])
    assert all([role for role, _ in one.turns] == [Role.AGENT, Role.CUSTOMER] for one in heard[1])


@pytest.mark.parametrize(
    ("logits", "true", "found"),
    [
        ((-4.0, -3.0, -2.0, -1.0), (False, False, True, True), 2),
        ((-4.0, -3.0, -2.0, -1.0), (False, False, False, False), 0),
        ((1.0, 2.0, 3.0, 4.0), (False, False, False, True), 1),
        ((2.0, 2.0), (True, True), 2),
        ((4.0, 3.0, 2.0, 1.0), (False, False, True, False), 0),
        ((4.0, 3.0, 2.0, 1.0), (False, True, False, True), 4),
    ],
)
def test_a_label_is_found_where_f1_is_best(logits: tuple[float, ...], true: tuple[bool, ...], found: int) -> None:
    """A shift puts 0 where most turns with a label are told and half of the told have it; else none is told."""
    shifted = np.array(logits) + best_shift(np.array(logits), np.array(true))
    assert (shifted > 0).sum() == found


def test_calibration_undoes_what_distorts() -> None:
    """Logits twice too large and leaning to one side are fitted, and then believed as they should be."""
    dice = np.random.default_rng(1)
    true = dice.normal(size=(4_000, 3)) * 1.5
    shares = probabilities(true, PLAIN)
    labels = np.array([dice.choice(3, p=row) for row in shares])
    told = true * 2 + np.array([1.0, 0.0, 0.0])
    calibration = fitted(told, labels)
    assert 1.8 < calibration.temperature < 2.2
    assert calibration.biases[0] == pytest.approx(-1.0, abs=0.3)
    table, gap = reliability(probabilities(told, calibration)[:, 0], labels == 0)
    assert gap < 0.03
    assert len(table.splitlines()) > 5
