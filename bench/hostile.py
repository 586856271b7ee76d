"""Messages that are costly to read: the largest a bridge accepts, each of a different kind.

Each is valid enough to get as far as it can: a message refused at its first line costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bench.hostile_bodies import METADATA, OFFERS, PARTS, metadata, offer, repeated

LARGEST = {"udp": 65_000, "tcp": 130_000}
"""Message size by transport, in bytes: a datagram's limit, and the library's buffer of 131,072."""
SMALL = 300
"""Requests that fit in one segment."""


@dataclass(frozen=True, slots=True)
class Sender:
    """The sender of a message, and its number."""

    transport: str
    """`udp` or `tcp`."""
    host: str
    port: int
    number: int
    dialog: Dialog | None = None
    """The dialog to send within, if any."""

    @property
    def size(self) -> int:
        """Size of the largest message, in bytes."""
        return LARGEST[self.transport]


@dataclass(slots=True)
class Dialog:
    """A call answered by a bridge."""

    call_id: str
    to_tag: str
    sequence: int = 1


@dataclass(frozen=True, slots=True)
class Hostile:
    """One kind of message."""

    name: str
    message: Callable[[Sender], bytes]
    transport: str = "tcp"
    within: bool = False
    """Whether it is sent within a dialog."""
    digest: bool = False
    """Whether the bridge asks for passwords."""
    answers: int = 1
    """Final responses expected, if any."""


@dataclass(slots=True)
class _Request:
    """A request with the parts that matter here."""

    method: str = "INVITE"
    via: str = ""
    """Further Via values."""
    lines: str = ""
    """Further header lines."""
    body: bytes = b""
    content_type: str = "application/sdp"
    contact: str = ""
    uri: str = ""
    fill: Callable[[int], str] | None = None
    """Header lines by number, as many as fit."""
    host: str = ""
    """A name instead of the sender's address."""
    sdp: bool = field(default=True)
    """Whether to include an offer if no other body is given."""

    def __call__(self, sender: Sender) -> bytes:
        dialog, host = sender.dialog, self.host or sender.host
        if dialog:
            dialog.sequence += 1
        call_id = dialog.call_id if dialog else f"hostile-{sender.transport}-{sender.port}-{sender.number}"
        head = (
            f"{self.method} {self.uri or 'sip:callvane@127.0.0.1'} SIP/2.0\r\n"
            f"Via: SIP/2.0/{sender.transport.upper()} {host}:{sender.port}"
            f";branch=z9hG4bK-{sender.port}-{sender.number}{self.via}\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:recorder@{host}>;tag=hostile\r\n"
            f"To: <sip:callvane@127.0.0.1>{f';tag={dialog.to_tag}' if dialog else ''}\r\n"
            f"Call-ID: {call_id}\r\nCSeq: {dialog.sequence if dialog else 1} {self.method}\r\n"
            f"Contact: {self.contact or f'<sip:recorder@{host}:{sender.port};transport={sender.transport}>'}\r\n"
            f"{self.lines}"
        )
        body = self.body or (offer() if self.sdp and self.method in ("INVITE", "UPDATE") else b"")
        tail = f"Content-Type: {self.content_type}\r\n" if body else ""
        tail += f"Content-Length: {len(body)}\r\n\r\n"
        room = sender.size - len(head) - len(tail) - len(body)
        return (head + _filled(self.fill, room) + tail).encode() + body[: max(0, sender.size - len(head) - len(tail))]


