"""Seeds for hostile input: an INVITE in every vendor's dialect, as `testcall` would send it."""

from __future__ import annotations

from testcall import sdp, sip
from testcall.metadata import CallFacts, body, dialect_names, fill, load_dialect
from testcall.sip import Request

PLACE = {"host": "192.0.2.1", "here": "192.0.2.1:5060", "transport": "tcp"}


def invites() -> dict[str, bytes]:
    """By name of the dialect. Dialects without an offer get one here too."""
    return {name: _invite(name) for name in dialect_names()}


def _invite(name: str) -> bytes:
    dialect = load_dialect(name)
    facts = CallFacts(agent_name="Anna", agent_aor="sip:anna@example.com", sip_call_id="fuzz@192.0.2.1")
    streams = [
        sdp.OfferedStream(4_000 + 2 * place, dialect.labels.get(voice, ""), "", dialect.sdp.codecs)
        for place, voice in enumerate(dialect.legs)
    ]
    offer = sdp.offer("192.0.2.1", streams, session=1, form=dialect.sdp)
    described, content = body(dialect, offer, facts)
    values = facts.fields(dialect) | PLACE
    lines = [fill(line, values).partition(":") for line in dialect.headers]
    headers = (
        ("Via", "SIP/2.0/TCP 192.0.2.1:5060;branch=z9hG4bKfuzz"),
        ("From", f"<{fill(dialect.from_uri, values)}>;tag=1"),
        ("To", "<sip:callvane@192.0.2.9>"),
        ("Call-ID", facts.sip_call_id),
        ("CSeq", "1 INVITE"),
        ("Contact", fill(dialect.contact, values)),
        *((header, value.strip()) for header, _, value in lines),
        ("X-Call-ID", "pbx-1"),
        ("X-Leg", "agent"),
        (
            "Authorization",
            'Digest username="a", realm="callvane", nonce="", uri="", response="", qop=auth, nc=00000001',
        ),
        *described,
    )
    return sip.serialise(Request("INVITE", "sip:callvane@192.0.2.9;call-id=1;leg=customer", headers, content))
