"""What a classifier's labels say about mood, from the operator's map or, for well-known models, from ours. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

LABELS_TOLD = 40
"""The most labels that an error names."""


class Side(StrEnum):
    """The side that a label's share counts for."""

    UNHAPPY = "unhappy"
    NEUTRAL = "neutral"
    PLEASED = "pleased"


CORES = {
    "frustration": Side.UNHAPPY,
    "anger": Side.UNHAPPY,
    "worry": Side.UNHAPPY,
    "dismissed": Side.UNHAPPY,
    "disappointment": Side.UNHAPPY,
    "relief": Side.PLEASED,
    "gratitude": Side.PLEASED,
}
"""The emotional cores a label may stand for, named as in the shipped scorer."""
CORE_NAMES = {"dismissed": "feeling dismissed"}
"""The name of a core in an alert's term, if it differs."""
MEANINGS = (*Side, *CORES)


class LabelError(ValueError):
    """Labels without a meaning; one line that names the labels found."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """The meaning of one label."""

    side: Side
    name: str
    """Its name in an alert's term: the core, else the model's own label."""


GO_EMOTIONS = {
    "admiration": "pleased",
    "amusement": "neutral",
    "anger": "anger",
    "annoyance": "frustration",
    "approval": "neutral",
    "caring": "neutral",
    "confusion": "neutral",
    "curiosity": "neutral",
    "desire": "neutral",
    "disappointment": "disappointment",
    "disapproval": "unhappy",
    "disgust": "unhappy",
    "embarrassment": "neutral",
    "excitement": "pleased",
    "fear": "worry",
    "gratitude": "gratitude",
    "grief": "unhappy",
    "joy": "pleased",
    "love": "pleased",
    "nervousness": "worry",
    "optimism": "neutral",
    "pride": "neutral",
    "realization": "neutral",
    "relief": "relief",
    "remorse": "neutral",
    "sadness": "unhappy",
    "surprise": "neutral",
    "neutral": "neutral",
}
"""SamLowe/roberta-base-go_emotions-onnx and similar. Calm callers' questions and "okay" are neutral."""
WELL_KNOWN: Sequence[Mapping[str, str]] = (
    GO_EMOTIONS,
    # cardiffnlp/twitter-xlm-roberta-base-sentiment and most with three labels
    {"negative": "unhappy", "neutral": "neutral", "positive": "pleased"},
    # nlptown/bert-base-multilingual-uncased-sentiment
    {"1 star": "unhappy", "2 stars": "unhappy", "3 stars": "neutral", "4 stars": "pleased", "5 stars": "pleased"},
    # the same scale in words
    {
        "very negative": "unhappy",
        "negative": "unhappy",
        "neutral": "neutral",
        "positive": "pleased",
        "very positive": "pleased",
    },
)
"""Matched by their set of labels, ignoring case and order."""


def meanings(labels: Sequence[str], own: Mapping[str, str]) -> tuple[Meaning, ...]:
    """The meaning of each label, in the given order; `own` is the operator's map, empty for the well-known sets.

    Raises LabelError if a label has no meaning or two, or if none is unhappy.
    """
    folded = [label.strip().casefold() for label in labels]
    if len(set(folded)) < len(folded):
        raise LabelError(f"the model has two labels of the same name; it has {_told(labels)}")
    chosen = {label.strip().casefold(): meaning.strip().casefold() for label, meaning in own.items()} or next(
        (dict(known) for known in WELL_KNOWN if set(known) == set(folded)), {}
    )
    if not chosen:
        raise LabelError(f"no built-in map for the labels {_told(labels)}; map each of them to {_choices()}")
    if lacking := [label for label, key in zip(labels, folded, strict=True) if key not in chosen]:
        raise LabelError(f"no meaning given for {_told(lacking)}; the model has {_told(labels)}")
    if foreign := [label for label in own if label.strip().casefold() not in folded]:
        raise LabelError(f"the model has no label {_told(foreign)}; it has {_told(labels)}")
    if unknown := sorted(set(chosen.values()) - set(MEANINGS)):
        raise LabelError(f"{_told(unknown)} is not a known meaning; use {_choices()}")
    found = tuple(_meaning(label, chosen[key]) for label, key in zip(labels, folded, strict=True))
    if all(meaning.side is not Side.UNHAPPY for meaning in found):
        raise LabelError(f"none of the labels {_told(labels)} means unhappy")
    return found


def _meaning(label: str, said: str) -> Meaning:
    if said in CORES:
        return Meaning(CORES[said], CORE_NAMES.get(said, said))
    return Meaning(Side(said), label.strip())


def _choices() -> str:
    return f"{', '.join(MEANINGS[:-1])} or {MEANINGS[-1]}"


def _told(labels: Sequence[str]) -> str:
    named = ", ".join(f"{label!r:.60}" for label in labels[:LABELS_TOLD])
    return f"{named} and {len(labels) - LABELS_TOLD} more" if len(labels) > LABELS_TOLD else named
