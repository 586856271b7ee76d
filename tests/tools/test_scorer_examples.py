"""What the scorer is trained on, without its training."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest

from callbus import Role
from tools.scorer.calibration import PLAIN, fitted, probabilities, reliability
from tools.scorer.examples import CORES, Example, banking, dialogues, go_emotions
from tools.scorer.folds import composed, without, written
from tools.scorer.speech import Speech, sound
from tools.scorer.variants import variants


def test_comments_become_feelings(tmp_path: Path) -> None:
    """Emotions of GoEmotions are shares of feelings and of the cores that fit."""
    (tmp_path / "labels.txt").write_text("anger\njoy\nneutral\n")
    (tmp_path / "train.tsv").write_text("So what\t0,2\tid1\nNice\t1\tid2\n")
    angry, glad = go_emotions(tmp_path, "train")
    assert angry.labels[0].feelings == (0.5, 0.5, 0.0)
    assert dict(zip(CORES, angry.labels[0].cores, strict=True))["anger"] == 0.5
    assert glad.labels[0].feelings == (0.0, 0.0, 1.0)
    assert sum(glad.labels[0].cores) == 0


def test_banking_requests_are_neutral(tmp_path: Path) -> None:
    """Whatever words they hold."""
    path = tmp_path / "train.csv"
    path.write_text('text,category\n"My card is broken, help",card\n')
    (only,) = banking(path)
    assert only.turns == ((Role.CUSTOMER, "My card is broken, help"),)
    assert only.labels[0].feelings == (0.0, 1.0, 0.0)


def test_dialogues_keep_their_turns(tmp_path: Path) -> None:
    """Labels point at the customer's turns."""
    path = tmp_path / "calls.jsonl"
    record = {
        "id": "a",
        "industry": "trains",
        "turns": [
            {"party": "agent", "text": "Hello", "acts": []},
            {"party": "customer", "text": "Still late.", "label": -1, "core": "frustration"},
        ],
    }
    path.write_text(json.dumps(record) + "\n")
    (only,) = dialogues([path])
    assert [role for role, _ in only.turns] == [Role.AGENT, Role.CUSTOMER]
    assert [(label.turn, label.feelings) for label in only.labels] == [(1, (1.0, 0.0, 0.0))]


def test_no_fold_sees_its_group_or_its_like() -> None:
    """A model judged on a group was trained on no dialogue of it, nor of industries like it."""
    groups, others = composed(), written()
    assert sum(map(len, groups.values())) == 280
    for group, examples in groups.items():
        seen = without(group, groups, others)
        assert not {one.name for one in examples} & {one.name for one in seen}
        assert len(seen) > 400
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
    example = Example(((Role.AGENT, "Hello, Anna here."), (Role.CUSTOMER, "It is broken again!")), ())
    plain, *heard = variants([example] * 30, 2, seed=1)
    assert plain[0].turns == ((Role.AGENT, "hello anna here"), (Role.CUSTOMER, "it is broken again"))
    assert len(heard) == 2
    assert any(one.turns != plain[0].turns for one in heard[0])
    assert all([role for role, _ in one.turns] == [Role.AGENT, Role.CUSTOMER] for one in heard[1])


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
