"""What a worker makes of words that it does not know in a stored state: a newer Callvane wrote them. Pure.

They are on decoded fields, as `callbus.messages.tolerance` is for messages, and only text is forgiven. Fields that are
not known need nothing: they are ignored, and lost with the next commit.
"""

from __future__ import annotations

from typing import Any

from callbus import Mood, ShiftKind, Tier
from callbus.messages.tolerance import Fields, each, inner, is_new, is_unnamed, of_channel, of_party


def tolerated(call: Any) -> Any:
    """A conversation's fields, each value that is not known read as the nearest one that is."""
    if not isinstance(call, dict):
        return call
    call = each(of_channel(call), "legs", of_party)
    call = each(call, "turns", lambda judged: inner(judged, "turn", of_party))
    if isinstance(parties := call.get("parties"), dict):
        call = {**call, "parties": {name: _party(party) for name, party in parties.items()}}
    call = inner(call, "health", _health)
    return inner(call, "recordings", _recordings)


def _party(party: Any) -> Any:
    return inner(inner(party, "before", _shift), "now", _shift) if isinstance(party, dict) else party


def _shift(state: Fields) -> Fields:
    """A shift that stands keeps others from coming on top of it; turns agree on nothing rather than on a guess."""
    if is_new(state.get("tier"), Tier):
        state = {**state, "tier": Tier.INTERRUPTION.value}
    if is_new(state.get("mood"), Mood):
        state = {**state, "mood": (Mood.WORSENED if state.get("tier") else Mood.CALM).value}
    return {**state, "run_kind": None, "run": []} if is_new(state.get("run_kind"), ShiftKind) else state


def _recordings(recordings: Fields) -> Fields:
    return each(recordings, "known", lambda recording: each(recording, "legs", of_party))


def _health(health: Fields) -> Fields:
    if isinstance(standing := health.get("standing"), list):
        health = {**health, "standing": [condition for condition in standing if not is_unnamed(condition)]}
    return each(health, "standing", of_party)
