"""Plain forks of one call, a dialog for each direction: how they say so, and whose leg each dialog feeds. Pure.

A PBX without SIPREC forks a call as several SIP calls. Each names the call and the voice that it carries, by headers
(`X-Call-ID`, `X-Leg`), by parameters of the request's URI (`;call-id=…;leg=…`) or in a way of its vendor's. None waits
for another: the first one opens the call, later ones join it for as long as it is open, and it closes with its last
dialog.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from urllib.parse import unquote

from callbus import Role
from sip_bridge.call import Call
from sip_bridge.leg import Leg
from sip_bridge.metadata import STANDARD
from sip_bridge.multipart import Message
from sip_bridge.vendors import Place, Vocabulary

MAX_CALL_ID = 112
"""Longer ones are cut, with a mark of the whole: two that begin alike stay apart."""
MAX_LEGS = 8


@dataclass(frozen=True, slots=True)
class Naming:
    """What a plain fork says of itself."""

    call_id: str = ""
    """Of the call that it belongs to; empty where it names none."""
    role: Role | None = None
    """Whose voice it carries; none where it does not say so in a word that we know."""
    late: bool = False
    """Whether it may leave the SDP offer to us: its vendor is known to do so."""


def read(message: Message, call_header: str, role_header: str, words: Vocabulary = STANDARD) -> Naming:
    """What a request's head says, whatever it is; a vendor's way counts where it says nothing in ours.

    A header's empty name switches it off, its parameter and the vendors' ways too.
    """
    call_id, late = "", False
    if call_header:
        own = (Place("header", call_header.lower()), False), (Place("uri", "call-id"), False)
        said = ((_printable(_said(message, place) or ""), lately) for place, lately in (*own, *words.calls))
        call_id, late = next((each for each in said if each[0]), ("", False))
    role = _role(message, role_header, words) if role_header else None
    return Naming(_bounded(call_id), role, late)


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


def _role(message: Message, header: str, words: Vocabulary) -> Role | None:
    for place in (Place("header", header.lower()), Place("uri", "leg")):
        if word := _printable(_said(message, place) or "").lower():
            return Role(word) if word in (Role.CUSTOMER, Role.AGENT) else None
    for role, places in ((Role.AGENT, words.agents), (Role.CUSTOMER, words.customers)):
        for place in places:
            value = _said(message, place)
            if value is not None and place.wanted in ("", _printable(value).lower()):
                return role
    return None


def _said(message: Message, place: Place) -> str | None:
    """What stands there; None where nothing does."""
    if place.where == "header":
        return next(iter(message.headers.get(place.name, ())), None)
    text = message.uri
    if place.where == "from":  # its address, without the display name and the header's own parameters
        value = message.first("from")
        text = value.rpartition("<")[2].partition(">")[0] if "<" in value else value
    found = re.search(rf";{re.escape(place.name)}(?:=([^;?&>\s]*)|(?=[;?&>\s]|$))", text, re.IGNORECASE)
    return unquote(found[1] or "", errors="replace") if found else None


def _printable(text: str) -> str:
    return "".join(character for character in text if character.isprintable()).strip()


def _bounded(call_id: str) -> str:
    if len(call_id) <= MAX_CALL_ID:
        return call_id
    return f"{call_id[: MAX_CALL_ID - 9]}~{zlib.crc32(call_id.encode(errors='replace')):08x}"
