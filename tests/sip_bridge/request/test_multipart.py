"""Reading a request and the parts of its body."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip_bridge.request import multipart
from sip_bridge.request.multipart import Part

SDP = b"v=0\r\nm=audio 4000 RTP/AVP 0\r\n"
XML = b"<recording/>"


def request(body: bytes, content_type: str, *headers: str) -> bytes:
    """An INVITE with that body."""
    lines = [
        "INVITE sip:srs@example.com SIP/2.0",
        "Call-ID: one@example.com",
        f"Content-Type: {content_type}",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def both(boundary: bytes = b"b", end: bytes = b"\r\n") -> bytes:
    """An SDP part and a metadata part."""
    return end.join(
        [
            b"--" + boundary,
            b"Content-Type: application/sdp",
            b"",
            SDP.replace(b"\r\n", end),
            b"--" + boundary,
            b"Content-Type: application/rs-metadata+xml; charset=UTF-8",
            b"Content-Disposition: recording-session",
            b"",
            XML,
            b"--" + boundary + b"--",
            b"",
        ]
    )


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        pytest.param("multipart/mixed;boundary=b", both(), id="plain"),
        pytest.param('multipart/mixed; boundary="b"', both(), id="quoted"),
        pytest.param("Multipart/Mixed ; charset=x; BOUNDARY = b", both(), id="case and spaces"),
        pytest.param("multipart/mixed;boundary=OSS-unique-boundary-42", both(b"OSS-unique-boundary-42"), id="opensips"),
        pytest.param("multipart/mixed;boundary=b", both(end=b"\n"), id="bare line feeds"),
        pytest.param("multipart/mixed;boundary=b", b"preamble\r\n" + both() + b"epilogue", id="preamble and epilogue"),
        pytest.param("multipart/mixed;boundary=b", both().removesuffix(b"--b--\r\n"), id="no closing delimiter"),
        pytest.param(
            "multipart/mixed;boundary=b", both().replace(b"--b\r\n", b"--b \t\r\n"), id="white space after it"
        ),
    ],
)
def test_parts_are_found(content_type: str, body: bytes) -> None:
    """Both parts come out, whatever the way they are delimited."""
    message = multipart.read(request(body, content_type))
    assert [part.content_type for part in message.parts] == ["application/sdp", "application/rs-metadata+xml"]
    assert message.parts[1].content.strip() == XML
    assert (message.part("application/sdp") or b"").startswith(b"v=0")


@pytest.mark.parametrize(
    ("content_type", "body", "parts"),
    [
        pytest.param("application/sdp", SDP, (Part("application/sdp", SDP),), id="one body"),
        pytest.param("application/sdp", b"", (), id="no body"),
        pytest.param("multipart/mixed", both(), (), id="no boundary parameter"),
        pytest.param("multipart/mixed;boundary=other", both(), (), id="another boundary"),
        pytest.param("multipart/mixed;boundary=b", b"--b\r\n\r\nbare\r\n--b--", (Part("", b"bare"),), id="no headers"),
        pytest.param("multipart/mixed;boundary=b", b"--b--", (), id="closed at once"),
        pytest.param("multipart/mixed;boundary=b", b"--b\r\n--b\r\n--b--", (), id="empty parts"),
        pytest.param("multipart/mixed;boundary=b", b"--bb\r\nA: b\r\n\r\nx\r\n--b--", (), id="a longer boundary"),
        pytest.param(
            "multipart/mixed;boundary=b",
            b"--b\r\nContent-Type: application/ +xml\r\n\r\n<a/>\r\n--b--",
            (Part("application/+xml", b"<a/>"),),
            id="broadworks's type",
        ),
    ],
)
def test_other_bodies(content_type: str, body: bytes, parts: tuple[Part, ...]) -> None:
    """What is no proper multipart gives the parts that can be told, or none."""
    assert multipart.read(request(body, content_type)).parts == parts


def test_headers_are_known_by_their_long_names() -> None:
    """Compact names, any case and folded lines are understood."""
    message = multipart.read(
        b"INVITE x SIP/2.0\r\ni: one\r\nCALL-ID: two\r\nc: multipart/mixed;\r\n boundary=b\r\n\r\n" + both()
    )
    assert message.headers["call-id"] == ["one", "two"]
    assert message.first("call-id") == "one"
    assert len(message.parts) == 2


def test_parts_are_counted() -> None:
    """A body of a thousand parts costs no more than sixteen."""
    body = b"--b\r\n\r\nx\r\n" * 1000
    assert len(multipart.read(request(body, "multipart/mixed;boundary=b")).parts) == multipart.MAX_PARTS


def test_headers_are_counted() -> None:
    """Lines of a head are, folded ones too; what stands further down is not read, but the body is."""
    for filling in ("A: b\r\n", "A: b\r\n c\r\n", "no header\r\n"):
        lines = filling.count("\n")
        for count, values in ((multipart.MAX_LINES // lines - 3, ["y"]), (multipart.MAX_LINES // lines, None)):
            head = f"INVITE x SIP/2.0\r\nContent-Type: application/sdp\r\n{filling * count}X: y\r\n\r\n"
            message = multipart.read(head.encode() + SDP)
            assert message.headers.get("x") == values
            assert message.part("application/sdp") == SDP


def test_headers_of_a_part_are_counted() -> None:
    """A part needs few."""
    for count, kind in ((multipart.MAX_PART_LINES - 2, "application/sdp"), (multipart.MAX_PART_LINES, "")):
        body = b"--b\r\n" + b"A: b\r\n" * count + b"Content-Type: application/sdp\r\n\r\n" + SDP + b"\r\n--b--"
        assert multipart.read(request(body, "multipart/mixed;boundary=b")).parts == (
            Part(kind, SDP.rstrip() + b"\r\n"),
        )


def test_lines_have_a_length() -> None:
    """Of a longer one its beginning is read; folding makes none much longer, a type is short."""
    line = "y" * multipart.MAX_LINE
    folded = "X: a\r\n" + f" {line}\r\n" * 200
    message = multipart.read(f"INVITE {line} SIP/2.0\r\nLong: {line}{line}\r\n{folded}c: {line}\r\n\r\nx".encode())
    assert len(message.first("long")) == multipart.MAX_LINE - len("Long: ")
    assert len(message.first("x")) <= 2 * multipart.MAX_LINE
    assert len(message.parts[0].content_type) == multipart.MAX_TYPE


@given(st.binary(max_size=400))
def test_any_bytes_are_read(raw: bytes) -> None:
    """Nothing raises."""
    multipart.read(raw)


@given(
    st.lists(st.sampled_from([b"--b", b"--b--", b"\r\n", b"\n", b"\r\n\r\n", b"Content-Type: a/b", b"x"]), max_size=40)
)
def test_any_mix_of_delimiters_is_read(pieces: list[bytes]) -> None:
    """No part that comes out has a delimiter in it."""
    for part in multipart.read(request(b"".join(pieces), "multipart/mixed;boundary=b")).parts:
        assert b"\r\n--b\r\n" not in part.content
