"""Metadata and bodies."""

import email
import email.policy
from pathlib import Path

import pytest
from defusedxml import ElementTree
from hypothesis import given
from hypothesis import strategies as st

from testcall import metadata
from testcall.metadata import CallFacts, DialectError, load_dialect

RFC7865 = load_dialect("rfc7865")
NAMESPACE = {"r": "urn:ietf:params:xml:ns:recording:1"}


def test_labels_lead_to_participants() -> None:
    """Each label's stream is sent by one participant, whose address is that party's (RFC 7865 section 6)."""
    assert RFC7865.metadata is not None
    facts = CallFacts(customer_aor="sip:+15550107@example.com", agent_aor="sip:anna@example.com", agent_name="Anna")
    root = ElementTree.fromstring(metadata.render(RFC7865.metadata, facts, RFC7865))
    found = {}
    for stream in root.findall("r:stream", NAMESPACE):
        (sender,) = [
            each.get("participant_id")
            for each in root.findall("r:participantstreamassoc", NAMESPACE)
            if each.findtext("r:send", namespaces=NAMESPACE) == stream.get("stream_id")
        ]
        identity = root.find(f"r:participant[@participant_id='{sender}']/r:nameID", NAMESPACE)
        label = stream.findtext("r:label", namespaces=NAMESPACE)
        found[label] = (identity.get("aor"), identity.findtext("r:name", namespaces=NAMESPACE))
    assert found == {"1": ("sip:+15550107@example.com", None), "2": ("sip:anna@example.com", "Anna")}
    session = root.find("r:session", NAMESPACE)
    assert session.get("session_id") == facts.session_id
    assert session.findtext("r:sipSessionID", namespaces=NAMESPACE).startswith(facts.sip_session_id)


@given(st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=40))
def test_names_cannot_break_the_document(name: str) -> None:
    """An agent's name of any printable characters comes out of the XML as it went in."""
    assert RFC7865.metadata is not None
    root = ElementTree.fromstring(metadata.render(RFC7865.metadata, CallFacts(agent_name=name), RFC7865))
    assert (root.findtext(".//r:name", namespaces=NAMESPACE) or "") == name


def test_identifiers_are_fresh() -> None:
    """No two calls share an identifier, and one is 24 characters of base64."""
    one, other = CallFacts(), CallFacts()
    assert one.session_id != other.session_id
    assert one.customer_id != one.agent_id
    assert len(one.session_id) == 24


def test_body_is_multipart_with_sdp_first() -> None:
    """A SIPREC body has the SDP, then the metadata with its disposition, as any MIME parser reads it."""
    headers, body = metadata.body(RFC7865, b"v=0\r\n", CallFacts())
    head = "".join(f"{name}: {value}\r\n" for name, value in headers).encode()
    message = email.message_from_bytes(head + b"\r\n" + body, policy=email.policy.SMTP)
    sdp, xml = message.iter_parts()
    assert sdp.get_content_type() == "application/sdp"
    assert sdp.get_payload(decode=True) == b"v=0\r\n"
    assert xml.get_content_type() == "application/rs-metadata+xml"
    assert xml["Content-Disposition"] == "recording-session"
    assert bytes(xml).partition(b"\r\n\r\n")[2].startswith(b"<?xml")


def test_plain_body_is_sdp() -> None:
    """A dialect without metadata sends the SDP alone."""
    assert metadata.body(load_dialect("plain"), b"v=0\r\n", CallFacts()) == (
        (("Content-Type", "application/sdp"),),
        b"v=0\r\n",
    )


@pytest.mark.parametrize("name", metadata.dialect_names())
def test_dialects_that_ship_are_right(name: str) -> None:
    """Every dialect file loads, and its legs have labels of their own where it has any."""
    dialect = load_dialect(name)
    assert len(set(dialect.labels.values())) == len(dialect.labels)
    assert not dialect.labels or set(dialect.labels) == set(dialect.legs)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('legs = ["customer"]', "summary"),
        ('summary = "x"\nlegs = []', "legs"),
        ('summary = "x"\nlegs = ["caller"]', "caller"),
        ('summary = "x"\nlegs = ["agent"]\nlabel = "1"', "label"),
        ('summary = "x"\nlegs = ["agent"]\n[metadata]\ntype = "a/b"\nxml = "$nobody"', "unknown fields: nobody"),
        ("summary = ", "Invalid value"),
    ],
)
def test_fault_is_named_with_the_file(tmp_path: Path, text: str, reason: str) -> None:
    """A dialect file with a wrong or missing key ends in one line with its path and the key."""
    (tmp_path / "odd.toml").write_text(text)
    with pytest.raises(DialectError, match=reason) as caught:
        load_dialect("odd", tmp_path)
    assert str(caught.value).startswith(str(tmp_path / "odd.toml"))
    assert "\n" not in str(caught.value)


def test_unknown_dialect_says_which_there_are() -> None:
    """A name that is no file is answered with the names that are."""
    with pytest.raises(DialectError, match="'vulcan'; there are: plain, rfc7865"):
        load_dialect("vulcan")
