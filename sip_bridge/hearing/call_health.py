"""Audio faults of a call, each reported once when it starts and once when it clears. Pure.

Checked once a second on the listener's thread. Combines how packets arrive (`stream_health`), how speech sounds
(`sound`) and what the PBX has paused. Each source has its own hysteresis.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace

from prometheus_client import Counter

from callbus import CallEvent, Condition, ConditionKind, Role
from callbus.messages.conditions import UNITS
from sip_bridge.hearing.heard_call import Call
from sip_bridge.hearing.leg import Leg
from sip_bridge.hearing.sound import CallSound

BEGUN = Counter("callvane_call_events_total", "Audio conditions that started in calls, by kind.", ["kind"])
for _kind in ConditionKind:
    if _kind is not ConditionKind.PARTIES_SWAPPED:  # found from the words, which a bridge does not know
        BEGUN.labels(_kind)

MOST_BEGUN = 100
"""Conditions reported per call. Above this no further ones start; active ones can still clear."""
WHOLE_CALL = ""
"""Leg id of a condition that concerns the whole call."""

log = logging.getLogger(__name__)


class CallHealth:
    """The audio conditions of one call."""

    def __init__(self, one_way_seconds: float) -> None:
        """`one_way_seconds`: see `sound.CallSound`."""
        self._sound = CallSound(one_way_seconds)
        self._standing: dict[tuple[ConditionKind, str], Condition] = {}
        self._held: set[str] = set()
        self._begun = 0

    def events(self, call: Call) -> Iterator[CallEvent]:
        """The conditions that have started and cleared since the last call."""
        legs = {leg.leg_id: leg for leg in call.legs}
        found = self._found(legs)
        for key in [key for key in self._standing if key not in found]:
            yield self._ended(call, legs, self._standing.pop(key))
        for (kind, leg_id), value in found.items():
            if (kind, leg_id) not in self._standing and self._begun < MOST_BEGUN:
                self._begun += 1
                yield self._began(call, legs, kind, leg_id, value)

    def _found(self, legs: dict[str, Leg]) -> dict[tuple[ConditionKind, str], float]:
        """The conditions that hold now, with their values, by kind and leg id."""
        found = {(ConditionKind.PAUSED, leg_id): 0.0 for leg_id in self._paused(legs)}
        for leg_id, kind, value in self._sound.faults({leg_id: leg.sound for leg_id, leg in legs.items()}):
            if ConditionKind.UNDECODABLE not in legs[leg_id].faults:  # an undecodable leg is silent for that reason
                found[kind, leg_id] = value
        for leg_id, leg in legs.items():
            found |= {(kind, leg_id): value for kind, value in leg.faults.items()}
        return found

    def _paused(self, legs: dict[str, Leg]) -> set[str]:
        """Ids of the paused legs, or `WHOLE_CALL`. A single leg counts only at the second look, because a pause of the
        whole recording reaches the legs one after the other."""
        held = {leg_id for leg_id, leg in legs.items() if leg.sound.paused}
        before, self._held = self._held, held
        return {WHOLE_CALL} if held and len(held) == len(legs) else held & before

    def _began(self, call: Call, legs: dict[str, Leg], kind: ConditionKind, leg_id: str, value: float) -> CallEvent:
        leg = legs.get(leg_id)
        role = leg.role if leg else Role.UNKNOWN
        at = _changed(call, leg) if kind is ConditionKind.PAUSED else call.position_seconds
        condition = Condition(kind, leg_id, role, round(at, 3), round(value, 4), UNITS[kind])
        self._standing[kind, leg_id] = condition
        BEGUN.labels(kind).inc()
        level = logging.INFO if kind is ConditionKind.PAUSED else logging.WARNING
        told = f"the {role}'s leg {leg_id}" if leg else "the recording"
        log.log(level, "%s: %s (%.3g %s)", told, kind, value, condition.unit, extra={"call_id": call.call_id})
        return CallEvent(call.call_id, condition.since_seconds, True, condition)

    def _ended(self, call: Call, legs: dict[str, Leg], condition: Condition) -> CallEvent:
        at = call.position_seconds
        if condition.kind is ConditionKind.PAUSED:
            at = max(condition.since_seconds, _changed(call, legs.get(condition.leg_id)))
            length = round(at - condition.since_seconds, 3)
            condition = replace(condition, value=length)
        return CallEvent(call.call_id, round(at, 3), False, condition)


def _changed(call: Call, leg: Leg | None) -> float:
    """Call time in seconds at which a leg was last paused or resumed; None means the latest of all legs."""
    return leg.changed_seconds if leg else max((each.changed_seconds for each in call.legs), default=0.0)
