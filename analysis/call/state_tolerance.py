"""What a worker makes of words that it does not know in a stored state: a newer Callvane wrote them. Pure.

They are on decoded fields, as `callbus.messages.tolerance` is for messages, and only text is forgiven. Fields that are
not known need nothing: they are ignored, and lost with the next commit.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from callbus import ConditionKind, Mood, Role, ShiftKind, Tier, Unit

Fields = dict[str, Any]


def tolerated(call: Any) -> Any:
    """A conversation's fields, each value that is not known read as the nearest one that is."""
    if not isinstance(call, dict):
        return call
    call = _each(call, "legs", _of_party)
    call = _each(call, "turns", lambda judged: _inner(judged, "turn", _of_party))
    if isinstance(parties := call.get("parties"), dict):
        call = {**call, "parties": {name: _party(party) for name, party in parties.items()}}
    call = _inner(call, "health", _health)
    return _inner(call, "recordings", _recordings)


def _of_party(fields: Fields) -> Fields:
    return {**fields, "role": Role.UNKNOWN.value} if _is_new(fields.get("role"), Role) else fields


def _party(party: Any) -> Any:
    return _inner(_inner(party, "before", _shift), "now", _shift) if isinstance(party, dict) else party


def _shift(state: Fields) -> Fields:
    """A shift that stands keeps others from coming on top of it; turns agree on nothing rather than on a guess."""
    if _is_new(state.get("tier"), Tier):
        state = {**state, "tier": Tier.INTERRUPTION.value}
    if _is_new(state.get("mood"), Mood):
        state = {**state, "mood": (Mood.WORSENED if state.get("tier") else Mood.CALM).value}
    return {**state, "run_kind": None, "run": []} if _is_new(state.get("run_kind"), ShiftKind) else state


def _recordings(recordings: Fields) -> Fields:
    return _each(recordings, "known", lambda recording: _each(recording, "legs", _of_party))


def _health(health: Fields) -> Fields:
    if isinstance(standing := health.get("standing"), list):
        health = {**health, "standing": [condition for condition in standing if not _is_unnamed(condition)]}
    return _each(health, "standing", _of_party)


def _is_unnamed(condition: Any) -> bool:
    return isinstance(condition, dict) and (
        _is_new(condition.get("kind"), ConditionKind) or _is_new(condition.get("unit"), Unit)
    )


def _is_new(value: Any, known: type[StrEnum]) -> bool:
    return isinstance(value, str) and value not in known.__members__.values()


def _inner(fields: Fields, name: str, reading: Callable[[Fields], Fields]) -> Fields:
    found = fields.get(name)
    return {**fields, name: reading(found)} if isinstance(found, dict) else fields


def _each(fields: Fields, name: str, reading: Callable[[Fields], Fields]) -> Fields:
    found = fields.get(name)
    if not isinstance(found, list):
        return fields
    return {**fields, name: [reading(one) if isinstance(one, dict) else one for one in found]}
