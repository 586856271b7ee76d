"""How a reader treats enum values it does not know, written by a newer Callvane. Pure, works on decoded fields.

A value that names one of several cases is read as the closest one that keeps the message whole. A condition with an
unknown kind or unit is left out of its list, and so is a finding of an unknown kind. Only text is tolerated: any other
type is malformed.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from callbus.messages.alert import ShiftKind, Tier
from callbus.messages.call import Channel, Mood, Phase
from callbus.messages.conditions import ConditionKind, Unit
from callbus.messages.debrief import Question, Verdict
from callbus.messages.leg import Role
from callbus.messages.practice import Act, Core, FindingKind, Landed, Register, Side, Wish

Fields = dict[str, Any]


def tolerated(name: str, fields: Fields) -> Fields | None:
    """The fields of a message of type `name`, with each unknown value replaced by a known one.

    None if nothing of the message would be left: it reports a condition of unknown kind or unit.
    """
    if name == "call_event" and is_unnamed(fields.get("condition")):
        return None
    reading = _READINGS.get(name)
    return reading(fields) if reading else fields


def _opened(fields: Fields) -> Fields:
    return each(of_channel(fields), "legs", of_party)


def _written(fields: Fields) -> Fields:
    return of_party(of_channel(fields))


def of_channel(fields: Fields) -> Fields:
    """Fields with a channel: one that is not known is no phone, since that has always been known."""
    return known_or(fields, "channel", Channel, Channel.CHAT)


def of_party(fields: Fields) -> Fields:
    """Fields with a party's role."""
    return known_or(fields, "role", Role, Role.UNKNOWN)


def _event(fields: Fields) -> Fields:
    return inner(fields, "condition", of_party)


def _alert(fields: Fields) -> Fields:
    kind = ShiftKind.WORSENED if _less(fields.get("level"), fields.get("baseline")) else ShiftKind.RECOVERED
    fields = known_or(fields, "kind", ShiftKind, kind)
    fields = known_or(
        fields, "mood", Mood, Mood.WORSENED if fields.get("kind") == ShiftKind.WORSENED else Mood.RECOVERED
    )
    fields = known_or(fields, "tier", Tier, Tier.INTERRUPTION)
    for quotes in ("before", "after"):
        fields = each(fields, quotes, of_party)
    return each(fields, "legs", of_party)


def _state(fields: Fields) -> Fields:
    fields = known_or(fields, "phase", Phase, Phase.ACTIVE if fields.get("closed_at") is None else Phase.ENDED)
    fields = of_channel(known_or(fields, "mood", Mood, Mood.CALM))
    if isinstance(health := fields.get("health"), list):
        fields = {**fields, "health": [condition for condition in health if not is_unnamed(condition)]}
    fields = inner(fields, "practice", _practice)
    return each(each(fields, "health", of_party), "legs", of_party)


def _practice(fields: Fields) -> Fields:
    fields = inner(inner(fields, "intake", _intake), "answer", _answer)
    return _findings(fields, "findings")


def _intake(fields: Fields) -> Fields:
    if isinstance(cores := fields.get("cores"), list):
        fields = {**fields, "cores": [core for core in cores if not is_new(core, Core)]}
    fields = known_or(fields, "wish", Wish, Wish.UNCLEAR)
    return known_or(fields, "register", Register, Register.PLAIN)


def _answer(fields: Fields) -> Fields:
    return known_or(_known_of(fields, "acts", "act", Act), "landed", Landed, Landed.NOT_SEEN)


def _findings(fields: Fields, name: str) -> Fields:
    return each(_known_of(fields, name, "kind", FindingKind), name, lambda one: known_or(one, "side", Side, Side.NOTE))


def _debrief(fields: Fields) -> Fields:
    fields = _known_of(inner(fields, "intake", _intake), "turning_points", "kind", ShiftKind)
    fields = _known_of(fields, "replies", "question", Question)
    fields = each(fields, "replies", lambda one: known_or(one, "verdict", Verdict, Verdict.NOT_SEEN))
    for side in ("strengths", "gaps", "notes"):
        fields = _findings(fields, side)
    return each(fields, "answers", _answer)


_READINGS: dict[str, Callable[[Fields], Fields]] = {
    "call_opened": _opened,
    "utterance": of_party,
    "written_turn": _written,
    "call_event": _event,
    "alert": _alert,
    "transcript": of_party,
    "call_state": _state,
    "debrief": _debrief,
}


def is_unnamed(condition: Any) -> bool:
    """Whether a condition has a kind or unit without a name here."""
    return isinstance(condition, dict) and (
        is_new(condition.get("kind"), ConditionKind) or is_new(condition.get("unit"), Unit)
    )


def is_new(value: Any, known: type[StrEnum]) -> bool:
    """Whether a value is text, and no member of `known`."""
    return isinstance(value, str) and value not in known.__members__.values()


def known_or(fields: Fields, name: str, known: type[StrEnum], instead: StrEnum) -> Fields:
    """The fields with `instead` for an unknown value."""
    return {**fields, name: instead.value} if is_new(fields.get(name), known) else fields


def inner(fields: Fields, name: str, reading: Callable[[Fields], Fields]) -> Fields:
    """The fields with those of one of them read."""
    found = fields.get(name)
    return {**fields, name: reading(found)} if isinstance(found, dict) else fields


def each(fields: Fields, name: str, reading: Callable[[Fields], Fields]) -> Fields:
    """The fields with those of each entry of a list read."""
    found = fields.get(name)
    if not isinstance(found, list):
        return fields
    return {**fields, name: [reading(one) if isinstance(one, dict) else one for one in found]}


def _known_of(fields: Fields, name: str, key: str, known: type[StrEnum]) -> Fields:
    """The fields without those entries of a list that are of a kind without a name here."""
    found = fields.get(name)
    if not isinstance(found, list):
        return fields
    return {**fields, name: [one for one in found if not (isinstance(one, dict) and is_new(one.get(key), known))]}


def _less(one: Any, other: Any) -> bool:
    return isinstance(one, int | float) and isinstance(other, int | float) and one < other
