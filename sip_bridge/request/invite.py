"""Reads an INVITE: which streams it offers, whose voices they carry, which call it belongs to. Pure; never raises."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from callbus import Role
from sip_bridge.request import metadata, multipart, offer
from sip_bridge.request.elements import cleaned
from sip_bridge.request.metadata import Metadata, Participant
from sip_bridge.request.multipart import Message
from sip_bridge.request.offer import Codec, Stream
from sip_bridge.request.roles import AgentRules, agent_name, assign
from sip_bridge.request.vendors import Vocabulary

MAX_CALL_ID = 112
"""Leaves room for what tells apart two calls of the same id."""
MAX_LEG_ID = offer.MAX_LABEL
MAX_STREAMS = offer.MAX_STREAMS
ANONYMOUS = frozenset(("", "anonymous", "unavailable", "unknown", "restricted", "private", "withheld"))
"""User parts that tell nobody apart, in lower case."""

_Voice = tuple[Role, str, Participant | None]
"""Role, name and speaker."""


@dataclass(frozen=True, slots=True)
class OfferedLeg:
    """A stream of the offer and what is known of its voice."""

    index: int
    """Its m-line's place, from 0; the first one's where several offer it."""
    leg_id: str
    """Its SDP label, else its place; unique within the call."""
    role: Role
    name: str = ""
    """The agent's; empty for everybody else."""
    label: str = ""
    """Its SDP label, where it has one."""
    alternatives: tuple[int, ...] = ()
    """The places of further m-lines that offer the same voice, of which the library answers one."""
    codecs: tuple[Codec, ...] = ()
    """That it is offered in."""
    party: Participant | None = field(default=None, repr=False)
    """Who speaks, where that is known."""

    def undecodable(self, decodable: Collection[str]) -> str:
        """As `offer.undecodable`."""
        return offer.undecodable(self.codecs, decodable)


@dataclass(frozen=True, slots=True)
class Invite:
    """What a fork's INVITE says, or a later INVITE or UPDATE of its dialog."""

    call_id: str
    sip_call_id: str
    legs: tuple[OfferedLeg, ...]
    """Audio streams in the order of their m-lines; none where there is no readable offer."""
    metadata_fault: str
    """As `metadata.Metadata.fault`; `none` where there is no metadata, `headers` where headers stand for it, empty
    where all could be read."""
    sdp: bytes = b""
    """The session as it stands with this request."""
    offers: bool = False
    """Whether the session stands in the request itself."""
    parties: str = ""
    """Tells who takes part from others, and nothing else; empty where no address is known."""
    found: Metadata = field(default_factory=Metadata)
    """What the metadata says, or what it said before where it cannot be read."""
    group: str = ""
    """Relates the sessions of one call, before and after a transfer; empty where the recorder has none."""
    customers_before: frozenset[str] = frozenset()
    """As `customers`, of what the dialog has said until now."""

    @property
    def customers(self) -> frozenset[str]:
        """The users of those who speak as customers, or did last, where they tell them from others."""
        speaking = _told_apart(leg.party for leg in self.legs if leg.role is Role.CUSTOMER)
        return speaking or self.customers_before

    @property
    def people(self) -> frozenset[str]:
        """The users of all who take part."""
        return _told_apart([*self.found.participants, *(leg.party for leg in self.legs)])


