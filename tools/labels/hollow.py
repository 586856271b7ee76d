"""Settled hollow turns, one JSON object a line: `{"id": "vet-02", "hollow": [4, 8]}`, turns numbered from 0."""

from __future__ import annotations

from collections.abc import Mapping

from callbus import Role
from tools.labels.hand import LabelError
from tools.labels.written import Dialogue


def is_hollow(record: object) -> bool:
    """Whether a line is meant to be of this kind."""
    return isinstance(record, dict) and "hollow" in record and "turns" not in record


def hollow(record: object, known: Mapping[str, Dialogue]) -> tuple[str, tuple[int, ...]]:
    """One line: a dialogue's id, and the numbers of its hollow turns in their order. Raises LabelError."""
    if not isinstance(record, dict) or set(record) != {"id", "hollow"} or not isinstance(record["id"], str):
        raise LabelError(["expected an object with id and hollow"])
    name, turns = record["id"], record["hollow"]
    if name not in known:
        raise LabelError([f"no dialogue {name!r}"])
    if not isinstance(turns, list) or not turns or any(type(turn) is not int for turn in turns):
        raise LabelError(["hollow is not a list of turns' numbers"])
    if turns != sorted(set(turns)):
        raise LabelError(["hollow is not in order, or names a turn twice"])
    parties = known[name].hand.parties
    if faults := [
        f"turn {turn} is not an agent's"
        for turn in turns
        if not 0 <= turn < len(parties) or parties[turn] is not Role.AGENT
    ]:
        raise LabelError(faults)
    return name, tuple(turns)
