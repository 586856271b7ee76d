"""Training data: comments, banking requests and the project's dialogues, as examples with soft labels."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.scorers.outputs import (
    ACTS,
    AT_ACTS,
    AT_CORES,
    AT_FEELINGS,
    AT_HOLLOW,
    AT_URGENT,
    AT_WISHES,
    CORES,
    FEELINGS,
    OUTPUTS,
    WISHES,
)
from callbus import Role
from tools.labels.files import dialogues as written_dialogues
from tools.labels.files import of_set, pairs, second_sets, sets
from tools.labels.hand import AgentTurn, CustomerTurn, Labelled
from tools.labels.written import Dialogue

UNKNOWN = math.nan
AGREED_ON = frozenset({"ACK", "NEXT"})
"""Acts that the writers who worked before the rule book drew as it does."""
OPENING_WORDS = 25, 85
"""The wish shows in the turns that reach these words of the customer's; the last is half a minute of speech."""
FIRST_CORE = 0.65
"""Share of the stronger of two cores."""

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
    shares: tuple[float, ...]
    """For each of the OUTPUTS, how much of it the hands saw, 0 to 1; UNKNOWN where none looked, or of the other
    party. FEELINGS, CORES and WISHES each sum to 1."""


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
        feelings = [sum(feeling == name for feeling, _ in meanings) / len(meanings) for name in FEELINGS]
        cores = [known.count(core) / len(known) if known else UNKNOWN for core in CORES]
        yield Example(((Role.CUSTOMER, text),), (_label(0, (AT_FEELINGS, feelings), (AT_CORES, cores)),))


def banking(path: Path) -> Iterator[Example]:
    """Calm requests about cards and payments: neutral, whatever words they contain."""
    label = _label(0, (AT_FEELINGS, [0.0, 1.0, 0.0]), (AT_CORES, [1.0, *[0.0] * 7]))
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            yield Example(((Role.CUSTOMER, row["text"].strip()),), (label,))


def second_hands() -> dict[str, Labelled]:
    """The second hand's labels of the dialogues that may be trained on, by the dialogue's id."""
    named = [one for one in sets() if not one.startswith("tests")]
    known = {dialogue.hand.name: dialogue for one in named for dialogue in of_set(one)}
    seconds = [one for one in second_sets() if not one.startswith("tests")]
    return {second.name: second for one in seconds for _, second in pairs(one, known)}


def dialogues(paths: Iterable[Path], seconds: Mapping[str, Labelled]) -> Iterator[Example]:
    """The project's own dialogues, from JSON-lines files, with the labels of one hand or two."""
    for path in paths:
        for one in written_dialogues(path):
            yield _dialogue(one, seconds.get(one.hand.name))


def _dialogue(dialogue: Dialogue, second: Labelled | None) -> Example:
    hands = [dialogue.hand, *([second] if second else [])]
    openings = [hand.opening for hand in hands if hand.opening]
    wish = [openings.count(name.upper()) / len(openings) if openings else UNKNOWN for name in WISHES]
    labels: list[Label] = []
    words = 0
    for number, (first, text) in enumerate(zip(dialogue.hand.turns, dialogue.texts, strict=True)):
        turns = [hand.turns[number] for hand in hands]
        if isinstance(first, AgentTurn):
            hollow = float(dialogue.hollow[number]) if dialogue.hand.opening else UNKNOWN
            labels.append(_label(number, (AT_ACTS, _acts(hands, turns)), (AT_HOLLOW, [hollow])))
            continue
        customers = [turn for turn in turns if isinstance(turn, CustomerTurn)]
        looked = [turn for hand, turn in zip(hands, customers, strict=True) if hand.opening]
        at = [
            (AT_FEELINGS, [_mean([turn.label == index - 1 for turn in customers]) for index in range(len(FEELINGS))]),
            (AT_CORES, [_mean([_share(turn, core) for turn in customers]) for core in CORES]),
            (AT_URGENT, [_mean([turn.urgent for turn in looked])]),
        ]
        begun, words = words, words + len(text.split())
        if begun < OPENING_WORDS[1] and words >= OPENING_WORDS[0]:
            at.append((AT_WISHES, wish))
        labels.append(_label(number, *at))
    roles = dialogue.hand.parties
    return Example(tuple(zip(roles, dialogue.texts, strict=True)), tuple(labels), dialogue.hand.name, dialogue.industry)


def _acts(hands: Sequence[Labelled], turns: Sequence[object]) -> list[float]:
    """The share of the hands that saw each act, of those who drew it as the rule book does."""
    seen = [(hand, turn) for hand, turn in zip(hands, turns, strict=True) if isinstance(turn, AgentTurn)]
    names = [act.upper().replace("_", "-") for act in ACTS]
    return [_mean([name in turn.acts for hand, turn in seen if hand.opening or name in AGREED_ON]) for name in names]


def _share(turn: CustomerTurn, core: str) -> float:
    if core not in turn.cores:
        return 0.0
    return 1.0 if len(turn.cores) == 1 else FIRST_CORE if core == turn.cores[0] else 1 - FIRST_CORE


def _mean(shares: Sequence[float]) -> float:
    return sum(shares) / len(shares) if shares else UNKNOWN


def _label(turn: int, *at: tuple[slice, Sequence[float]]) -> Label:
    shares = [UNKNOWN] * OUTPUTS
    for where, values in at:
        shares[where] = values
    return Label(turn, tuple(shares))
