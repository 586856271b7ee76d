"""Session descriptions (RFC 8866) as far as a recorder needs them: the offer it sends, the answer it gets."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from testcall.dialect import SessionForm

_MEDIA: Final = re.compile(r"audio (\d{1,5})(?:/\d+)? RTP/AVP ([\d ]+)")
_DIRECTIONS: Final = frozenset({"sendrecv", "sendonly", "recvonly", "inactive"})


class SdpError(ValueError):
    """An answer that cannot be understood; the message says which line."""


@dataclass(frozen=True, slots=True)
class OfferedStream:
    port: int
    """Our UDP port, the one the packets come from; 0 where the stream has ended (RFC 3264 section 8.2)."""
    label: str = ""
    """RFC 4574: ties the stream to its participant in the metadata; empty for a plain fork."""
    direction: str = ""
    """Empty is the one of the session's form."""
    codecs: tuple[str, ...] = ()
    """As `SessionForm.codecs`; empty are those of the session's form."""


@dataclass(frozen=True, slots=True)
class AnsweredStream:
    address: str
    port: int
    """0 where the other side refuses the stream."""
    direction: str
    payload_type: int
    label: str

    @property
    def wants_audio(self) -> bool:
        return self.port != 0 and self.direction in {"recvonly", "sendrecv"}


def offer(
    address: str,
    streams: Sequence[OfferedStream],
    *,
    session: int,
    version: int = 0,
    form: SessionForm = SessionForm(),  # noqa: B008 -- frozen
) -> bytes:
    """One m-line per stream, as `form` writes them; `version` counts the offers of the session from 0."""
    connection = f"c=IN IP4 {form.address or address}"
    lines = ["v=0", f"o={form.origin} {session} {session + version} IN IP4 {address}", f"s={form.subject}"]
    if form.connection != "media":
        lines.append(connection)
    lines.append("t=0 0")
    for stream in streams:
        codecs = [codec.partition(" ")[::2] for codec in stream.codecs or form.codecs]
        lines.append(f"m=audio {stream.port} RTP/AVP {' '.join(number for number, _ in codecs)}")
        if form.connection != "session":
            lines.append(connection)
        lines += [f"a=rtpmap:{number} {name}" for number, name in codecs if name]
        lines += [f"a={attribute}" for attribute in form.attributes]
        if direction := stream.direction or form.direction:
            lines.append(f"a={direction}")
        if stream.label:
            lines.append(f"a=label:{stream.label}")
    return "".join(f"{line}\r\n" for line in lines).encode()


def parse_answer(body: bytes) -> tuple[AnsweredStream, ...]:
    """The streams of an answer in their order; SdpError if it is no session description of audio."""
    session, *sections = re.split(r"^m=", body.decode("utf-8", "replace").replace("\r\n", "\n"), flags=re.MULTILINE)
    if not session.startswith("v=0"):
        raise SdpError("no session description: it does not start with v=0")
    if not sections:
        raise SdpError("no m-line")
    return tuple(_parse_media(section, session) for section in sections)


def _parse_media(section: str, session: str) -> AnsweredStream:
    first = section.split("\n", 1)[0]
    media = _MEDIA.fullmatch(first.strip())
    if media is None or int(media[1]) > 65535:
        raise SdpError(f"an m-line that is no RTP audio: {first[:60]!r}")
    address = _value(section, "c=IN IP4 ") or _value(session, "c=IN IP4 ")
    try:
        ipaddress.IPv4Address(address)
    except ValueError:
        raise SdpError(f"no IPv4 connection line for m={first[:60]!r}") from None
    # A stream says its own direction, else the session's holds, else both ways (RFC 8866 section 6.7).
    attributes = [line[2:].strip() for line in (section + session).split("\n") if line.startswith("a=")]
    directions = [attribute for attribute in attributes if attribute in _DIRECTIONS]
    return AnsweredStream(
        address,
        int(media[1]),
        directions[0] if directions else "sendrecv",
        int(media[2].split()[0]),
        _value(section, "a=label:"),
    )


def _value(text: str, prefix: str) -> str:
    return next((line[len(prefix) :].strip() for line in text.split("\n") if line.startswith(prefix)), "")
