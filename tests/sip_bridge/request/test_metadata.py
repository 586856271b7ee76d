"""Recording metadata: vendors' dialects, and what no vendor sends."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip_bridge.request import elements, metadata, vendors

VENDORS = Path(__file__).parents[1] / "vendors"
WORDS = vendors.load()


@pytest.mark.parametrize(
    ("vendor", "call_id", "senders", "fault"),
    [
        ("rfc7865", "hVpd7YQgRW2nD22h7q60JQ==", {"96": "+15550101", "97": "2001"}, ""),
        ("cisco_cube", "FGI8Yoi7EfCAAZXMBpzsHg==", {"1": "15550102", "2": "3005"}, ""),
        ("audiocodes", "0000-0000-0000-0000-6b8b4567", {"1": "15550103", "2": "2001"}, ""),
        ("audiocodes_legacy", "00-1a2b", {"1": "15550104", "2": "2001"}, ""),
        ("oracle", "AAMKAAAAAAAAAAAABgAAAA==", {"16777226": "2001", "16777227": "+15550105"}, ""),
        ("ribbon", "1234_67890123@203.0.113.1", {}, "no_senders"),
        ("broadworks", "callhalf-14221:0", {}, "no_senders"),
        ("opensips", "bzyO0gSgRLSFXoqIe5GXZg==", {}, "no_senders"),
        ("sems", "s-1", {"a_leg": "15550109", "b_leg": "2001"}, ""),
    ],
)
def test_vendors(vendor: str, call_id: str, senders: dict[str, str], fault: str) -> None:
    """Each dialect gives the call's id, and who speaks in which stream where it says so."""
    found = metadata.read((VENDORS / f"{vendor}.xml").read_bytes(), words=WORDS)
    assert found.call_id == call_id
    assert {label: participant.users[0] for label, participant in found.senders.items()} == senders
    assert len(found.participants) == 2
    assert found.fault == fault


def test_names_and_callers_are_read() -> None:
    """Display names and Oracle's flag of who called come along; Ribbon's headers name the caller first."""
    oracle = metadata.read((VENDORS / "oracle.xml").read_bytes(), words=WORDS).participants
    assert [(participant.name, participant.calling) for participant in oracle] == [("Anna", False), ("sipp", True)]
    ribbon = metadata.read((VENDORS / "ribbon.xml").read_bytes(), words=WORDS).participants
    assert [(p.users, p.name, p.calling) for p in ribbon] == [(("+15550106",), "caller", True), (("2001",), "", False)]


def people(*numbers: str, calls: str = "", same_stream: bool = False) -> bytes:
    """A recording of these parties, the stream ids as elements within `send`."""
    parties = "".join(
        f'<participant id="p{i}"><aor>sip:{number}@x;user=phone</aor><send><id>s{0 if same_stream else i}</id></send>'
        f'</participant><stream id="s{i}"><label>{i}</label></stream>'
        for i, number in enumerate(numbers)
    )
    return f"<recording>{parties}<extensiondata>{calls}</extensiondata></recording>".encode()


@pytest.mark.parametrize(
    ("numbers", "calls", "calling"),
    [
        pytest.param(
            ("2001", "+15550101"),
            "<callingPartyNumber>sip:+15550101@x</callingPartyNumber><calledPartyNumber>2001</calledPartyNumber>",
            [False, True],
            id="both",
        ),
        pytest.param(
            ("2001", "+15550101"), "<callingPartyNumber>15550101</callingPartyNumber>", [None, True], id="one"
        ),
        pytest.param(
            ("2001", "+15550101"), "<callingPartyNumber>001 555-0101</callingPartyNumber>", [None, True], id="plan"
        ),
        pytest.param(("2001", "2002"), "<callingPartyNumber>12002</callingPartyNumber>", [None, None], id="too short"),
        pytest.param(("2001", "2002"), "<callingPartyNumber></callingPartyNumber>", [None, None], id="empty"),
    ],
)
def test_who_called_is_told_by_number(numbers: tuple[str, str], calls: str, calling: list[bool | None]) -> None:
    """BroadWorks and Metaswitch name caller and called beside the participants; prefixes may differ."""
    found = metadata.read(people(*numbers, calls=calls), words=WORDS)
    assert [participant.calling for participant in found.participants] == calling
    assert {label: participant.users[0] for label, participant in found.senders.items()} == {
        "0": numbers[0],
        "1": numbers[1],
    }


def test_a_stream_that_both_speak_in_is_nobodys() -> None:
    """Where two participants send the same stream, it has no sender, and that is said."""
    found = metadata.read(people("2001", "+15550101", same_stream=True))
    assert (found.senders, found.fault) == ({}, "mixed_stream")


def test_headers_name_the_parties_by_place() -> None:
    """The first m-line's party is the caller; what has no place is left out."""
    values = ['sip:+15550101@x;media-index="0"', "<sip:2001@x>;media-index=1", "sip:3@x", ';media-index="2"', ""]
    found = metadata.read_headers({"x-cisco-recording-participant": values}, WORDS)
    assert {place: (participant.users, participant.calling) for place, participant in found.items()} == {
        0: (("+15550101",), True),
        1: (("2001",), False),
    }


