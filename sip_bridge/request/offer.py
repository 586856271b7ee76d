"""Reads the audio streams of an SDP offer: labels, codecs, and which m-lines offer the same stream. Pure.

Reads only what a recorder's legs need (RFC 8866, RFC 4574); the library negotiates the rest. Never raises.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

from sip_bridge.request.elements import cleaned

MAX_BYTES = 32_768
MAX_M_LINES = 16
"""As many as the library accepts; further ones are not read."""
MAX_STREAMS = 8
"""Voices per offer; each may be offered in several ways."""
MAX_LINES = 128
"""Lines read of one m-line's section."""
MAX_LINE = 512
"""Characters read of one line."""
MAX_CODECS = 32
MAX_LABEL = 64

NO_VOICE = frozenset(("TELEPHONE-EVENT", "CN", "RED", "ULPFEC", "PARITYFEC", "FLEXFEC"))
"""Formats that accompany a codec."""
_STATIC = {
    0: ("PCMU", 8_000), 2: ("G726-32", 8_000), 3: ("GSM", 8_000), 4: ("G723", 8_000), 5: ("DVI4", 8_000),
    6: ("DVI4", 16_000), 7: ("LPC", 8_000), 8: ("PCMA", 8_000), 9: ("G722", 8_000), 10: ("L16", 44_100),
    11: ("L16", 44_100), 12: ("QCELP", 8_000), 13: ("CN", 8_000), 14: ("MPA", 90_000), 15: ("G728", 8_000),
    16: ("DVI4", 11_025), 17: ("DVI4", 22_050), 18: ("G729", 8_000),
}  # fmt: skip
"""Static payload types (RFC 3551 section 6)."""
_MAPPED = re.compile(r"a=rtpmap:\s*+([0-9]{1,3})\s++([^\s/]{1,32}+)(?:/([0-9]{1,6}))?")


@dataclass(frozen=True, slots=True)
class Codec:
    """A format in which a stream is offered."""

    payload_type: int
    name: str
    """In upper case; empty if the offer does not say."""
    rate_hz: int
    """RTP clock rate; 0 if the offer does not say."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One voice."""

    places: tuple[int, ...]
    """Indexes of the m-lines that offer it, from 0: the first one, then its alternatives."""
    label: str
    codecs: tuple[Codec, ...]
    """The codecs of all these m-lines, in order."""


@dataclass(frozen=True, slots=True)
class _Line:
    place: int
    label: str
    port: str
    kind: tuple[str, str]
    """Its profile, such as `RTP/AVP`, and its address family."""
    either: str
    """Its RFC 4091 group of alternatives; empty if it is in none."""
    codecs: tuple[Codec, ...]


def read(sdp: bytes) -> tuple[Stream, ...]:
    """The audio streams of `sdp` whose port is not 0, in the order of their m-lines."""
    return _read(sdp[:MAX_BYTES])


@lru_cache(maxsize=1)
def _read(sdp: bytes) -> tuple[Stream, ...]:
    """Cached because each offer is read twice: for its speakers, and for the description the library gets."""
    text = sdp.decode("utf-8", "replace").replace("\r\n", "\n")
    session, *sections = f"\n{text}".split("\nm=", MAX_M_LINES + 1)[: MAX_M_LINES + 1]
    head = _lines(session)
    family = _value(head, "c=IN ")[:3]
    alternatives = [line.split()[1:] for line in head if line.startswith("a=group:ANAT ")]
    bundled = any(line.startswith("a=group:BUNDLE") for line in head)
    voices: list[list[_Line]] = []
    for place, section in enumerate(sections):
        line = _line(place, section, family, alternatives)
        if line is None:
            continue
        same = next((voice for voice in voices if all(_alternative(each, line, bundled) for each in voice)), None)
        if same:
            same.append(line)
        elif len(voices) < MAX_STREAMS:
            voices.append([line])
    return tuple(
        Stream(
            tuple(line.place for line in voice),
            voice[0].label,
            tuple(dict.fromkeys(codec for line in voice for codec in line.codecs)),
        )
        for voice in voices
    )


def has_streams(sdp: bytes) -> bool:
    """Whether there is any m-line with a port, even 0. Without one, it is not a session (RFC 4566) or is unreadable."""
    return re.search(rb"^m=[^\s]+[ \t]+\d", sdp, re.MULTILINE) is not None


def undecodable(codecs: Collection[Codec], decodable: Collection[str]) -> str:
    """The codecs of a stream that cannot be decoded, such as `G729 (18), AMR (96)`; empty if at least one can.

    `decodable`: codec names in upper case.
    """
    if any(codec.name in decodable and codec.name not in NO_VOICE for codec in codecs):
        return ""
    voices = [codec for codec in codecs if codec.name not in NO_VOICE] or codecs
    return ", ".join(f"{codec.name or '?'} ({codec.payload_type})" for codec in voices)


def _alternative(one: _Line, other: _Line, bundled: bool) -> bool:
    """Whether two m-lines offer the same voice in two ways, such as encrypted and unencrypted.

    A label belongs to one stream, but some recorders give all streams the same one. Then only m-lines of different
    kinds are alternatives. A port carries one stream, unless streams are bundled.
    """
    if one.either and one.either == other.either:
        return True
    if one.label != other.label:
        return False
    if one.port == other.port and not bundled and (one.label or one.kind != other.kind):
        return True
    return bool(one.label) and one.kind != other.kind


def _line(place: int, section: str, family: str, alternatives: list[list[str]]) -> _Line | None:
    """Parse an m-line with its section; None if it is not audio, or its port is 0."""
    first, *rest = _lines(section)
    media, port, profile, *formats = [*first.split(), "", "", ""]
    port = port.partition("/")[0]
    if media.lower() != "audio" or port == "0":
        return None
    mapped = {}
    for line in rest:
        if found := _MAPPED.match(line):
            mapped[int(found[1])] = cleaned(found[2]).upper(), int(found[3] or 0)
    numbers = [int(each) for each in formats if each.isascii() and each.isdigit() and len(each) <= 3]
    codecs = tuple(Codec(number, *mapped.get(number, _STATIC.get(number, ("", 0)))) for number in numbers[:MAX_CODECS])
    mid = _value(rest, "a=mid:")
    either = next((str(number) for number, group in enumerate(alternatives) if mid and mid in group), "")
    label = cleaned(_value(rest, "a=label:"))[:MAX_LABEL]
    return _Line(place, label, port, (profile.upper(), _value(rest, "c=IN ")[:3] or family), either, codecs)


def _lines(section: str) -> list[str]:
    return [line[:MAX_LINE] for line in section.split("\n", MAX_LINES)[:MAX_LINES]]


def _value(lines: list[str], beginning: str) -> str:
    return next((line[len(beginning) :].strip() for line in lines if line.startswith(beginning)), "")
