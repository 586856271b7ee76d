"""Session descriptions as the library is to read them, and why audio is refused: tables and properties."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip_bridge.request.description import PROFILES, Abilities, readable, refusal

BOTH = Abilities(frozenset(("IP4", "IP6")))
HEAD = "v=0\no=- 1 2 IN IP4 192.0.2.1\ns=x\nc=IN IP4 192.0.2.1\nt=0 0\n"


def lines(sdp: str, abilities: Abilities = BOTH) -> list[str]:
    """What the library reads of a description, from its first m-line on."""
    found = readable(sdp.encode(), abilities).split("\r\n")
    return [line for line in found if line][4:]


@pytest.mark.parametrize(
    ("sdp", "read"),
    [
        ("m=audio 4000 RTP/AVP 0\na=sendonly", ["c=IN IP4 192.0.2.1", "a=sendonly"]),
        ("m=audio 4000 RTP/AVP 0\na=ssrc:900323067\na=sendonly", ["c=IN IP4 192.0.2.1", "a=sendonly"]),
        ("m=audio 4000 RTP/AVP 0", ["c=IN IP4 192.0.2.1", "a=sendonly"]),
        ("m=audio 4000 RTP/AVP 0\na=sendrecv", ["c=IN IP4 192.0.2.1", "a=sendonly"]),
        ("m=audio 4000 RTP/AVP 0\na=inactive", ["c=IN IP4 192.0.2.1", "a=inactive"]),
        ("m=audio 4000 RTP/AVP 0\nc=IN IP4 0.0.0.0\na=sendrecv", ["c=IN IP4 0.0.0.0", "a=sendrecv"]),
        ("m=audio 4000 RTP/AVP 0\nc=IN IP4 0.0.0.0\na=sendonly", ["c=IN IP4 0.0.0.0", "a=sendonly"]),
        ("m=audio 4000 RTP/AVP 0\nc=IN IP4 media.example", ["c=IN IP4 0.0.0.0", "a=sendonly"]),
        ("m=audio 4000 RTP/AVP 0\nc=IN IP6 media.example", ["c=IN IP6 ::", "a=sendonly"]),
        ("m=audio 4000 RTP/AVP 0\nc=IN IP4 2001:db8::1", ["c=IN IP6 2001:db8::1", "a=sendonly"]),
        ("m=audio 4000 RTP/AVP 0\nc=IN IP4 192.0.2.9/127", ["c=IN IP4 192.0.2.9", "a=sendonly"]),
        ("m=audio 4000 RTP/AVP 0\na=label:96", ["c=IN IP4 192.0.2.1", "a=sendonly", "a=label:96"]),
    ],
)
def test_what_is_read_of_a_stream(sdp: str, read: list[str]) -> None:
    """Address and direction: nothing is ever sent, and a name is not asked for; a call on hold stays on hold."""
    assert lines(HEAD + sdp) == ["m=audio 4000 RTP/AVP 0", *read]


def test_without_any_address_a_stream_is_taken() -> None:
    """A recorder never sends to it."""
    assert lines("v=0\nm=audio 4000 RTP/AVP 0\na=sendonly") == [
        "m=audio 4000 RTP/AVP 0",
        "c=IN IP4 0.0.0.0",
        "a=sendonly",
    ]


def test_codecs_have_the_channels_that_the_library_knows() -> None:
    """Opus is written with two, whatever it has, and telephone codecs with none."""
    maps = "a=rtpmap:96 opus/48000\na=rtpmap:97 opus/48000/1\na=rtpmap:0 PCMU/8000/1\n"
    found = lines(f"{HEAD}m=audio 4000 RTP/AVP 96 97 0\n{maps}")
    assert found[3:] == ["a=rtpmap:96 opus/48000/2", "a=rtpmap:97 opus/48000/2", "a=rtpmap:0 PCMU/8000"]


@pytest.mark.parametrize(
    ("formats", "attributes", "kept"),
    [
        ("0 8 101", "a=rtpmap:101 telephone-event/8000", "0 8 101"),
        ("0 99 200 0 x", "", "0"),
        ("96 0", "a=rtpmap:96 opus/48000/2", "96 0"),
        ("8", "a=rtpmap:8", "8"),
        ("0 101", "a=rtpmap:101 telephone-event", "0"),
        ("0 97", "a=rtpmap:97 X-NSE/-1", "0"),
    ],
)
def test_formats_that_mean_something_are_kept(formats: str, attributes: str, kept: str) -> None:
    """Those that are no payload types, said twice, or dynamic without a meaning, are left out."""
    assert lines(f"{HEAD}m=audio 4000 RTP/AVP {formats}\n{attributes}")[0] == f"m=audio 4000 RTP/AVP {kept}"


@pytest.mark.parametrize(
    ("sdp", "abilities", "ports"),
    [
        ("m=audio 4 RTP/AVP 0\nm=audio 6 RTP/AVP 18\n", BOTH, [4, 0]),
        ("m=audio 4 RTP/AVP 0\nm=video 6 RTP/AVP 31\nm=image 0 udptl t38\n", BOTH, [4, 0, 0]),
        ("m=audio 4 RTP/SAVP 0\na=label:1\nm=audio 4 RTP/AVP 0\na=label:1\n", BOTH, [0, 4]),
        (
            "m=audio 4 RTP/SAVP 0\na=label:1\nm=audio 4 RTP/AVP 0\na=label:1\n",
            Abilities(profiles=PROFILES["optional"]),
            [4, 0],
        ),
        ("m=audio 4 RTP/AVP 0\nm=audio 6 RTP/AVP 0\nc=IN IP6 ::1\n", Abilities(), [4, 0]),
        ("m=audio 4 RTP/AVP 0\nm=audio 6 RTP/AVP 0\nc=IN IP6 ::1\n", Abilities(frozenset(("IP6",))), [0, 6]),
        ("m=audio 70000 RTP/AVP 0\n", BOTH, [0]),
        ("m=\n", BOTH, [0]),
    ],
)
def test_each_m_line_keeps_its_place(sdp: str, abilities: Abilities, ports: list[int]) -> None:
    """Those that nobody here receives are refused where they stand; of alternatives one is taken."""
    found = [line.split()[1] for line in lines(HEAD + sdp, abilities) if line.startswith("m=")]
    assert [int(port) for port in found] == ports


@pytest.mark.parametrize(
    ("sdp", "abilities", "reason"),
    [
        ("m=audio 4 RTP/AVP 0\n", Abilities(), ""),
        ("m=audio 4 RTP/AVP 18 0\n", Abilities(), ""),
        ("m=audio 4 RTP/AVP 18\nm=audio 6 RTP/AVP 0\n", Abilities(), ""),
        ("", Abilities(), ""),
        ("m=video 4 RTP/AVP 31\n", Abilities(), ""),
        ("m=audio 4 RTP/AVP 18 101\n", Abilities(), "G729 (18) cannot be decoded, use PCMU, PCMA, G722, opus"),
        ("m=audio 4 RTP/AVP 3\nm=audio 6 RTP/AVP 3\n", Abilities(), "GSM (3) cannot be"),
        ("m=audio 4 RTP/AVP 10 11\n", Abilities(), "L16 (10), L16 (11) cannot be"),
        ("m=audio 4 RTP/AVP 97\na=rtpmap:97 AMR/8000\n", Abilities(), "AMR (97) cannot be"),
        ("m=audio 4 RTP/AVP 97\na=rtpmap:97 PCMU/16000\n", Abilities(), "PCMU/16000 (97) cannot be"),
        ("m=AUDIO 4 RTP/AVP 3\n", Abilities(), "GSM (3) cannot be"),
        ("m=audio 4 RTP/AVP 97\na=rtpmap:97 opus/48000\n", Abilities(), ""),
        ("m=audio 4 RTP/SAVP 0\n", Abilities(), "RTP/SAVP is not accepted, use RTP/AVP or RTP/AVPF"),
        ("m=audio 4 RTP/AVP 0\n", Abilities(profiles=PROFILES["required"]), "RTP/AVP is not accepted, use RTP/SAVP or"),
        ("m=audio 4 RTP/AVP 0\nc=IN IP6 ::1\n", Abilities(), "IP6 is not accepted, use IP4"),
    ],
)
def test_why_nothing_can_be_heard(sdp: str, abilities: Abilities, reason: str) -> None:
    """Said only where no stream can be received, once for each cause, with what would do."""
    found = refusal((HEAD + sdp).encode(), abilities)
    assert found.startswith(reason) if reason else not found


@given(st.binary(max_size=600) | st.text(alphabet="vomatc=:/ \r\n0189.IPN4-x", max_size=400).map(str.encode))
def test_whatever_comes_the_library_gets_a_description(sdp: bytes) -> None:
    """Every line is one that the library knows, each m-line is whole, and none is too many."""
    written = readable(sdp, BOTH)
    found = written.removesuffix("\r\n").split("\r\n")
    assert all(re.fullmatch(r"(v=0|o=\S+ \d+ \d+ IN IP[46] \S+|s=-|t=0 0|[mca]=.+)", line) for line in found)
    m_lines = [line for line in found if line.startswith("m=")]
    assert all(re.fullmatch(r"m=\S+ \d+ \S+( \d+)+", line) for line in m_lines)
    assert len(m_lines) <= 16
    assert readable(written.encode(), BOTH) == written
