"""Bodies that are costly to read: metadata, session descriptions, parts; each at its size limit or above."""

from __future__ import annotations

METADATA_BYTES = 64_000


def offer(*streams: str) -> bytes:
    """An SDP with one stream, or with these m-line sections."""
    audio = streams or ("m=audio 40000 RTP/AVP 0\r\na=label:1\r\na=sendonly\r\n",)
    return ("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n" + "".join(audio)).encode()


def metadata(inner: str = "") -> str:
    parties = "".join(
        f'<participant participant_id="p{each}"><nameID aor="sip:{each}@x"/></participant>'
        f'<stream stream_id="s{each}" session_id="c"><label>{each}</label></stream>'
        f'<participantstreamassoc participant_id="p{each}"><send>s{each}</send></participantstreamassoc>'
        for each in (1, 2)
    )
    return (
        f'<recording xmlns="urn:ietf:params:xml:ns:recording:1"><session session_id="c"/>{parties}{inner}</recording>'
    )


def repeated(text: str, size: int) -> str:
    return text * (size // len(text))


METADATA = {
    "as many elements as fit": metadata(repeated("<a/>", METADATA_BYTES)),
    "participants": metadata(
        "".join(f'<participant id="q{each}"><nameID aor="sip:{each}@x"/></participant>' for each in range(900))
    ),
    "associations": metadata(
        "".join(
            f'<participantstreamassoc id="q{each}"><send>{each}</send></participantstreamassoc>' for each in range(700)
        )
    ),
    "streams": metadata("".join(f'<stream id="{each}"><label>{each}</label></stream>' for each in range(1_300))),
    "within each other": metadata(repeated("<a>", METADATA_BYTES // 2) + repeated("</a>", METADATA_BYTES // 2)),
    "attributes": metadata("<a " + " ".join(f'b{each}="c"' for each in range(6_000)) + "/>"),
    "one attribute": metadata(f'<a b="{"c" * METADATA_BYTES}"/>'),
    "text": metadata("<a>" + "b" * METADATA_BYTES + "</a>"),
    "references": metadata("<a>" + repeated("&amp;", METADATA_BYTES) + "</a>"),
    "comments": metadata(repeated("<!---->", METADATA_BYTES)),
    "namespaces": metadata("".join(f'<a xmlns:n{each}="u{each}"/>' for each in range(2_500))),
    "damaged": metadata(repeated("<a b=c>", METADATA_BYTES)),
    "damaged at its end": metadata(repeated("<a/>", METADATA_BYTES // 2)) + "<",
    "beginnings of comments": metadata(repeated("<!--", METADATA_BYTES)),
    "beginnings of literal text": metadata(repeated("<![CDATA[", METADATA_BYTES)),
    "quotes": metadata("<a " + repeated('b="', METADATA_BYTES)),
    "angle brackets": metadata(repeated("<", METADATA_BYTES)),
    "end tags": metadata(repeated("</a>", METADATA_BYTES) + "<"),
    "spaces": metadata("<a" + " " * METADATA_BYTES + "<"),
    "sessions within sessions": metadata(repeated("<session><group>", METADATA_BYTES) + "<"),
    "participants' words": metadata(repeated('<participant id="1"><aor>x</aor>', METADATA_BYTES) + "<"),
}
PARTS = {
    "thousands": (repeated("--b\r\n\r\nx\r\n", 120_000).encode(), "b"),
    "thousands that are empty": (repeated("--b\r\n", 120_000).encode(), "b"),
    "thousands with heads": (repeated("--b\r\nContent-Type: a/b\r\nX: y\r\n\r\nx\r\n", 120_000).encode(), "b"),
    "one, of headers": (b"--b\r\n" + repeated("X: y\r\n", 120_000).encode() + b"\r\nx\r\n--b--", "b"),
    "one, of Contacts": (b"--b\r\n" + repeated("m: <sip:h>\r\n", 120_000).encode() + b"\r\nx\r\n--b--", "b"),
    "within parts": (repeated("--b\r\nContent-Type: multipart/mixed;boundary=b\r\n\r\n", 120_000).encode(), "b"),
    "a boundary of dashes": (b"-" * 60_000 + b"\r\n" + b"-" * 55_000, "-" * 9_000 + "x"),
    "a boundary that nearly comes": (repeated("--" + "b" * 190 + "\r\n", 120_000).encode(), "b" * 190 + "c"),
    "no boundary at all": (repeated("-- \r\n", 120_000).encode(), ""),
    "offers": (
        (b"--b\r\nContent-Type: application/sdp\r\n\r\n" + offer() + b"\r\n") * (120_000 // (len(offer()) + 45)), "b",
    ),
}  # fmt: skip
_AUDIO = "m=audio 40000 RTP/AVP 0 "
OFFERS = {
    "16 m-lines": offer(*(f"m=audio {40_000 + 2 * each} RTP/AVP 0 8\r\na=label:{each}\r\n" for each in range(16))),
    "1,000 m-lines": offer(*["m=audio 40000 RTP/AVP 0\r\n"] * 1_000),
    "attributes": offer(_AUDIO + "\r\n" + repeated("a=x:y\r\n", 120_000)),
    "attributes that count": offer(_AUDIO + "\r\n" + repeated("a=rtcp:40001\r\n", 120_000)),
    "codecs": offer(_AUDIO + " ".join(map(str, range(1, 20_000))) + "\r\n"),
    "maps of codecs": offer(
        *[_AUDIO + " ".join(map(str, range(96, 128))) + "\r\n"
          + "".join(f"a=rtpmap:{each} x{each}/8000\r\na=fmtp:{each} a=b\r\n" for each in range(96, 128)) * 3] * 16
    ),
    "alternatives": offer("a=group:ANAT 1 2\r\n" * 1_000, *[_AUDIO + "\r\na=mid:1\r\n"] * 16),
    "keys": offer("m=audio 40000 RTP/SAVP 0\r\n" + repeated(
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + "A" * 40 + "\r\n", 120_000)),
    "one line": offer(_AUDIO + "\r\na=fmtp:0 " + "x" * 110_000 + "\r\n"),
    "no line": b"\r\n" * 60_000,
    "session attributes": offer("a=x\r\n" * 15_000, _AUDIO + "\r\n"),
}  # fmt: skip