def read(
    raw: bytes,
    rules: AgentRules,
    plain_role: Role,
    before: Invite | None = None,
    words: Vocabulary = metadata.STANDARD,
    head: Message | None = None,
) -> Invite:
    """The INVITE or UPDATE in `raw`. `plain_role`: of a lone stream without metadata.

    `before`: what the dialog said until now, for a request that does not say all anew. `words`: the vendors'.
    `head`: as `multipart.read`.
    """
    message = multipart.read(raw, head)
    sip_call_id = _clean(message.first("call-id"))
    own = message.part("application/sdp")
    sdp = own or (before.sdp if before else b"")
    known, customers = (before.found, before.customers) if before else (Metadata(), frozenset[str]())
    streams = offer.read(sdp)
    content = message.part(*metadata.CONTENT_TYPES, *words.metadata_types)
    if content is None:
        if places := metadata.read_headers(message.headers, words):
            speakers = [places.get(stream.places[0]) for stream in streams]
            parties = tuple(places.values())
            legs = _legs(streams, speakers, parties, rules)
            return Invite(sip_call_id, sip_call_id, legs, "headers", sdp, bool(own), _mark(parties), known)
        role = plain_role if len(streams) == 1 else Role.UNKNOWN
        legs = _named(streams, [(role, "", None)] * len(streams))
        return Invite(sip_call_id, sip_call_id, legs, "none", sdp, bool(own), found=known, customers_before=customers)
    found = metadata.read(content, known, words)
    call_id = _clean(found.call_id) or sip_call_id
    speakers = [found.senders.get(stream.label) for stream in streams]
    if not found.associated and 1 < len(streams) == len(found.participants):
        speakers = [*found.participants]  # no associations at all: the streams stand in the parties' order
    mark = _mark(found.participants)
    # What was damaged may have lost who speaks: what is only a change later is read against what was whole.
    replaces = found.participants and (
        found.senders or not known.senders or found.fault not in ("repaired", "too_large")
    )
    legs = _legs(streams, speakers, found.participants, rules)
    said = Invite(
        *(call_id, sip_call_id, legs, found.fault, sdp, bool(own), mark),
        *(found if replaces else known, _clean(found.group), customers),
    )
    return said if before is None or mark == before.parties else followed(customers, before.people, said)


def followed(customers: Collection[str], people: Collection[str], said: Invite) -> Invite:
    """What is said after a transfer: who was the customer still is, whoever has called whom this time.

    `customers`, `people`: users before it. Where nobody new has come, it is no transfer but a better word.
    """
    kept = [not _told_apart([leg.party]).isdisjoint(customers) for leg in said.legs]
    if not any(kept) or said.people <= set(people):
        return said
    legs = [
        replace(leg, role=Role.CUSTOMER, name="")
        if stays
        else replace(leg, role=Role.AGENT, name=agent_name(leg.party))
        if leg.party and leg.role is Role.CUSTOMER
        else leg
        for leg, stays in zip(said.legs, kept, strict=True)
    ]
    return replace(said, legs=tuple(legs))


def late(said: Invite) -> Invite:
    """An INVITE that leaves the offer to us: one stream, whose label and voice it cannot tell."""
    return replace(said, legs=(OfferedLeg(0, "0", Role.UNKNOWN),))


def _legs(
    streams: Sequence[Stream],
    speakers: Sequence[Participant | None],
    participants: tuple[Participant, ...],
    rules: AgentRules,
) -> tuple[OfferedLeg, ...]:
    """The streams as legs; `speakers` has one for each, None where it is not known."""
    speaking = tuple(each for each in participants if each in speakers)  # who has left the call may still be listed
    parties = speaking if len(speaking) > 1 else participants
    roles = dict(zip(parties, assign(parties, rules), strict=True))
    voices: list[_Voice] = []
    for speaker in speakers:
        role = roles.get(speaker, Role.UNKNOWN) if speaker else Role.UNKNOWN
        voices.append((role, agent_name(speaker) if speaker and role is Role.AGENT else "", speaker))
    return _named(streams, voices)


def _named(streams: Sequence[Stream], voices: Sequence[_Voice]) -> tuple[OfferedLeg, ...]:
    """The streams as legs that each have an id of their own."""
    legs: dict[str, OfferedLeg] = {}
    for stream, (role, name, party) in zip(streams, voices, strict=True):
        place, *others = stream.places
        wanted = stream.label or str(place)
        marked = (f"{wanted[: MAX_LEG_ID - 8]}#{place}.{mark}" for mark in itertools.count())
        leg_id = wanted if wanted not in legs else next(each for each in marked if each not in legs)
        legs[leg_id] = OfferedLeg(place, leg_id, role, name, stream.label, tuple(others), stream.codecs, party)
    return tuple(legs.values())


def _mark(participants: Sequence[Participant]) -> str:
    users = sorted(_users(participants))
    return hashlib.blake2b("\n".join(users).encode(errors="replace"), digest_size=8).hexdigest() if users else ""


def _users(participants: Sequence[Participant]) -> list[str]:
    """What tells each of them from others, where that is known."""
    return [participant.users[0].lower() for participant in participants if participant.users]


def _told_apart(participants: Iterable[Participant | None]) -> frozenset[str]:
    """Their users, without those that many callers share."""
    return frozenset(_users([each for each in participants if each])) - ANONYMOUS


def _clean(text: str) -> str:
    return cleaned(text)[:MAX_CALL_ID]
