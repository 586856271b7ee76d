"""An open call that several plain forks feed: whose leg each of them feeds. Pure.

A PBX without SIPREC forks a call as several SIP calls, a dialog for each direction (`request.naming`). None waits for
another: the first one opens the call, later ones join it for as long as it is open, and it closes with its last one.
"""

from __future__ import annotations

from dataclasses import dataclass

from callbus import Role
from sip_bridge.hearing.heard_call import Call
from sip_bridge.hearing.leg import Leg

MAX_LEGS = 8


@dataclass(slots=True)
class _Seat:
    leg: Leg
    source: int | None


@dataclass(frozen=True, slots=True)
class Seating:
    """Where a stream of a source was put."""

    leg: Leg
    known: bool
    """Whether the call has had this leg before."""
    displaced: int | None
    """The source that fed it until now."""


class JoinedCall:
    """An open call that sources join and leave. Belongs to the thread that holds the sources, by their numbers."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self._seats: dict[str, _Seat] = {}

    def has_room(self, role: Role, streams: int) -> bool:
        """Whether a source with this role and so many streams can join."""
        known = sum(self._reusable(leg_id, role) for leg_id in self._seats)
        return len(self._seats) + max(0, streams - known) <= MAX_LEGS

    def sit(self, source: int, new: Leg) -> Seating:
        """Let a stream of `source` feed the leg of its role, or an abandoned one without a role, or `new` itself.

        `new.leg_id` is given here: the role's word, else a free number.
        """
        role = new.role
        leg_id = next((each for each in self._seats if self._reusable(each, role)), "")
        if leg_id:
            seat = self._seats[leg_id]
            displaced, seat.source = seat.source, source
            return Seating(seat.leg, True, displaced if displaced != source else None)
        numbers = (str(number) for number in range(1, len(self._seats) + 2))
        free = next(number for number in numbers if number not in self._seats)
        new.leg_id = free if role is Role.UNKNOWN else role.value
        self._seats[new.leg_id] = _Seat(new, source)
        return Seating(new, False, None)

    def leave(self, source: int) -> list[Leg]:
        """The legs that `source` fed and nobody feeds now."""
        left = [seat for seat in self._seats.values() if seat.source == source]
        for seat in left:
            seat.source = None
        return [seat.leg for seat in left]

    @property
    def deserted(self) -> bool:
        """Whether no source feeds any leg."""
        return all(seat.source is None for seat in self._seats.values())

    def _reusable(self, leg_id: str, role: Role) -> bool:
        return leg_id == role if role is not Role.UNKNOWN else leg_id.isdigit() and self._seats[leg_id].source is None
