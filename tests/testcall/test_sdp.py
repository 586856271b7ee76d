"""Offers and answers."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testcall import sdp
from testcall.dialect import SessionForm
from testcall.sdp import AnsweredStream, OfferedStream, SdpError


def test_offer_has_an_m_line_for_each_stream() -> None:
    """Streams keep their order, ports and labels, and are sendonly; a stream without a label says none."""
    text = sdp.offer("192.0.2.1", [OfferedStream(4000, "a_leg"), OfferedStream(4002)], session=7).decode()
    assert "o=testcall 7 7 IN IP4 192.0.2.1\r\n" in text
    _, first, second = text.split("m=")
    assert first.startswith("audio 4000 RTP/AVP 0\r\n")
    assert "a=sendonly\r\na=label:a_leg\r\n" in first
    assert second.startswith("audio 4002 RTP/AVP 0\r\n")
    assert "label" not in second


def test_form_is_the_dialects() -> None:
    """Origin, codecs, connection lines, direction and further attributes stand as the form says."""
    form = SessionForm(
        "o", "s", ("18 G729/8000", "0", "101 telephone-event/8000"), "media", "0.0.0.0", "", ("maxptime:30",)
    )
    assert sdp.offer(
        "192.0.2.1", [OfferedStream(4000, "5")], session=7, version=2, form=form
    ).decode().splitlines() == [
        "v=0",
        "o=o 7 9 IN IP4 192.0.2.1",
        "s=s",
        "t=0 0",
        "m=audio 4000 RTP/AVP 18 0 101",
        "c=IN IP4 0.0.0.0",
        "a=rtpmap:18 G729/8000",
        "a=rtpmap:101 telephone-event/8000",
        "a=maxptime:30",
        "a=label:5",
    ]


def test_a_stream_may_differ_from_the_form() -> None:
    """Its own direction and codecs come before the form's: one side is on hold, or changes its codec."""
    text = sdp.offer("192.0.2.1", [OfferedStream(0, "", "inactive", ("8 PCMA/8000",))], session=7).decode()
    assert "m=audio 0 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=ptime:20\r\na=inactive\r\n" in text


def test_answer_is_read_stream_by_stream() -> None:
    """A stream's own address and direction come before the session's; labels and refused ports are seen."""
    streams = sdp.parse_answer(
        b"v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\na=recvonly\r\n"
        b"m=audio 4000 RTP/AVP 0 101\r\na=label:1\r\n"
        b"m=audio 4002/1 RTP/AVP 8\r\nc=IN IP4 192.0.2.2\r\na=inactive\r\n"
        b"m=audio 0 RTP/AVP 0\r\n"
    )
    assert streams == (
        AnsweredStream("192.0.2.1", 4000, "recvonly", 0, "1"),
        AnsweredStream("192.0.2.2", 4002, "inactive", 8, ""),
        AnsweredStream("192.0.2.1", 0, "recvonly", 0, ""),
    )
    assert [stream.wants_audio for stream in streams] == [True, False, False]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "does not start with v=0"),
        (b"v=0\r\n", "no m-line"),
        (b"v=0\r\nc=IN IP4 192.0.2.1\r\nm=video 4000 RTP/AVP 31\r\n", "no RTP audio"),
        (b"v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 99999 RTP/AVP 0\r\n", "no RTP audio"),
        (b"v=0\r\nm=audio 4000 RTP/AVP 0\r\n", "no IPv4 connection line"),
        (b"v=0\r\nc=IN IP4 srs.example.com\r\nm=audio 4000 RTP/AVP 0\r\n", "no IPv4 connection line"),
    ],
)
def test_fault_is_named(body: bytes, reason: str) -> None:
    """An answer that describes no audio over IPv4 ends in an error that says why."""
    with pytest.raises(SdpError, match=reason):
        sdp.parse_answer(body)


@given(st.text("vmc=0audio RTP/AVIN4.\r\n 1", max_size=80).map(lambda text: f"v=0\r\nm={text}".encode()))
def test_noise_is_an_error_or_streams(body: bytes) -> None:
    """Whatever stands in an answer, reading gives streams or an SdpError."""
    with contextlib.suppress(SdpError):
        sdp.parse_answer(body)
