"""Rewrites a received session description into a form that the library accepts. Pure.

The library parses SDP strictly and answers 400 or 488 for things that a recorder never needs: an incomplete attribute,
a missing address, a host name (which would take a DNS lookup). It is therefore given a plain description with the same
m-lines in the same order, each accepted or refused as `offer` reads it. What is left out is not used anyway.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from ipaddress import ip_address
from itertools import pairwise

from sip_bridge.request import offer
from sip_bridge.request.offer import MAX_BYTES, MAX_CODECS, MAX_LINE, MAX_LINES, MAX_M_LINES, Codec

DECODABLE = frozenset(("PCMU", "PCMA", "G722", "OPUS"))
"""Codecs the bridge decodes, in upper case; `HEARD` names them for people."""
HEARD = "PCMU, PCMA, G722, opus"
RATES = {"PCMU": 8_000, "PCMA": 8_000, "G722": 8_000, "OPUS": 48_000}
"""Their RTP clock rates in Hz; each codec has only one."""
PLAIN = frozenset(("RTP/AVP", "RTP/AVPF"))
SECURE = frozenset(("RTP/SAVP", "RTP/SAVPF"))
"""Profiles with keys in the SDP (SDES); the bridge does not speak DTLS."""
PROFILES = {"off": PLAIN, "optional": PLAIN | SECURE, "required": SECURE}
"""By the setting `bridge.srtp`."""

_DIRECTIONS = ("sendonly", "recvonly", "sendrecv", "inactive")
_KEPT = re.compile(r"a=(rtpmap|fmtp|crypto|label|ptime|maxptime|rtcp|rtcp-mux)(?::(.*))?$")
_ORIGIN = re.compile(r"o=(\S{1,64} \d{1,20} \d{1,20} IN IP[46] \S{1,255})\s*$")
_NOWHERE = {"IP4": "0.0.0.0", "IP6": "::"}
MAX_ATTRIBUTES = 60
"""Per m-line; the library accepts 68."""


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a bridge can receive."""

    families: frozenset[str] = frozenset(("IP4",))
    """`IP4`, `IP6`, or both."""
    profiles: frozenset[str] = PLAIN


@dataclass(slots=True)
class _Section:
    """An m-line with its section."""

    media: str
    port: str
    profile: str
    formats: list[str]
    family: str
    address: str
    """Empty if there is no usable address."""
    direction: str
    attributes: list[tuple[str, str]] = field(default_factory=list)


def readable(sdp: bytes, abilities: Abilities) -> str:
    """Rewrite the description for the library. Never raises: input that is not SDP becomes one without m-lines."""
    judged = _judgement(sdp[:MAX_BYTES], abilities)
    taken = {place for place, why in judged.reasons.items() if not why}
    lines = ["v=0", f"o={_origin(judged.session)}", "s=-", "t=0 0"]
    for place, section in enumerate(judged.sections):
        lines += _written(section, place in taken)
    return "\r\n".join(lines) + "\r\n"


def refusal(sdp: bytes, abilities: Abilities) -> str:
    """Why none of the offered audio can be received, for people; empty if some can, or if no audio is offered."""
    reasons = _judgement(sdp[:MAX_BYTES], abilities).reasons
    return "" if not reasons or "" in reasons.values() else "; ".join(dict.fromkeys(filter(None, reasons.values())))


@dataclass(frozen=True, slots=True)
class _Judgement:
    session: list[str]
    sections: list[_Section]
    reasons: dict[int, str]
    """See `_judged`."""


@lru_cache(maxsize=1)
def _judgement(sdp: bytes, abilities: Abilities) -> _Judgement:
    """Cached because each offer is judged twice: at the door, and soon after by the library."""
    session, sections = _parsed(sdp)
    return _Judgement(session, sections, _judged(sdp, sections, abilities))


def _judged(sdp: bytes, sections: Sequence[_Section], abilities: Abilities) -> dict[int, str]:
    """Why each m-line that offers audio is refused, by index; empty for those accepted."""
    reasons: dict[int, str] = {}
    for stream in offer.read(sdp):
        found = ""
        for place in stream.places:
            reason = _reason(sections[place], stream, abilities)
            if not reason and found:
                reason = "another m-line offers the same"
            found = found or ("taken" if not reason else "")
            reasons[place] = reason
    if "" in reasons.values():
        return reasons
    return {place: reason for place, reason in reasons.items() if reason != "another m-line offers the same"}


def _reason(section: _Section, stream: offer.Stream, abilities: Abilities) -> str:
    if section.profile not in abilities.profiles:
        wanted = " or ".join(sorted(abilities.profiles))
        return f"{section.profile} is not accepted, use {wanted}"
    if section.family not in abilities.families:
        return f"{section.family} is not accepted, use {' or '.join(sorted(abilities.families))}"
    numbers = {int(each) for each in section.formats}
    own = [_told(codec) for codec in stream.codecs if codec.payload_type in numbers]
    if missing := offer.undecodable(own, DECODABLE):
        return f"{missing} cannot be decoded, use {HEARD}"
    return "" if own else f"no codec is named, use {HEARD}"


