"""A second hand's labels, without the text: one JSON object a line with id, opening, and a few words for each turn.

    {"id": "vet-02", "opening": "PLAN", "turns": ["-", "0 none", "ACK NEXT", "-1 worry frustration U T"]}

An agent's turn has its acts, or `-`. A customer's has its label, one or two cores, `U` if urgent, `T` if time-bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from callbus import Role
from tools.labels.hand import ACTS, OPENINGS, AgentTurn, CustomerTurn, LabelError, Labelled, Turn, cores_fault

LABELS = {"-1": -1, "0": 0, "1": 1}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a second hand's file, whose turns cannot be read without knowing who speaks."""

    name: str
    opening: str
    turns: tuple[str, ...]


def line(record: object) -> Line:
    """One line of a file. Raises LabelError."""
    if not isinstance(record, dict) or set(record) != {"id", "opening", "turns"} or not isinstance(record["id"], str):
        raise LabelError(["expected an object with id, opening and turns"])
    if record["opening"] not in OPENINGS:
        raise LabelError([f"opening is not one of {', '.join(OPENINGS)}"])
    if not isinstance(record["turns"], list) or not all(isinstance(said, str) for said in record["turns"]):
        raise LabelError(["turns is not a list of strings"])
    return Line(record["id"], record["opening"], tuple(record["turns"]))


def labelled(given: Line, parties: Sequence[Role]) -> Labelled:
    """The labels that a line gives a dialogue of these parties. Raises LabelError with every fault in it."""
    if len(given.turns) != len(parties):
        raise LabelError([f"{len(given.turns)} turns are labelled; the dialogue has {len(parties)}"])
    faults: list[str] = []
    turns: list[Turn] = []
    for number, (party, said) in enumerate(zip(parties, given.turns, strict=True)):
        try:
            turns.append(_customer(said) if party is Role.CUSTOMER else _agent(said))
        except LabelError as error:
            faults += [f"turn {number}: {fault}" for fault in error.faults]
    if faults:
        raise LabelError(faults)
    return Labelled(given.name, tuple(turns), given.opening)


def _agent(said: str) -> AgentTurn:
    acts = [] if said == "-" else said.split()
    if (not acts and said != "-") or not set(acts) <= set(ACTS) or len(set(acts)) < len(acts):
        raise LabelError([f"an agent's turn: expected - or some of {', '.join(ACTS)}, each at most once"])
    return AgentTurn(frozenset(acts))


def _customer(said: str) -> CustomerTurn:
    label, *rest = said.split() or [""]
    if label not in LABELS:
        raise LabelError(["a customer's turn: expected -1, 0 or 1 first, then a core"])
    cores = tuple(word for word in rest if word not in ("U", "T"))
    if fault := cores_fault(LABELS[label], cores):
        raise LabelError([fault])
    return CustomerTurn(LABELS[label], cores, "U" in rest, "T" in rest)
