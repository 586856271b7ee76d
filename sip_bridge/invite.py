"""Reads an INVITE: which streams it offers, whose voices they carry, which call it belongs to. Pure; never raises.

The SDP is read only as far as labels and directions go (RFC 4566, RFC 4574); the library negotiates the rest.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from callbus import Role
from sip_bridge import metadata, multipart
from sip_bridge.metadata import Metadata, Participant
from sip_bridge.roles import AgentRules, agent_name, assign
from sip_bridge.vendors import Vocabulary

MAX_STREAMS = 8
MAX_CALL_ID = 112
"""Leaves room for what tells apart two calls of the same id."""
MAX_LEG_ID = 64


@dataclass(frozen=True, slots=True)
class OfferedLeg:
    """A stream of the offer and what is known of its voice."""

    index: int
    """Its m-line's place, from 0."""
    leg_id: str
    """Its SDP label, else its place; unique within the call."""
    role: Role
    name: str = ""
    """The agent's; empty for everybody else."""
    label: str = ""
    """Its SDP label, where it has one."""


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


@dataclass(frozen=True, slots=True)
class _Stream:
    index: int
    label: str
    leg_id: str


def read(
    raw: bytes, rules: AgentRules, plain_role: Role, before: Invite | None = None, words: Vocabulary = metadata.STANDARD
) -> Invite:
    """The INVITE or UPDATE in `raw`. `plain_role`: of a lone stream without metadata.

    `before`: what the dialog said until now, for a request that does not say all anew. `words`: the vendors'.
    """
    message = multipart.read(raw)
    sip_call_id = _clean(message.first("call-id"))[:MAX_CALL_ID]
    own = message.part("application/sdp")
    sdp = own or (before.sdp if before else b"")
    known = before.found if before else Metadata()
    streams = _streams(sdp)
    content = message.part(*metadata.CONTENT_TYPES, *words.metadata_types)
    if content is None:
        if places := metadata.read_headers(message.headers, words):
            speakers = [places.get(stream.index) for stream in streams]
            parties = tuple(places.values())
            legs = _legs(streams, speakers, parties, rules)
            return Invite(sip_call_id, sip_call_id, legs, "headers", sdp, bool(own), _mark(parties), known)
        role = plain_role if len(streams) == 1 else Role.UNKNOWN
        legs = tuple(OfferedLeg(stream.index, stream.leg_id, role, label=stream.label) for stream in streams)
        return Invite(sip_call_id, sip_call_id, legs, "none", sdp, bool(own), found=known)
    found = metadata.read(content, known, words)
    call_id = _clean(found.call_id)[:MAX_CALL_ID] or sip_call_id
    speakers = [found.senders.get(stream.label) for stream in streams]
    if found.fault == "no_senders" and 1 < len(streams) == len(found.participants):
        speakers = [*found.participants]  # no associations at all: the streams stand in the parties' order
    legs = _legs(streams, speakers, found.participants, rules)
    mark = _mark(found.participants)
    known = found if found.participants else known
    return Invite(call_id, sip_call_id, legs, found.fault, sdp, bool(own), mark, known)


def late(said: Invite) -> Invite:
    """An INVITE that leaves the offer to us: one stream, whose label and voice it cannot tell."""
    return replace(said, legs=(OfferedLeg(0, "0", Role.UNKNOWN),))


def _legs(
    streams: list[_Stream],
    speakers: Sequence[Participant | None],
    participants: tuple[Participant, ...],
    rules: AgentRules,
) -> tuple[OfferedLeg, ...]:
    """The streams as legs; `speakers` has one for each, None where it is not known."""
    speaking = tuple(each for each in participants if each in speakers)  # who has left the call may still be listed
    parties = speaking if len(speaking) > 1 else participants
    roles = dict(zip(parties, assign(parties, rules), strict=True))
    legs = []
    for stream, speaker in zip(streams, speakers, strict=True):
        role = roles.get(speaker, Role.UNKNOWN) if speaker else Role.UNKNOWN
        name = agent_name(speaker) if speaker and role is Role.AGENT else ""
        legs.append(OfferedLeg(stream.index, stream.leg_id, role, name, stream.label))
    return tuple(legs)


def _mark(participants: Sequence[Participant]) -> str:
    users = sorted(participant.users[0].lower() for participant in participants if participant.users)
    return hashlib.blake2b("\n".join(users).encode(errors="replace"), digest_size=8).hexdigest() if users else ""


def _streams(sdp: bytes) -> list[_Stream]:
    text = sdp.decode("utf-8", "replace").replace("\r\n", "\n")
    _, *sections = re.split(r"^m=", text, flags=re.MULTILINE)
    found: list[_Stream] = []
    for index, section in enumerate(sections[:MAX_STREAMS]):
        media, _, port = section.partition("\n")[0].partition(" ")
        if media == "audio" and port.partition(" ")[0].partition("/")[0] != "0":
            label = re.search(r"^a=label:(.+)$", section, re.MULTILINE)
            found.append(_stream(index, _clean(label[1])[:MAX_LEG_ID] if label else "", found))
    return found


def _stream(index: int, label: str, others: list[_Stream]) -> _Stream:
    taken = {other.leg_id for other in others}
    wanted = label or str(index)
    marks = itertools.count()  # at most as many are taken as there are other streams
    free = (f"{wanted[: MAX_LEG_ID - 8]}#{index}.{mark}" for mark in marks)
    return _Stream(index, label, wanted if wanted not in taken else next(each for each in free if each not in taken))


def _clean(text: str) -> str:
    return "".join(character for character in text if character.isprintable()).strip()
