"""Plain forks of one call, a dialog for each direction: how they say so, and whose leg each dialog feeds. Pure.

A PBX without SIPREC forks a call as several SIP calls. Each names the call and the voice that it carries, by headers
(`X-Call-ID`, `X-Leg`), by parameters of the request's URI (`;call-id=…;leg=…`) or in a way of its vendor's. None waits
for another: the first one opens the call, later ones join it for as long as it is open, and it closes with its last
dialog.
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
    dialog: int | None


@dataclass(frozen=True, slots=True)
class Seating:
    """Where a stream of a dialog was put."""

    leg: Leg
    known: bool
    """Whether the call has had this leg before."""
    displaced: int | None
    """The dialog that fed it until now."""


class JoinedCall:
    """An open call that dialogs join and leave. Belongs to the thread that holds the dialogs, by their numbers."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self._seats: dict[str, _Seat] = {}

    def has_room(self, role: Role, streams: int) -> bool:
        """Whether a dialog with this role and so many streams can join."""
        known = sum(self._reusable(leg_id, role) for leg_id in self._seats)
        return len(self._seats) + max(0, streams - known) <= MAX_LEGS

    def sit(self, dialog: int, new: Leg) -> Seating:
        """Let a stream of `dialog` feed the leg of its role, or an abandoned one without a role, or `new` itself.

        `new.leg_id` is given here: the role's word, else a free number.
        """
        role = new.role
        leg_id = next((each for each in self._seats if self._reusable(each, role)), "")
        if leg_id:
            seat = self._seats[leg_id]
            displaced, seat.dialog = seat.dialog, dialog
            return Seating(seat.leg, True, displaced if displaced != dialog else None)
        numbers = (str(number) for number in range(1, len(self._seats) + 2))
        free = next(number for number in numbers if number not in self._seats)
        new.leg_id = free if role is Role.UNKNOWN else role.value
        self._seats[new.leg_id] = _Seat(new, dialog)
        return Seating(new, False, None)

    def leave(self, dialog: int) -> list[Leg]:
        """The legs that `dialog` fed and nobody feeds now."""
        left = [seat for seat in self._seats.values() if seat.dialog == dialog]
        for seat in left:
            seat.dialog = None
        return [seat.leg for seat in left]

    @property
    def deserted(self) -> bool:
        """Whether no dialog feeds any leg."""
        return all(seat.dialog is None for seat in self._seats.values())

    def _reusable(self, leg_id: str, role: Role) -> bool:
        return leg_id == role if role is not Role.UNKNOWN else leg_id.isdigit() and self._seats[leg_id].dialog is None
