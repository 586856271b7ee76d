"""What an INVITE says about its call and legs."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbus import Role
from sip_bridge.request import invite, vendors
from sip_bridge.request.roles import AgentRules

VENDORS = Path(__file__).parents[1] / "vendors"
WORDS = vendors.load()
RULES = AgentRules(extensions=("2001", "3005"))


def sdp(*labels: str | None) -> str:
    """One audio stream for each label; None has no label."""
    lines = ["v=0", "o=- 1 1 IN IP4 192.0.2.1", "s=-", "c=IN IP4 192.0.2.1", "t=0 0"]
    for index, label in enumerate(labels):
        lines += [f"m=audio {4000 + 2 * index} RTP/AVP 0", "a=sendonly", *([f"a=label:{label}"] if label else [])]
    return "\r\n".join([*lines, ""])


def request(offer: str, metadata: bytes = b"", kind: str = "application/rs-metadata+xml") -> bytes:
    """An INVITE with an offer, and metadata in a second part if there is any."""
    head = "INVITE sip:srs@example.com SIP/2.0\r\nCall-ID: sip-1@example.com\r\n"
    if not metadata:
        return f"{head}Content-Type: application/sdp\r\n\r\n{offer}".encode()
    first = f"--b\r\nContent-Type: application/sdp\r\n\r\n{offer}\r\n"
    second = f"--b\r\nContent-Type: {kind}\r\n\r\n".encode() + metadata + b"\r\n--b--\r\n"
    return f"{head}Content-Type: multipart/mixed;boundary=b\r\n\r\n{first}".encode() + second


def legs(found: invite.Invite) -> list[tuple[str, str, str]]:
    """Leg ids, roles and names."""
    return [(leg.leg_id, str(leg.role), leg.name) for leg in found.legs]


@pytest.mark.parametrize(
    ("vendor", "labels", "kind", "expected"),
    [
        ("rfc7865", "96 97", "application/rs-metadata+xml", [("96", "customer", ""), ("97", "agent", "Anna")]),
        ("rfc7865", "97 96", "application/rs-metadata+xml", [("97", "agent", "Anna"), ("96", "customer", "")]),
        ("cisco_cube", "1 2", "application/rs-metadata+xml", [("1", "customer", ""), ("2", "agent", "Mia")]),
        ("audiocodes", "1 2", "application/rs-metadata", [("1", "customer", ""), ("2", "agent", "Anna")]),
        ("audiocodes_legacy", "1 2", "application/rs-metadata", [("1", "customer", ""), ("2", "agent", "2001")]),
        ("oracle", "16777226 16777227", "application/rs-metadata+xml",
         [("16777226", "agent", "Anna"), ("16777227", "customer", "")]),
        ("ribbon", "1 2", "application/rs-metadata+xml", [("1", "customer", ""), ("2", "agent", "2001")]),
        ("broadworks", "1", "application/ +xml", [("1", "unknown", "")]),
        ("opensips", "0 1", "application/rs-metadata+xml", [("0", "customer", ""), ("1", "agent", "2001")]),
        ("sems", "a_leg b_leg", "application/rs-metadata+xml", [("a_leg", "customer", ""), ("b_leg", "agent", "2001")]),
    ],
)  # fmt: skip
def test_vendors(vendor: str, labels: str, kind: str, expected: list[tuple[str, str, str]]) -> None:
    """Each dialect's legs get their roles, whatever the order of the streams."""
    content = (VENDORS / f"{vendor}.xml").read_bytes()
    assert legs(invite.read(request(sdp(*labels.split()), content, kind), RULES, Role.UNKNOWN, words=WORDS)) == expected


