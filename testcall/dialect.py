"""How one kind of recorder builds its INVITE: the form of the files in `dialects/`. Pure data, no behaviour.

Another vendor's way of forking is another file, not another function. Texts with `$names` are `string.Template`s over
the fields of `metadata.CallFacts` and of `PLACE`.
"""

from typing import Annotated, Final, Literal

import msgspec

Voice = Literal["customer", "agent", "mixed"]
"""What a stream carries; `mixed` is both parties in one."""

PLACE: Final = ("host", "here", "transport")
"""Where a call is placed from: the address, address and port, `udp` or `tcp`."""

SDP_PART: Final = "sdp"


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One part of a multipart body."""

    type: str
    """Its content type, as this vendor writes it."""
    text: str = ""
    """A template; of no use to the part that is the offer."""
    disposition: str = ""
    """Its Content-Disposition; none if empty."""


class SessionForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How it writes its SDP (RFC 8866)."""

    origin: str = "testcall"
    """The user name of the o= line."""
    subject: str = "-"
    """The s= line."""
    codecs: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)] = ("0 PCMU/8000",)
    """Payload types in the order of the m-line; with a name, an a=rtpmap line says so."""
    connection: Literal["session", "media", "both"] = "session"
    """Where c= lines stand."""
    address: str = ""
    """The address in c= lines; empty is the one that packets come from."""
    direction: Literal["sendonly", "sendrecv", ""] = "sendonly"
    """What each stream says; empty writes none, which means sendrecv."""
    attributes: tuple[str, ...] = ("ptime:20",)
    """Further a= lines of each stream."""


class ExpectedLeg(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One leg as the bridge must publish it."""

    id: str
    role: Literal["customer", "agent", "unknown"]
    name: str = ""
    """A template."""


class Expected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the bridge must make of a call in this dialect."""

    legs: Annotated[tuple[ExpectedLeg, ...], msgspec.Meta(min_length=1)]
    """In the order of the m-lines."""
    call_id: str = "$sip_call_id"
    """A template."""


class Dialect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The keys of a dialect file."""

    summary: str
    legs: Annotated[tuple[Voice, ...], msgspec.Meta(min_length=1, max_length=2)]
    """Whose voice each m-line carries, in their order."""
    expected: Expected
    labels: dict[Voice, str] = {}
    """The a=label of each; without one, the stream has none (RFC 4574)."""
    from_uri: str = "sip:recorder@$here"
    """A template: the address in From, and in Contact where `contact` does not say otherwise."""
    contact: str = "<sip:recorder@$here;transport=$transport>"
    """A template: the whole Contact header."""
    headers: tuple[str, ...] = ()
    """Templates: further header lines of the INVITE."""
    sdp: SessionForm = SessionForm()
    body: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)] = (SDP_PART,)
    """The names of its parts in their order; the offer alone is no multipart body."""
    parts: dict[str, Part] = {}
    """By name; that of the offer is `sdp`."""
    content_type: str = "multipart/mixed;boundary=$boundary"
    """A template over `boundary` alone."""
    boundary: str = ""
    """What divides the parts; a fresh one for each body if empty."""
    late_offer: bool = False
    """The first INVITE has no body: the other side's 200 makes the offer, and the ACK carries our answer."""
    closed: bool = True
    """Whether the closing delimiter stands at the body's end, as RFC 2046 wants it."""
