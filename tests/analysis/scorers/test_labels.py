"""What labels mean: well-known sets, the operator's map, and what is wrong with one."""

from __future__ import annotations

import random

import pytest

from analysis.scorers.labels import GO_EMOTIONS, WELL_KNOWN, LabelError, Meaning, Side, meanings

SENTIMENT = ("negative", "neutral", "positive")


@pytest.mark.parametrize("known", WELL_KNOWN, ids=[str(len(known)) for known in WELL_KNOWN])
def test_well_known_sets_are_found(known: dict[str, str]) -> None:
    """By their labels alone, in whatever order and case; each has all three sides."""
    labels = [label.upper() for label in known]
    random.Random(1).shuffle(labels)
    found = meanings(labels, {})
    assert {meaning.side for meaning in found} == set(Side)
    assert [meanings(list(known), {})[list(known).index(label.lower())].side for label in labels] == [
        meaning.side for meaning in found
    ]


def test_emotions_are_named_by_their_cores() -> None:
    """A label that stands for a core is told by the core's name, else by its own."""
    found = dict(zip(GO_EMOTIONS, meanings(list(GO_EMOTIONS), {}), strict=True))
    assert len(found) == 28
    assert found["annoyance"] == Meaning(Side.UNHAPPY, "frustration")
    assert found["fear"] == Meaning(Side.UNHAPPY, "worry")
    assert found["disapproval"] == Meaning(Side.UNHAPPY, "disapproval")
    assert found["confusion"].side is Side.NEUTRAL


def test_the_operators_map_goes_first() -> None:
    """It holds even where the labels are well known, and may name cores."""
    own = {"NEG": "dismissed", "neutral": "neutral", "pos": "relief"}
    assert meanings(("neg", "Neutral", "pos"), own) == (
        Meaning(Side.UNHAPPY, "feeling dismissed"),
        Meaning(Side.NEUTRAL, "Neutral"),
        Meaning(Side.PLEASED, "relief"),
    )
    turned = meanings(SENTIMENT, {"negative": "neutral", "neutral": "unhappy", "positive": "pleased"})
    assert [meaning.side for meaning in turned] == [Side.NEUTRAL, Side.UNHAPPY, Side.PLEASED]


@pytest.mark.parametrize(
    ("labels", "own", "said"),
    [
        (("LABEL_0", "LABEL_1"), {}, "no built-in map for the labels 'LABEL_0', 'LABEL_1'; map each"),
        (SENTIMENT, {"negative": "unhappy", "positive": "pleased"}, "no meaning given for 'neutral'; the model has"),
        (
            SENTIMENT,
            dict.fromkeys((*SENTIMENT, "angry"), "unhappy"),
            "the model has no label 'angry'; it has",
        ),
        (SENTIMENT, dict.fromkeys(SENTIMENT, "sad"), "'sad' is not a known meaning; use unhappy, neutral, pleased,"),
        (SENTIMENT, dict.fromkeys(SENTIMENT, "neutral"), "means unhappy"),
        (("a", "A "), {"a": "unhappy"}, "two labels of the same name"),
        ([f"LABEL_{number}" for number in range(900)], {}, "'LABEL_39' and 860 more"),
        (("x" * 500, "y"), {}, f"'{'x' * 59}, 'y'"),
    ],
)
def test_a_wrong_map_is_refused_with_the_labels_found(labels: list[str], own: dict[str, str], said: str) -> None:
    """Lacking, foreign, meaningless and endless labels are told in one bounded line."""
    with pytest.raises(LabelError) as fault:
        meanings(labels, own)
    assert said in str(fault.value)
    assert len(str(fault.value)) < 1_000
    assert "\n" not in str(fault.value)