@pytest.mark.parametrize(
    ("offer", "expected"),
    [
        pytest.param(sdp(None), [("0", "customer", "")], id="one stream"),
        pytest.param(sdp("7"), [("7", "customer", "")], id="one stream with a label"),
        pytest.param(sdp(None, None), [("0", "unknown", ""), ("1", "unknown", "")], id="two streams"),
        pytest.param(sdp("1", "1"), [("1", "unknown", ""), ("1#1.0", "unknown", "")], id="the same label twice"),
        pytest.param(
            sdp("1", "1#2.0", "1"), [(i, "unknown", "") for i in ("1", "1#2.0", "1#2.1")], id="a label like a mark"
        ),
        pytest.param(sdp("1", None), [("1", "unknown", ""), ("1#1.0", "unknown", "")], id="a label like a place"),
        pytest.param(sdp("1", "2").replace("4002", "0"), [("1", "customer", "")], id="a refused stream"),
        pytest.param(sdp("1").replace("audio", "video"), [], id="no audio"),
        pytest.param(sdp(), [], id="no streams"),
        pytest.param("", [], id="no offer"),
        pytest.param(sdp("1").replace("\r\n", "\n"), [("1", "customer", "")], id="bare line feeds"),
        pytest.param(sdp("x" * 300), [("x" * 64, "customer", "")], id="an overlong label"),
    ],
)
def test_plain_forks(offer: str, expected: list[tuple[str, str, str]]) -> None:
    """Without metadata a lone stream has the configured role, several are unknown."""
    found = invite.read(request(offer), RULES, Role.CUSTOMER)
    assert legs(found) == expected
    assert (found.call_id, found.metadata_fault) == ("sip-1@example.com", "none")


def test_headers_may_stand_for_metadata() -> None:
    """Cisco's network-based recording has headers instead: the m-lines' parties get their roles."""
    headers = "".join(
        f'X-Cisco-Recording-Participant: sip:{user}@x;media-index="{place}"\r\n'
        for place, user in enumerate(("+15550101", "anna"))
    )
    raw = request(sdp(None, None)).replace(b"Call-ID:", headers.encode() + b"Call-ID:")
    found = invite.read(raw, RULES, Role.UNKNOWN, words=WORDS)
    assert (legs(found), found.metadata_fault) == ([("0", "customer", ""), ("1", "agent", "anna")], "headers")


@pytest.mark.parametrize("content", [b"<broken", b"<!DOCTYPE a><a/>", b" " * 70_000])
def test_bad_metadata_refuses_no_call(content: bytes) -> None:
    """Legs stay, with roles unknown; the call goes by its SIP Call-ID."""
    found = invite.read(request(sdp("1", "2"), content), RULES, Role.CUSTOMER)
    assert legs(found) == [("1", "unknown", ""), ("2", "unknown", "")]
    assert found.call_id == "sip-1@example.com"
    assert found.metadata_fault


def test_who_has_left_the_call_is_nobodys_counterpart() -> None:
    """Metadata may still list the agent before a transfer: roles are those of the parties that speak."""
    gone = b'<recording><participant participant_id="x"><nameID aor="sip:left@x"/></participant>'
    content = (VENDORS / "sems.xml").read_bytes()
    content = content[: content.index(b"<participant ")] + gone[11:] + content[content.index(b"<participant ") :]
    found = invite.read(request(sdp("a_leg", "b_leg"), content), AgentRules(), Role.UNKNOWN)
    assert [role for _, role, _ in legs(found)] == ["customer", "agent"]


def test_a_request_without_sdp_is_about_the_streams_as_they_are() -> None:
    """Metadata alone is read against the session that stands; the same for a document that is only a change."""
    content = (VENDORS / "sems.xml").read_bytes()
    first = invite.read(request(sdp("a_leg", "b_leg"), content), RULES, Role.UNKNOWN)
    alone = b"UPDATE sip:srs@x SIP/2.0\r\nContent-Type: application/rs-metadata+xml\r\n\r\n"
    for body in (content, b"<recording><datamode>partial</datamode></recording>"):
        later = invite.read(alone + body, RULES, Role.UNKNOWN, first)
        assert not later.offers
        assert legs(later) == legs(first)
        assert later.parties == first.parties


def test_a_stream_that_metadata_does_not_name_is_unknown() -> None:
    """Associations that are there are believed, not guessed beyond."""
    content = (VENDORS / "rfc7865.xml").read_bytes()
    found = invite.read(request(sdp("96", "99"), content), RULES, Role.CUSTOMER)
    assert legs(found) == [("96", "customer", ""), ("99", "unknown", "")]


def parties(*users: str, caller: str = "", group: str = "g", session: str = "s") -> bytes:
    """Metadata of these, the first in stream 1, the second in stream 2."""
    people = "".join(
        f'<participant id="{user}"><nameID aor="sip:{user}@x"/>'
        f"<callingParty>{str(user == caller).lower()}</callingParty><send>s{place}</send></participant>"
        f'<stream id="s{place}"><label>{place}</label></stream>'
        for place, user in enumerate(users, 1)
    )
    return f'<recording><group id="{group}"/><session id="{session}"/>{people}</recording>'.encode()


