"""Dialogues and their results, small enough to count by hand."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.turns.score import Score
from analysis.turns.turn import Turn
from bench.evaluation.dialogues import Dialogue, Line
from bench.evaluation.judges import Labels, wording_key
from bench.evaluation.playing import Played
from callbus import Role


def dialogue(labels: list[int], name: str = "d", group: str = "g", style: str = "") -> Dialogue:
    """An agent and a customer in turn, six words each."""
    lines = []
    for number, label in enumerate(labels):
        lines.append(Line(Role.AGENT, (f"agent line number {number} goes here",)))
        lines.append(Line(Role.CUSTOMER, (f"customer line number {number} goes here",), label))
    return Dialogue(name, group, tuple(lines), style)


def played(labels: list[int], worsened: tuple[int, ...] = (), recovered: tuple[int, ...] = ()) -> Played:
    """What came of a dialogue of half an hour; its scores are its labels."""
    odds = tuple(float(label) for label in labels)
    return Played("d", "g", tuple(labels), odds, (6,) * len(labels), worsened, (), recovered, 1800.0)


class Asked(Labels):
    """Labels, remembering what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: set[str] = set()
        self.confidences: set[float] = set()

    def score(self, dialogue: Dialogue, line: int, turn: Turn, history: Sequence[Turn]) -> Score:
        """See playing.Judge."""
        self.keys.add(wording_key(turn, history))
        self.confidences.add(turn.confidence)
        return super().score(dialogue, line, turn, history)
