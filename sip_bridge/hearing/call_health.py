"""What is the matter with a call's audio, told once when it begins and once when it ends. Pure.

Looked at once a second on the listener's thread. How packets arrive (`stream_health`), how speech sounds (`sound`) and
what the PBX has paused come together here; each has its own patience, so that nothing flickers.
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

BEGUN = Counter(
    "callvane_call_events_total", "Times that something began to be the matter with a call's audio.", ["kind"]
)
for _kind in ConditionKind:
    if _kind is not ConditionKind.PARTIES_SWAPPED:  # told by the words, which a bridge does not know
        BEGUN.labels(_kind)

MOST_BEGUN = 100
"""Of one call; past them nothing more begins, and what stands may still end."""
WHOLE_CALL = ""
"""In place of a leg's id."""

log = logging.getLogger(__name__)


class CallHealth:
    """One call's."""

    def __init__(self, one_way_seconds: float) -> None:
        """`one_way_seconds`: as `sound.CallSound`."""
        self._sound = CallSound(one_way_seconds)
        self._standing: dict[tuple[ConditionKind, str], Condition] = {}
        self._held: set[str] = set()
        self._begun = 0

    def events(self, call: Call) -> Iterator[CallEvent]:
        """What has begun and ended since the last look."""
        legs = {leg.leg_id: leg for leg in call.legs}
        found = self._found(legs)
        for key in [key for key in self._standing if key not in found]:
            yield self._ended(call, legs, self._standing.pop(key))
        for (kind, leg_id), value in found.items():
            if (kind, leg_id) not in self._standing and self._begun < MOST_BEGUN:
                self._begun += 1
                yield self._began(call, legs, kind, leg_id, value)

    def _found(self, legs: dict[str, Leg]) -> dict[tuple[ConditionKind, str], float]:
        """What stands now, with its value."""
        found = {(ConditionKind.PAUSED, leg_id): 0.0 for leg_id in self._paused(legs)}
        for leg_id, kind, value in self._sound.faults({leg_id: leg.sound for leg_id, leg in legs.items()}):
            if ConditionKind.UNDECODABLE not in legs[leg_id].faults:  # that is why nothing is heard of it
                found[kind, leg_id] = value
        for leg_id, leg in legs.items():
            found |= {(kind, leg_id): value for kind, value in leg.faults.items()}
        return found

    def _paused(self, legs: dict[str, Leg]) -> set[str]:
        """Which legs are paused, or the whole call. One leg alone counts from its second look on: a pause of the
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
    """Call time at which a leg, or the latest of all legs, was paused or went on last."""
    return leg.changed_seconds if leg else max((each.changed_seconds for each in call.legs), default=0.0)
