"""What must hold for any bytes: every reader accepts them, raises nothing, and keeps its output within its bounds."""

from __future__ import annotations

import itertools

from callbus import Role
from sip_bridge.admission.digest import WRONG_PER_SECOND, Digest, Verdict
from sip_bridge.calls.lines import labelled
from sip_bridge.request import elements, invite, metadata, multipart, naming, offer, vendors
from sip_bridge.request.invite import Invite
from sip_bridge.request.metadata import Metadata
from sip_bridge.request.offer import Stream
from sip_bridge.request.roles import AgentRules

WORDS = vendors.load()
RULES = AgentRules((r"@agents\.example\.com",), ("2001", "anna"))
DIGEST = Digest("callvane", {"a": "b"}, ("SHA-256", "MD5"))
TIMES = itertools.count(0.0, 1 / WRONG_PER_SECOND)
"""Below the rate at which an address may guess: faster, its credentials would not be read."""
FAULTS = (
    *("", "too_large", "forbidden_xml", "bad_xml", "repaired"),
    *("no_participants", "no_senders", "mixed_stream"),
)
KNOWN = invite.read(b"", RULES, Role.UNKNOWN, words=WORDS)


def check(raw: bytes) -> None:
    """Read a request, first outside and then within a dialog; AssertionError if a reader breaks its bounds."""
    first = invite.read(raw, RULES, Role.CUSTOMER, words=WORDS)
    _check_invite(first)
    _check_invite(invite.read(raw, RULES, Role.UNKNOWN, first, WORDS))
    _check_metadata(metadata.read(raw, first.found, WORDS))
    message = multipart.read(raw)
    _holds(len(message.parts) <= multipart.MAX_PARTS)
    for part in message.parts:
        _check_metadata(metadata.read(part.content, words=WORDS))
        _check_streams(offer.read(part.content))
        labelled(part.content.decode("utf-8", "replace"), {0: "1", 7: "2"})
    named = naming.read(multipart.read_head(raw), "X-Call-ID", "X-Leg", WORDS)
    _holds(len(named.call_id) <= naming.MAX_CALL_ID and named.call_id.isprintable())
    _holds(named.role in (None, Role.CUSTOMER, Role.AGENT))
    verdict = DIGEST.judge(message.headers.get("authorization", []), "INVITE", "192.0.2.1", next(TIMES))
    _holds(verdict in (Verdict.MISSING, Verdict.WRONG))


def _check_invite(found: Invite) -> None:
    _holds(len(found.legs) <= invite.MAX_STREAMS)
    _holds(len({leg.leg_id for leg in found.legs}) == len(found.legs))
    _holds(all(0 < len(leg.leg_id) <= invite.MAX_LEG_ID and leg.leg_id.isprintable() for leg in found.legs))
    _holds(all(len(leg.name) <= 128 and (leg.role is Role.AGENT or not leg.name) for leg in found.legs))
    _holds(all(len(text) <= invite.MAX_CALL_ID and text.isprintable() for text in (found.call_id, found.sip_call_id)))
    _check_metadata(found.found)


def _check_streams(found: tuple[Stream, ...]) -> None:
    places = [place for stream in found for place in stream.places]
    _holds(len(places) == len(set(places)) and all(0 <= place < offer.MAX_M_LINES for place in places))
    for stream in found:
        _holds(len(stream.codecs) <= offer.MAX_CODECS * offer.MAX_M_LINES)
        _holds(len(offer.undecodable(stream.codecs, ("PCMU",))) < 64 * offer.MAX_CODECS * offer.MAX_M_LINES)
        _holds(all(len(codec.name) <= 32 and codec.name.isprintable() for codec in stream.codecs))


def _check_metadata(found: Metadata) -> None:
    _holds(len(found.participants) <= metadata.MAX_PARTICIPANTS)
    _holds(len(found.senders) <= metadata.MAX_STREAMS)
    _holds(len(found.streams) <= metadata.MAX_STREAMS)
    _holds(len(found.call_id) <= elements.MAX_TEXT and len(found.group) <= elements.MAX_TEXT)
    _holds(found.fault in FAULTS)
    for participant in found.participants:
        texts = (participant.participant_id, participant.name, *participant.aors)
        _holds(all(len(text) <= elements.MAX_TEXT and text.isprintable() for text in texts))


def _holds(promise: bool) -> None:
    if not promise:
        raise AssertionError("a reader exceeded its bounds")
