"""What one hand says of a dialogue, and the labels that the rule book knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from callbus import Role

CORES = {
    -1: frozenset({"frustration", "anger", "worry", "dismissed", "disappointment"}),
    0: frozenset({"none", "worry"}),
    1: frozenset({"relief", "gratitude"}),
}
"""The cores that go with each label of a customer's turn."""
FIRST_ACTS = ("ACK", "SPECIFIC", "NEXT", "VERIFY", "SCRIPT")
"""All that the writers of the dialogues without an opening looked for in an agent's turn."""
ACTS = (*FIRST_ACTS, "LIMIT", "ALTERNATIVE", "RESET", "OVER-PROMISE", "DEFENSIVE", "BRUSH-OFF")
OPENINGS = ("HEARD", "PLAN", "UNCLEAR")


class LabelError(ValueError):
    """Labels that cannot be read; one line for each fault, naming the turn."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class CustomerTurn:
    """The labels of a customer's turn."""

    label: int
    """-1 unhappy, 0 neutral, 1 pleased."""
    cores: tuple[str, ...]
    """One or two of the label's CORES, the stronger first."""
    urgent: bool = False
    time_bound: bool = False


@dataclass(frozen=True, slots=True)
class AgentTurn:
    """The labels of an agent's turn."""

    acts: frozenset[str]
    """Some of ACTS, or none."""


Turn = CustomerTurn | AgentTurn


@dataclass(frozen=True, slots=True)
class Labelled:
    """One hand's labels of one dialogue."""

    name: str
    turns: tuple[Turn, ...]
    opening: str | None
    """One of OPENINGS; None where the hand used only FIRST_ACTS and had no openings, urgency or time limits."""

    @property
    def parties(self) -> tuple[Role, ...]:
        """Who speaks, turn by turn."""
        return tuple(Role.CUSTOMER if isinstance(turn, CustomerTurn) else Role.AGENT for turn in self.turns)


def cores_fault(label: int, cores: Sequence[str]) -> str:
    """Why these cores cannot go with a label; empty if they can."""
    if label not in CORES:
        return f"label {label} is not -1, 0 or 1"
    if not 1 <= len(cores) <= 2 or len(set(cores)) < len(cores):
        return "expected one core, or two different ones"
    if wrong := [core for core in cores if core not in CORES[label]]:
        return f"core {wrong[0]!r} does not go with label {label}"
    return ""