def kinds() -> Iterator[Hostile]:
    """All kinds."""
    yield Hostile("an INVITE as it should be", _siprec(metadata()))
    for name, fill in _HEADERS.items():
        for transport in LARGEST:
            yield Hostile(f"{name} ({transport})", _Request(fill=fill), transport)
    yield Hostile("one header", _Request(lines=f"X-Long: {'x' * 120_000}\r\n"))
    yield Hostile("one folded header", _Request(lines=f"X-Long: x{repeated(chr(13) + chr(10) + ' x', 120_000)}\r\n"))
    yield Hostile("one Via of parameters", _Request(via=repeated(";p=v", 120_000)))
    yield Hostile("one Contact of parameters", _Request(contact=f"<sip:a@b>{repeated(';p=v', 120_000)}"))
    yield Hostile("one Contact of addresses", _Request(contact=repeated("<sip:a@b>,", 120_000) + "<sip:a@b>"))
    yield Hostile("a URI of parameters", _Request(uri=f"sip:a@127.0.0.1{repeated(';p=v', 120_000)}"))
    yield Hostile("a URI of escapes", _Request(uri=f"sip:{repeated('%41', 120_000)}@127.0.0.1"))
    yield Hostile("names everywhere", _named())
    for name, text in METADATA.items():
        yield Hostile(f"metadata: {name}", _siprec(text))
    for name, (body, boundary) in PARTS.items():
        yield Hostile(f"parts: {name}", _Request(body=body, content_type=f"multipart/mixed;boundary={boundary}"))
    for name, sdp in OFFERS.items():
        yield Hostile(f"SDP: {name}", _Request(body=sdp))
    yield Hostile("many requests at once, each", _many, answers=SMALL)
    yield Hostile("nothing but line breaks", lambda sender: b"\r\n" * (sender.size // 2))
    yield Hostile("no end of the head", lambda sender: b"INVITE sip:a@b SIP/2.0\r\n" + b"X: y\r\n" * 20_000)
    yield Hostile("lines that are no headers", _Request(fill=lambda place: f"{place} is no header\r\n"))
    yield Hostile("headers whose values are none", _Request(fill=lambda _: "Contact: <sip:[\r\nVia: ;\r\nCSeq: x\r\n"))
    yield Hostile("bytes of no meaning", lambda sender: bytes(range(1, 256)) * (LARGEST["udp"] // 255), "udp")
    for method in ("OPTIONS", "SUBSCRIBE", "MESSAGE", "REGISTER", "TEAPOT"):
        yield Hostile(f"{method}, large", _Request(method, fill=_HEADERS["headers"]))
    yield Hostile("BYE of no call, Vias", _Request("BYE", fill=_HEADERS["Vias"]))
    for name, line in _CREDENTIALS.items():
        yield Hostile(f"credentials: {name}", _Request(lines=line), digest=True)
    yield Hostile(
        "credentials: headers", _Request(fill=lambda place: f'Authorization: Digest n="{place}"\r\n'), digest=True
    )
    for method in ("INVITE", "UPDATE"):
        for name in ("as many elements as fit", "damaged"):
            yield Hostile(f"{method} in a call: {name}", _siprec(METADATA[name], method), within=True)
        yield Hostile(f"{method} in a call: headers", _Request(method, fill=_HEADERS["headers"]), within=True)
        yield Hostile(f"{method} in a call: Vias", _Request(method, fill=_HEADERS["Vias"]), within=True)
        yield Hostile(f"{method} in a call: SDP", _Request(method, body=OFFERS["attributes"]), within=True)
    for method in ("INFO", "OPTIONS", "PRACK"):
        yield Hostile(f"{method} in a call: headers", _Request(method, fill=_HEADERS["headers"]), within=True)


def request(method: str, sender: Sender, lines: str = "") -> bytes:
    """An ordinary request, such as the BYE for an answered call."""
    return _Request(method, lines=lines)(sender)


def _many(sender: Sender) -> bytes:
    one = [
        _Request("OPTIONS")(Sender(sender.transport, sender.host, sender.port, -1 - place)) for place in range(SMALL)
    ]
    return b"".join(one)


def _siprec(text: str, method: str = "INVITE") -> _Request:
    body = (
        b"--b\r\nContent-Type: application/sdp\r\n\r\n"
        + offer()
        + b"\r\n--b\r\nContent-Type: application/rs-metadata+xml\r\n\r\n"
        + text.encode()
        + b"\r\n--b--\r\n"
    )
    return _Request(method, body=body, content_type="multipart/mixed;boundary=b", lines="Require: siprec\r\n")


def _named() -> _Request:
    sdp = offer().replace(b"c=IN IP4 127.0.0.1", b"c=IN IP4 media.nowhere.example")
    routes = "Record-Route: <sip:proxy.nowhere.example;lr;maddr=other.nowhere.example>\r\n"
    return _Request(
        host="recorder.nowhere.example", via=";maddr=third.nowhere.example", lines=routes, body=sdp,
    )  # fmt: skip


def _filled(fill: Callable[[int], str] | None, room: int) -> str:
    lines: list[str] = []
    while fill and (line := fill(len(lines))) and (room := room - len(line)) > 0:
        lines.append(line)
    return "".join(lines)


_HEADERS: dict[str, Callable[[int], str]] = {
    "headers": lambda place: f"X-{place}: y\r\n",
    "headers of one letter": lambda _: "a:\r\n",
    "folded headers": lambda place: f"X-{place}: y\r\n z\r\n\tz\r\n",
    "Vias": lambda place: f"v: SIP/2.0/UDP h;branch=z9hG4bK{place}\r\n",
    "Routes": lambda _: "Route: <sip:h;lr>\r\n",
    "Record-Routes": lambda _: "Record-Route: <sip:h;lr>\r\n",
    "Contacts": lambda _: "m: <sip:h>\r\n",
    "Requires": lambda place: f"Require: x{place}\r\n",
    "Supported": lambda place: f"k: x{place}\r\n",
    "Call-IDs": lambda place: f"i: x{place}\r\n",
    "Content-Lengths": lambda _: "l: x\r\n",
    "Content-Types": lambda _: "c: a/b\r\n",
}
_CREDENTIALS = {
    "one field": f'Authorization: Digest username="{"x" * 120_000}"\r\n',
    "fields": f"Authorization: Digest {repeated('a=b,', 120_000)}a=b\r\n",
    "quotes": f'Authorization: Digest realm="callvane",{repeated(chr(92) + chr(34), 120_000)}\r\n',
    "spaces": f'Authorization: Digest realm{" " * 120_000}="callvane"\r\n',
}
