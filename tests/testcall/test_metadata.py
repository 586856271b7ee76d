"""Metadata and bodies."""

import email
import email.policy
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testcall import metadata
from testcall.metadata import CallFacts, DialectError, load_dialect

RFC7865 = load_dialect("rfc7865")
NAMESPACE = {"r": "urn:ietf:params:xml:ns:recording:1"}


def parsed(document: bytes) -> Any:
    """The root of a document of our own."""
    return ElementTree.fromstring(document)  # noqa: S314


def test_labels_lead_to_participants() -> None:
    """Each label's stream is sent by one participant, whose address is that party's (RFC 7865 section 6)."""
    facts = CallFacts(customer_aor="sip:+15550107@example.com", agent_aor="sip:anna@example.com", agent_name="Anna")
    root = parsed(metadata.render(RFC7865.parts["metadata"], facts, RFC7865))
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
    root = parsed(metadata.render(RFC7865.parts["metadata"], CallFacts(agent_name=name), RFC7865))
    assert (root.findtext(".//r:name", namespaces=NAMESPACE) or "") == name


def test_identifiers_are_fresh() -> None:
    """No two calls share an identifier, and one is 24 characters of base64."""
    one, other = CallFacts(), CallFacts()
    assert one.session_id != other.session_id
    assert one.customer != one.agent
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


def test_body_is_as_the_dialect_writes_it() -> None:
    """Part order, a third part, the boundary and its missing end come from the file."""
    dialect = load_dialect("cisco-cube-gtd")
    headers, body = metadata.body(dialect, b"v=0\r\n", CallFacts(agent_aor="sip:2001@example.com"))
    assert headers == (("Content-Type", "multipart/mixed;boundary=uniqueBoundary"),)
    kinds = [line.split(b": ")[1] for line in body.split(b"\r\n") if line.startswith(b"Content-Type")]
    assert kinds == [b"application/sdp", b"application/gtd", b"application/rs-metadata+xml"]
    assert b"CPN,00,,1,2001" in body
    assert body.endswith(b"--uniqueBoundary--\r\n")
    assert not metadata.multipart([((), b"")], "b", closed=False).endswith(b"--b--\r\n")


def test_parts_can_be_left_out() -> None:
    """What is left of a body stands alone when it is one part: an UPDATE may bring nothing but metadata."""
    headers, body = metadata.body(RFC7865, b"v=0\r\n", CallFacts(), without=("sdp",))
    assert headers == (("Content-Type", "application/rs-metadata+xml"), ("Content-Disposition", "recording-session"))
    assert body.startswith(b"<?xml")


@pytest.mark.parametrize("name", metadata.dialect_names())
def test_dialects_that_ship_are_right(name: str) -> None:
    """Every dialect file loads, its labels differ, its XML is well-formed, and it expects a leg for each stream."""
    dialect = load_dialect(name)
    labels = [dialect.labels.get(voice, "") for voice in dialect.legs]
    assert not any(labels) or len(set(labels)) == len(labels)
    assert len(dialect.expected.legs) == len(dialect.legs)
    for part in dialect.parts.values():
        text = metadata.render(part, CallFacts(), dialect)
        if text.startswith(b"<"):
            assert parsed(text) is not None


def test_a_dialect_may_be_like_another(tmp_path: Path) -> None:
    """What the file does not say is as in the other one, tables key by key."""
    (tmp_path / "first.toml").write_text(
        'summary = "x"\nlegs = ["agent"]\nlabels = { agent = "1" }\n[expected]\nlegs = [{ id = "1", role = "agent" }]'
        '\n[sdp]\norigin = "a"\nsubject = "b"'
    )
    (tmp_path / "second.toml").write_text('like = "first"\nsummary = "y"\n[sdp]\norigin = "c"')
    second = load_dialect("second", tmp_path)
    assert (second.summary, second.labels) == ("y", {"agent": "1"})
    assert (second.sdp.origin, second.sdp.subject) == ("c", "b")


EXPECTED = "\n[expected]\nlegs = [{ id = '1', role = 'agent' }]"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('legs = ["customer"]', "summary"),
        ('summary = "x"\nlegs = []' + EXPECTED, "legs"),
        ('summary = "x"\nlegs = ["caller"]' + EXPECTED, "caller"),
        ('summary = "x"\nlegs = ["agent"]\nlabel = "1"' + EXPECTED, "label"),
        ('summary = "x"\nlegs = ["agent"]', "expected"),
        ('summary = "x"\nlegs = ["agent"]\nheaders = ["X: $nobody"]' + EXPECTED, "unknown fields: nobody"),
        ('summary = "x"\nlegs = ["agent"]\nbody = ["sdp", "xml"]' + EXPECTED, "parts that are not there: xml"),
        ('summary = "x"\nlegs = ["agent"]\nbody = ["xml"]' + EXPECTED + '\n[parts.xml]\ntype = "a/b"', "has no sdp"),
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
    with pytest.raises(DialectError, match=r"'vulcan'; there are: audiocodes, .*plain"):
        load_dialect("vulcan")
