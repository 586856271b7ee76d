"""An open call that several plain forks feed, and which leg each of them feeds. Pure.

A PBX without SIPREC forks a call as several SIP calls, one dialog per direction (`request.naming`). No fork waits for
another: the first opens the call, later ones join while it is open, and the call closes with its last fork.
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
    """The leg that a source's stream was assigned."""

    leg: Leg
    known: bool
    """Whether the call already had this leg."""
    displaced: int | None
    """Number of the other source that fed the leg until now; None if there is none."""


class JoinedCall:
    """An open call that sources, known by their numbers, join and leave. Belongs to the sources' thread."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self._seats: dict[str, _Seat] = {}

    def has_room(self, role: Role, streams: int) -> bool:
        """Whether a source with this role and number of streams can join."""
        known = sum(self._reusable(leg_id, role) for leg_id in self._seats)
        return len(self._seats) + max(0, streams - known) <= MAX_LEGS

    def sit(self, source: int, new: Leg) -> Seating:
        """Assign a stream of `source` the leg with its role, or an abandoned leg without a role, or `new` itself.

        Sets `new.leg_id` if `new` is used: the role's name, else a free number.
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
        """Remove a source. Returns the legs that nobody feeds now."""
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