def _told(codec: Codec) -> Codec:
    """The codec, with its rate added to the name if that is not the codec's own rate."""
    return codec if RATES.get(codec.name, codec.rate_hz) == codec.rate_hz else replace(codec, name=_rated(codec))


def _rated(codec: Codec) -> str:
    return f"{codec.name}/{codec.rate_hz}"


def _parsed(sdp: bytes) -> tuple[list[str], list[_Section]]:
    lines = sdp[:MAX_BYTES].decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
    starts = [number for number, line in enumerate(lines) if line.startswith("m=")][: MAX_M_LINES + 1]
    session = (lines[: starts[0]] if starts else lines)[:MAX_LINES]
    sections = [_section(lines[start:end], session) for start, end in pairwise([*starts, len(lines)])]
    return session, sections[:MAX_M_LINES]


def _section(lines: list[str], session: list[str]) -> _Section:
    own = [line[:MAX_LINE] for line in lines[:MAX_LINES]]
    media, port, profile, *formats = [*own[0][2:].split(), "", "", ""][:MAX_CODECS]
    family, address = _connection(own) or _connection(session) or ("IP4", "")
    attributes = [(found[1], (found[2] or "").strip()) for line in own[1:] if (found := _KEPT.match(line))]
    mapped = {
        value.split(" ")[0] for name, value in attributes if name == "rtpmap" and _attribute(name, value, formats)
    }
    numbers = [each for each in formats if each.isascii() and each.isdigit() and int(each) < 128]
    kept = [each for each in dict.fromkeys(numbers) if int(each) < 96 or each in mapped]
    number = port.partition("/")[0]
    return _Section(
        _token(media).lower() or "audio",
        number if number.isascii() and number.isdigit() and int(number) < 65_536 else "0",
        _token(profile).upper() or "RTP/AVP",
        kept,
        family,
        address,
        _direction(own) or _direction(session) or "sendrecv",
        attributes[:MAX_ATTRIBUTES],
    )


def _connection(lines: list[str]) -> tuple[str, str] | None:
    """IP version and address of the first usable `c=` line; the address is empty if it is a host name."""
    for line in lines:
        words = line.split()
        if line.startswith("c=") and len(words) >= 3:
            try:
                address = ip_address(words[2].partition("/")[0])
            except ValueError:
                return ("IP6" if words[1].upper() == "IP6" else "IP4"), ""
            return f"IP{address.version}", str(address)
    return None


def _direction(lines: list[str]) -> str:
    return next((line[2:].strip() for line in lines if line[2:].strip() in _DIRECTIONS and line[:2] == "a="), "")


def _origin(session: list[str]) -> str:
    found = next((match for line in session if (match := _ORIGIN.match(line))), None)
    return found[1] if found else "- 0 0 IN IP4 0.0.0.0"


def _written(section: _Section, taken: bool) -> list[str]:
    if not taken:
        # A refused m-line keeps its position and must name at least one format.
        return [f"m={section.media} 0 {section.profile} {' '.join(section.formats) or '0'}", "c=IN IP4 0.0.0.0"]
    # We never send, so sendrecv becomes sendonly. A zero address with sendrecv means a call on hold (RFC 3264).
    nowhere = _NOWHERE[section.family]
    speaks = section.direction in ("sendrecv", "sendonly")
    held = section.address == nowhere and section.direction == "sendrecv"
    direction = "sendonly" if speaks and not held else section.direction
    lines = [
        f"m={section.media} {section.port} {section.profile} {' '.join(section.formats)}",
        f"c=IN {section.family} {section.address or nowhere}",
        f"a={direction}",
    ]
    return lines + [line for name, value in section.attributes if (line := _attribute(name, value, section.formats))]


def _attribute(name: str, value: str, formats: list[str]) -> str:
    """The attribute's line; empty if it is incomplete or about a format that is not kept."""
    number, _, rest = value.partition(" ")
    match name:
        case "rtpmap":
            whole = re.fullmatch(r"([^\s/]{1,32})/([0-9]{1,6})(/[0-9]{1,2})?", rest.strip())
            if not whole or number not in formats:
                return ""
            name, rate = whole[1], whole[2]  # Opus always declares two channels, whatever it sends (RFC 7587)
            channels = "/2" if name.lower() == "opus" else "" if name.upper() in RATES else whole[3] or ""
            return f"a=rtpmap:{number} {name}/{rate}{channels}"
        case "fmtp":
            return f"a=fmtp:{number} {rest.strip()}" if number in formats and rest.strip() else ""
        case "rtcp":
            return f"a=rtcp:{number}" if number.isdigit() and 0 < int(number) < 65_536 else ""
        case "rtcp-mux":
            return "a=rtcp-mux"
        case "ptime" | "maxptime":
            return f"a={name}:{value}" if value.isdigit() and 0 < int(value) < 1_000 else ""
        case _:
            return f"a={name}:{value}" if value else ""


def _token(text: str) -> str:
    return "".join(character for character in text if character.isascii() and character.isprintable())[:32]
