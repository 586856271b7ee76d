"""Reads an INVITE: which streams it offers, whose voices they carry, which call it belongs to. Pure; never raises."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from callbus import Role
from sip_bridge.request import metadata, multipart, offer
from sip_bridge.request.caller import ANONYMOUS, number_of
from sip_bridge.request.elements import cleaned
from sip_bridge.request.metadata import Metadata, Participant
from sip_bridge.request.multipart import Message
from sip_bridge.request.offer import Codec, Stream
from sip_bridge.request.roles import AgentRules, agent_name, assign
from sip_bridge.request.vendors import Vocabulary

MAX_CALL_ID = 112
"""Leaves room for the suffix that separates two calls with the same id."""
MAX_LEG_ID = offer.MAX_LABEL
MAX_STREAMS = offer.MAX_STREAMS

_Voice = tuple[Role, str, Participant | None]
"""Role, name and speaker."""


@dataclass(frozen=True, slots=True)
class OfferedLeg:
    """An offered stream and what is known of its speaker."""

    index: int
    """Index of its m-line, from 0; of the first one if several offer it."""
    leg_id: str
    """Its SDP label, else its index; unique within the offer."""
    role: Role
    name: str = ""
    """The agent's name; empty for everybody else."""
    label: str = ""
    """Its SDP label; empty if it has none."""
    alternatives: tuple[int, ...] = ()
    """Indexes of further m-lines that offer the same voice; the library answers one of them."""
    codecs: tuple[Codec, ...] = ()
    """The offered codecs."""
    party: Participant | None = field(default=None, repr=False)
    """The speaker, if known."""

    def undecodable(self, decodable: Collection[str]) -> str:
        """See `offer.undecodable`."""
        return offer.undecodable(self.codecs, decodable)


@dataclass(frozen=True, slots=True)
class Invite:
    """The content of a fork's INVITE, or of a later INVITE or UPDATE in its dialog."""

    call_id: str
    sip_call_id: str
    legs: tuple[OfferedLeg, ...]
    """Audio streams in the order of their m-lines; empty if there is no readable offer."""
    metadata_fault: str
    """As `metadata.Metadata.fault`; `none` without metadata, `headers` if headers replace it, empty if all was
    readable."""
    sdp: bytes = b""
    """The session description in force with this request."""
    offers: bool = False
    """Whether the request itself contains the session description."""
    parties: str = ""
    """A hash that identifies who takes part; empty if no address is known."""
    found: Metadata = field(default_factory=Metadata)
    """The metadata, or the previous one if this cannot be read."""
    group: str = ""
    """Relates the sessions of one call, before and after a transfer; empty if the recorder has none."""
    customers_before: frozenset[str] = frozenset()
    """`customers` of the dialog's earlier requests."""
    queue: str = ""
    """The queue that a fork's first INVITE is addressed to; see `queue.queue_of`."""
    caller_named: str = field(default="", repr=False)
    """The caller's number, if a plain fork's first INVITE names it; see `caller.number_in`."""

    @property
    def customers(self) -> frozenset[str]:
        """User parts that identify the current customers, else the earlier ones."""
        speaking = _told_apart(leg.party for leg in self.legs if leg.role is Role.CUSTOMER)
        return speaking or self.customers_before

    @property
    def caller(self) -> str:
        """The number of whoever calls: the first known customer's; empty if it is unknown or withheld."""
        customers = (leg.party for leg in self.legs if leg.role is Role.CUSTOMER and leg.party)
        return next((number for party in customers if (number := number_of(party))), self.caller_named)

    @property
    def people(self) -> frozenset[str]:
        """User parts that identify everybody who takes part."""
        return _told_apart([*self.found.participants, *(leg.party for leg in self.legs)])


def read(
    raw: bytes,
    rules: AgentRules,
    plain_role: Role,
    before: Invite | None = None,
    words: Vocabulary = metadata.STANDARD,
    head: Message | None = None,
) -> Invite:
    """Read the INVITE or UPDATE in `raw`. `plain_role`: role of a single stream without metadata.

    `before`: the dialog's previous state, for a request that only updates it. `words`: vendors' names. `head`: see
    `multipart.read`.
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
        speakers = [*found.participants]  # no associations at all: assume that streams are in the parties' order
    mark = _mark(found.participants)
    # Damaged metadata may have lost its senders, so later updates are applied to the last intact metadata.
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
    """Correct the roles after a transfer: whoever was the customer stays the customer, whoever called whom.

    `customers`, `people`: user parts before it. If nobody new takes part, it is not a transfer but a correction, and
    `said` is returned as it is.
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
    """An INVITE without an offer: one stream, without label or role."""
    return replace(said, legs=(OfferedLeg(0, "0", Role.UNKNOWN),))


def _legs(
    streams: Sequence[Stream],
    speakers: Sequence[Participant | None],
    participants: tuple[Participant, ...],
    rules: AgentRules,
) -> tuple[OfferedLeg, ...]:
    """The streams as legs. `speakers`: one per stream, None if unknown."""
    speaking = tuple(each for each in participants if each in speakers)  # parties that have left may still be listed
    parties = speaking if len(speaking) > 1 else participants
    roles = dict(zip(parties, assign(parties, rules), strict=True))
    voices: list[_Voice] = []
    for speaker in speakers:
        role = roles.get(speaker, Role.UNKNOWN) if speaker else Role.UNKNOWN
        voices.append((role, agent_name(speaker) if speaker and role is Role.AGENT else "", speaker))
    return _named(streams, voices)


def _named(streams: Sequence[Stream], voices: Sequence[_Voice]) -> tuple[OfferedLeg, ...]:
    """The streams as legs with unique ids."""
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
    """The first user part of each participant that has one, in lower case."""
    return [participant.users[0].lower() for participant in participants if participant.users]


def _told_apart(participants: Iterable[Participant | None]) -> frozenset[str]:
    """Their user parts, without those that many callers share."""
    return frozenset(_users([each for each in participants if each])) - ANONYMOUS


def _clean(text: str) -> str:
    return cleaned(text)[:MAX_CALL_ID]