def said(content: bytes, before: invite.Invite | None = None) -> invite.Invite:
    """What a request with this metadata says."""
    return invite.read(request(sdp("1", "2"), content), AgentRules(), Role.UNKNOWN, before, WORDS)


def test_who_was_the_customer_stays_the_customer() -> None:
    """After a transfer the customer may be the one who is called: who placed that call means nothing."""
    before = said(parties("cust", "anna", caller="cust"))
    assert legs(before) == [("1", "customer", ""), ("2", "agent", "anna")]
    assert (set(before.customers), set(before.people), before.group) == ({"cust"}, {"cust", "anna"}, "g")
    content = parties("cust", "dora", caller="dora", session="t")
    assert legs(said(content, before)) == [("1", "customer", ""), ("2", "agent", "dora")]
    silent = invite.read(request(sdp("1", "2")), AgentRules(), Role.UNKNOWN, before, WORDS)
    assert legs(said(content, silent)) == legs(said(content, before))
    alone = said(content)
    assert legs(alone) == [("1", "agent", "cust"), ("2", "customer", "")]
    assert legs(invite.followed(before.customers, before.people, alone)) == legs(said(content, before))


def test_where_nobody_new_has_come_the_latest_word_counts() -> None:
    """Metadata that corrects who has called is believed, and so is a call in which nobody is left."""
    before = said(parties("cust", "anna", caller="anna"))
    assert legs(said(parties("cust", "anna", caller="cust"), before)) == [("1", "customer", ""), ("2", "agent", "anna")]
    assert legs(said(parties("eva", "dora", caller="dora"), before)) == [("1", "agent", "eva"), ("2", "customer", "")]


@pytest.mark.parametrize("user", ["anonymous", "Anonymous", "unavailable"])
def test_an_anonymous_customer_is_not_known_again(user: str) -> None:
    """What many callers share tells nobody apart."""
    found = said(parties(user, "anna", caller=user))
    assert (set(found.customers), set(found.people)) == (set(), {"anna"})


def test_damaged_metadata_takes_no_streams_away() -> None:
    """A snapshot that breaks off before it says who speaks: a later change is read against the one that was whole."""
    content = (VENDORS / "rfc7865.xml").read_bytes()
    first = invite.read(request(sdp("96", "97"), content), RULES, Role.UNKNOWN)
    cut = content[: content.index(b"<stream ")]
    later = invite.read(request(sdp("96", "97"), cut), RULES, Role.UNKNOWN, first)
    assert later.metadata_fault == "repaired"
    assert later.found == first.found


def test_a_voice_that_is_offered_twice_is_one_leg() -> None:
    """Encrypted and not: the leg names both m-lines, and what it may be spoken in."""
    twice = sdp("1", "1", "2", "2").replace("RTP/AVP", "RTP/SAVP", 1)
    head, tail = twice.split("m=audio 4004", 1)
    found = invite.read(
        request(f"{head}m=audio 4004{tail.replace('RTP/AVP 0', 'RTP/SAVP 18', 1)}"), RULES, Role.UNKNOWN
    )
    assert [(leg.leg_id, leg.index, leg.alternatives) for leg in found.legs] == [("1", 0, (1,)), ("2", 2, (3,))]
    assert [[codec.name for codec in leg.codecs] for leg in found.legs] == [["PCMU"], ["G729", "PCMU"]]
    assert [leg.undecodable(("G722",)) for leg in found.legs] == ["PCMU (0)", "G729 (18), PCMU (0)"]


@given(st.binary(max_size=300))
def test_any_bytes_are_read(raw: bytes) -> None:
    """Nothing raises."""
    invite.read(raw, RULES, Role.UNKNOWN)


@given(st.text(max_size=200), st.binary(max_size=200))
def test_leg_ids_are_unique_and_bounded(offer: str, content: bytes) -> None:
    """Whatever is offered, ids are no longer than they may be and no two legs share one."""
    found = invite.read(request(sdp("1", "1", "2") + offer, content), RULES, Role.UNKNOWN)
    ids = [leg.leg_id for leg in found.legs]
    assert len(set(ids)) == len(ids)
    assert all(0 < len(leg_id) <= invite.MAX_LEG_ID for leg_id in ids)
