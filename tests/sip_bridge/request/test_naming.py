"""How plain forks name their call."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbus import Role
from sip_bridge.request import naming, vendors
from sip_bridge.request.multipart import read_head
from sip_bridge.request.naming import MAX_CALL_ID, Naming


def invite(uri: str = "sip:srs@10.0.0.5", *headers: str) -> bytes:
    """A request's head."""
    return "\r\n".join([f"INVITE {uri} SIP/2.0", "Call-ID: sip-1", *headers, "", "v=0\r\nX-Call-ID: body"]).encode()


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param(invite(), Naming(), id="nothing"),
        pytest.param(
            invite("sip:srs@h", "X-Call-ID: pbx-7.1", "X-Leg: agent"), Naming("pbx-7.1", Role.AGENT), id="headers"
        ),
        pytest.param(invite("sip:s@h", "x-call-id:  a b ", "x-leg:CUSTOMER"), Naming("a b", Role.CUSTOMER), id="case"),
        pytest.param(invite("sip:s@h;call-id=a%2Fb;leg=Agent"), Naming("a/b", Role.AGENT), id="parameters"),
        pytest.param(invite("<sip:s@h;leg=agent;call-id=7>"), Naming("7", Role.AGENT), id="brackets"),
        pytest.param(invite("sip:s@h;call-id=no", "X-Call-ID: yes"), Naming("yes"), id="headerBeforeParameter"),
        pytest.param(invite("sip:s@h;call-id=yes", "X-Call-ID: "), Naming("yes"), id="emptyHeader"),
        pytest.param(invite("sip:s@h", "X-Call-ID: one", "X-Call-ID: two"), Naming("one"), id="first"),
        pytest.param(invite("sip:s@h", "X-Leg: supervisor"), Naming(), id="strangeLeg"),
        pytest.param(invite("sip:s@h", "X-Leg: unknown"), Naming(), id="unknownLeg"),
        pytest.param(invite("sip:s@h", "X-Call-ID: a\x00\x1b[2Jb\u2028"), Naming("a[2Jb"), id="unprintable"),
        pytest.param(b"\xff\xfe", Naming(), id="garbage"),
    ],
)
def test_what_a_fork_says_of_itself(raw: bytes, expected: Naming) -> None:
    """Headers first, then the URI's parameters; words that are not known say nothing."""
    assert naming.read(read_head(raw), "X-Call-ID", "X-Leg") == expected


FROM = 'From: "Anna;x-refci=9" <sip:2001@h;x-nearend;x-refci=82731258;x-nearendaddr=2001>;tag=1;x-farend'


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param(invite("sip:s@h", FROM), Naming("82731258", Role.AGENT, True), id="near end"),
        pytest.param(
            invite("sip:s@h", FROM.replace(";x-nearend;", ";x-farend;").replace("From", "f")),
            Naming("82731258", Role.CUSTOMER, True),
            id="far end",
        ),
        pytest.param(invite("sip:s@h", FROM, "X-Call-ID: 7", "X-Leg: customer"), Naming("7", Role.CUSTOMER), id="ours"),
        pytest.param(invite("sip:s@h", "From: <sip:2001@h>;x-refci=1"), Naming(), id="of the header"),
        pytest.param(invite("sip:s@h", "From: <sip:2001@h;x-refci=>"), Naming(), id="nothing"),
        pytest.param(invite("sip:s@h", "From: <sip:2001@h;x-refcis=1;x-nearends>"), Naming(), id="another name"),
    ],
)
def test_a_vendors_own_way(raw: bytes, expected: Naming) -> None:
    """CUCM's phones name call and voice in the From address, and leave the offer to us; our own ways come first."""
    assert naming.read(read_head(raw), "X-Call-ID", "X-Leg", vendors.load()) == expected


def test_without_names_there_are_no_vendors_ways() -> None:
    """Where plain forks are not to be joined, a vendor's way counts as little as ours."""
    assert naming.read(read_head(invite("sip:s@h", FROM)), "", "", vendors.load()) == Naming()


def test_names_are_settings() -> None:
    """Other headers can be named, and an empty name switches header and parameter off."""
    raw = invite("sip:s@h;call-id=1;leg=agent", "X-Asterisk-ID: 2", "X-Call-ID: 3")
    assert naming.read(read_head(raw), "X-Asterisk-ID", "") == Naming("2")
    assert naming.read(read_head(raw), "", "X-Leg") == Naming("", Role.AGENT)


def test_long_ids_that_begin_alike_stay_apart() -> None:
    """An id is bounded by a mark of the whole of it."""
    ids = [
        naming.read(read_head(invite("sip:s@h", f"X-Call-ID: {'a' * 500}{end}")), "X-Call-ID", "X-Leg").call_id
        for end in "bc"
    ]
    assert [len(each) for each in ids] == [MAX_CALL_ID] * 2
    assert ids[0] != ids[1]


@given(st.binary(max_size=400))
def test_any_bytes_are_read(raw: bytes) -> None:
    """Whatever comes, there is an answer, and it is bounded and printable."""
    for text in (raw, b"INVITE sip:a;call-id=" + raw + b" SIP/2.0\r\nX-Call-ID: " + raw + b"\r\n\r\n"):
        found = naming.read(read_head(text), "X-Call-ID", "X-Leg")
        assert len(found.call_id) <= MAX_CALL_ID
        assert not found.call_id or found.call_id.isprintable()
