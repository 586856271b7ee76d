"""Dialogues as their writers hand them in: the text with the first hand's labels, one JSON object a line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from callbus import Role
from tools.labels.hand import (
    ACTS,
    FIRST_ACTS,
    OPENINGS,
    AgentTurn,
    CustomerTurn,
    LabelError,
    Labelled,
    Turn,
    cores_fault,
)

CHANNELS = ("phone", "chat", "email")
ENGLISH = "en"
LANGUAGE = re.compile(r"[a-z]{2,3}")
"""A language's code in ISO 639-1, or in ISO 639-3 if it has no shorter one."""
MAX_TURNS = 200
MAX_TEXT_CHARACTERS = 8_000


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A call, a chat or an exchange of e-mails, with the labels of whoever wrote it."""

    industry: str
    channel: str
    language: str
    """A code as in LANGUAGE; ENGLISH where the file names none."""
    texts: tuple[str, ...]
    """What is said, turn by turn."""
    hollow: tuple[bool, ...]
    """Turn by turn, whether an agent answers distress with formula or gush instead of help."""
    recovers: bool | None
    """Whether the agent's attempt to win the customer back held; None if there was nothing to win back."""
    hand: Labelled


def dialogue(record: object) -> Dialogue:
    """One line of a file, parsed. Raises LabelError with every fault in it.

    A dialogue with an `opening` is labelled by the whole book; one without, by FIRST_ACTS, label and core alone.
    """
    if not isinstance(record, dict) or not isinstance(record.get("turns"), list):
        raise LabelError(["expected an object with id, industry, channel, opening, style and turns"])
    whole = "opening" in record
    faults = _head_faults(record, whole)
    turns: list[Turn] = []
    for number, turn in enumerate(record["turns"]):
        try:
            turns.append(_turn(turn, whole))
        except LabelError as error:
            faults += [f"turn {number}: {fault}" for fault in error.faults]
    if faults:
        raise LabelError(faults)
    return Dialogue(
        industry=record["industry"],
        channel=record["channel"],
        language=record.get("language", ENGLISH),
        texts=tuple(turn["text"] for turn in record["turns"]),
        hollow=tuple(turn.get("hollow", False) for turn in record["turns"]),
        recovers=record.get("recovers"),
        hand=Labelled(record["id"], tuple(turns), record.get("opening")),
    )


def _head_faults(record: Mapping[str, Any], whole: bool) -> list[str]:
    faults = _unknown(
        record,
        {"id", "industry", "channel", "style", "language", "turns", *(("opening", "recovers") if whole else ())},
    )
    required = ("id", "industry", "channel", *(("style",) if whole else ()))
    faults += [f"{field} is missing or empty" for field in required if not _said(record.get(field))]
    if record.get("channel") not in CHANNELS:
        faults.append(f"channel is not one of {', '.join(CHANNELS)}")
    language = record.get("language", ENGLISH)
    if not isinstance(language, str) or not LANGUAGE.fullmatch(language):
        faults.append("language is not a code of two or three small letters")
    if whole and record["opening"] not in OPENINGS:
        faults.append(f"opening is not one of {', '.join(OPENINGS)}")
    if not isinstance(record.get("recovers", True), bool):
        faults.append("recovers is neither true nor false")
    if not 1 <= len(record["turns"]) <= MAX_TURNS:
        faults.append(f"expected 1 to {MAX_TURNS} turns")
    return faults


def _turn(turn: object, whole: bool) -> Turn:
    if not isinstance(turn, dict):
        raise LabelError(["expected an object with party and text"])
    text = turn.get("text")
    faults = [] if _said(text) and len(str(text)) <= MAX_TEXT_CHARACTERS else ["text is missing, empty or too long"]
    if turn.get("party") == Role.CUSTOMER:
        label, cores = turn.get("label"), [turn[field] for field in ("core", "core2") if field in turn]
        faults += _unknown(
            turn, {"party", "text", "label", "core", *(("core2", "urgent", "time_bound") if whole else ())}
        )
        faults += _only_true(turn, "urgent", "time_bound")
        if type(label) is not int or not all(isinstance(core, str) for core in cores):
            faults.append("label is not a number, or core not a word")
        elif fault := cores_fault(label, cores):
            faults.append(fault)
        found: Turn = CustomerTurn(label or 0, tuple(cores), "urgent" in turn, "time_bound" in turn)
    elif turn.get("party") == Role.AGENT:
        acts, known = turn.get("acts"), ACTS if whole else FIRST_ACTS
        faults += _unknown(turn, {"party", "text", "acts", *(("hollow",) if whole else ())}) + _only_true(
            turn, "hollow"
        )
        if not isinstance(acts, list) or not all(act in known for act in acts) or len(set(acts)) < len(acts):
            faults.append(f"acts is not a list of some of {', '.join(known)}, each at most once")
            acts = []
        if "hollow" in turn and {"SPECIFIC", "NEXT"} & set(acts):
            faults.append("hollow, with SPECIFIC or NEXT: a turn that helps is not hollow")
        found = AgentTurn(frozenset(acts))
    else:
        raise LabelError(["party is neither customer nor agent"])
    if faults:
        raise LabelError(faults)
    return found


def _said(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and value == value.strip()


def _unknown(record: Mapping[str, Any], known: set[str]) -> list[str]:
    return [f"unknown field {field!r}" for field in record if field not in known]


def _only_true(turn: Mapping[str, Any], *fields: str) -> list[str]:
    return [f"{field} is not true: leave it out" for field in fields if turn.get(field, True) is not True]
