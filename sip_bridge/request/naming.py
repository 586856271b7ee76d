"""Which call and role a plain fork names. Pure.

Read from headers (`X-Call-ID`, `X-Leg`), parameters of the request URI (`;call-id=…;leg=…`) or vendor-specific places.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from urllib.parse import unquote

from callbus import Role
from sip_bridge.request.metadata import STANDARD
from sip_bridge.request.multipart import Message
from sip_bridge.request.vendors import Place, Vocabulary

MAX_CALL_ID = 112
"""Longer ids are cut and end in a checksum of the whole, so that two with the same beginning differ."""


@dataclass(frozen=True, slots=True)
class Naming:
    """The call and role that a plain fork names."""

    call_id: str = ""
    """Id of the call that it belongs to; empty if it names none."""
    role: Role | None = None
    """Whose voice it carries; None if it does not say, or not in a known word."""
    late: bool = False
    """Whether it may leave the SDP offer to us, as its vendor is known to do."""


def read(message: Message, call_header: str, role_header: str, words: Vocabulary = STANDARD) -> Naming:
    """Read a request's head. Vendor-specific places count only if our own headers and parameters say nothing.

    An empty header name disables the header, its URI parameter and the vendors' places.
    """
    call_id, late = "", False
    if call_header:
        own = (Place("header", call_header.lower()), False), (Place("uri", "call-id"), False)
        said = ((_printable(_said(message, place) or ""), lately) for place, lately in (*own, *words.calls))
        call_id, late = next((each for each in said if each[0]), ("", False))
    role = _role(message, role_header, words) if role_header else None
    return Naming(_bounded(call_id), role, late)


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
    """The value at a place in the request; None if there is none."""
    if place.where == "header":
        return next(iter(message.headers.get(place.name, ())), None)
    text = message.uri
    if place.where == "from":  # the address only, without the display name and header parameters
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