BOMB = b"""<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><recording><session session_id="&c;"/></recording>"""
FILE = b"""<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><recording><session session_id="&x;"/></recording>"""


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        pytest.param(b"", "bad_xml", id="empty"),
        pytest.param(b"not xml", "bad_xml", id="text"),
        pytest.param(b"<recording><session>", "bad_xml", id="cut short"),
        pytest.param(b"<recording>\xff\xfe</recording>", "bad_xml", id="no UTF-8"),
        pytest.param(b'<?xml version="1.0" encoding="klingon"?><recording/>', "bad_xml", id="unknown encoding"),
        pytest.param(b"<a>" * 20_000, "too_large", id="deep and unclosed"),
        pytest.param(b"<a>" * 500 + b"</a>" * 500, "no_participants", id="deep"),
        pytest.param(BOMB, "forbidden_xml", id="entity bomb"),
        pytest.param(FILE, "forbidden_xml", id="external entity"),
        pytest.param(b"<!DOCTYPE r><recording/>", "forbidden_xml", id="document type"),
        pytest.param(b"<recording>" + b" " * elements.MAX_BYTES + b"</recording>", "too_large", id="more than 64 kB"),
        pytest.param(b"<recording/>", "no_participants", id="nothing in it"),
    ],
)
def test_hostile_metadata(content: bytes, fault: str) -> None:
    """What cannot be read gives no participants and a named fault; nothing raises."""
    found = metadata.read(content)
    assert (found.fault, found.participants, found.senders) == (fault, (), {})


def test_metadata_up_to_the_limit_is_read() -> None:
    """64 kB of metadata is read like any other."""
    content = (VENDORS / "rfc7865.xml").read_bytes()
    padded = content.replace(b"</recording>", b"</recording>".rjust(elements.MAX_BYTES - len(content) + 12))
    assert len(padded) == elements.MAX_BYTES
    assert metadata.read(padded) == metadata.read(content)


def test_a_thousand_participants_are_cut_to_sixteen() -> None:
    """What a peer may make us keep is bounded."""
    people = b"".join(
        b'<participant participant_id="%d"><nameID aor="sip:%d@x"/></participant>' % (i, i) for i in range(900)
    )
    assert len(metadata.read(b"<recording>" + people + b"</recording>").participants) == metadata.MAX_PARTICIPANTS


def test_text_is_cut_and_cleaned() -> None:
    """Control characters and overlong values do not pass."""
    content = b'<recording><session session_id="a&#9;b&#10;c' + b"x" * 2000 + b'"/></recording>'
    found = metadata.read(content).call_id
    assert found.startswith("abcx")
    assert len(found) == elements.MAX_TEXT


@given(st.binary(max_size=300))
def test_any_bytes_are_read(content: bytes) -> None:
    """Nothing raises."""
    metadata.read(content)


TAGS = [
    "recording",
    "session",
    "participant",
    "stream",
    "label",
    "send",
    "nameID",
    "name",
    "aor",
    "participantstreamassoc",
]
element = st.recursive(
    st.text(st.characters(codec="utf-8", exclude_characters="<>&\x00"), max_size=8),
    lambda inner: st.tuples(
        st.sampled_from(TAGS),
        st.sampled_from(["", ' id="1"', ' participant_id="1"', ' aor="sip:1@x"']),
        st.lists(inner, max_size=4),
    ).map(lambda parts: f"<{parts[0]}{parts[1]}>{''.join(parts[2])}</{parts[0]}>"),
    max_leaves=25,
)


@given(element)
def test_any_nesting_is_read(text: str) -> None:
    """Known elements in any order and depth never raise, and every sender is a known participant."""
    found = metadata.read(text.encode())
    assert set(found.senders.values()) <= set(found.participants)


def change(*elements: str, mode: str = "partial") -> bytes:
    """A later document of the same call."""
    return f"<recording><datamode>{mode}</datamode>{''.join(elements)}</recording>".encode()


def test_a_partial_document_adds_to_what_was_said() -> None:
    """RFC 7865 section 5.2.1: another agent takes the place of the one who had the stream; the customer stays."""
    first = metadata.read((VENDORS / "rfc7865.xml").read_bytes())
    stream = next(identity for identity, label in first.streams.items() if label == "97")
    ben = '<participant participant_id="ben"><nameID aor="sip:2002@pbx.example"/></participant>'
    sends = f'<participantstreamassoc participant_id="ben"><send>{stream}</send></participantstreamassoc>'
    found = metadata.read(change(ben, sends), first)
    assert {label: party.users[0] for label, party in found.senders.items()} == {"96": "+15550101", "97": "2002"}
    assert [party.users[0] for party in found.participants] == ["+15550101", "2002"]
    assert metadata.read(change(ben, sends, mode="complete"), first).senders == {}
    assert metadata.read(change(), first).senders == first.senders


def test_a_partial_document_may_rename() -> None:
    """A participant that is told again is the new one, wherever it speaks."""
    first = metadata.read((VENDORS / "rfc7865.xml").read_bytes())
    identity = first.senders["97"].participant_id
    again = f'<participant participant_id="{identity}"><nameID aor="sip:2001@x"><name>Eva</name></nameID></participant>'
    found = metadata.read(change(again), first)
    assert found.senders["97"].name == "Eva"
    assert [party.name for party in found.participants] == ["", "Eva"]


@given(st.lists(st.text(max_size=60), max_size=6))
def test_any_partial_documents_are_read(contents: list[str]) -> None:
    """Whatever follows whatever, nothing raises and all is bounded."""
    known = metadata.read((VENDORS / "rfc7865.xml").read_bytes())
    for number, content in enumerate(contents):
        joins = f'<participant participant_id="{number}"><nameID aor="sip:{number}@x"/></participant>'
        streams = f'<stream stream_id="{number}"><label>{number}</label></stream>'
        sends = f'<participantstreamassoc participant_id="{number}"><send>{number}</send></participantstreamassoc>'
        known = metadata.read(change(joins, streams, sends, escape(content)), known)
    assert len(known.participants) <= metadata.MAX_PARTICIPANTS
