"""Changes that know the structure of a message: bytes, lines, elements, and tokens that have broken parsers before."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from tools.fuzz.damage import DAMAGES

MAX_BYTES = 131_072
"""The most that the library accepts in one message."""

TOKENS = (
    b"<!DOCTYPE r [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>]>",
    b"&a;",
    b"&b;",
    b"&#0;",
    b"&#x110000;",
    b"<!DOCTYPE r SYSTEM 'file:///etc/passwd'>",
    b"<?xml version='1.0' encoding='UTF-16'?>",
    b"encoding='cp037'",
    b"encoding='idna'",
    b"\xff\xfe<\x00r\x00/\x00>\x00",
    b"\xef\xbb\xbf",
    b"<![CDATA[",
    b"]]>",
    b"<!--",
    b"-->",
    b"xmlns:a='b'",
    b"xmlns=''",
    b"<participant>",
    b"</participant>",
    b"<stream>",
    b"<send>",
    b"<label>",
    b"partial",
    b"\x00",
    b"\x1b[2J",
    "\u2028".encode(),
    "\u202e".encode(),
    b"\xed\xa0\x80",
    b"\xf0\x28\x8c\x28",
    b"\r",
    b"\n",
    b"\r\n\r\n",
    b"\r\n ",
    b"--",
    b"\r\n--",
    b"boundary=",
    b'boundary="',
    b"multipart/mixed;",
    b"m=audio 1 RTP/AVP 0\r\n",
    b"a=label:",
    b"a=label:1\r\n",
    b";x-refci=",
    b"%00",
    b"%",
    b'"',
    b"\\",
    b"<",
    b">",
    b"sip:",
    b"Content-Type: application/sdp\r\n",
    b"Call-ID: ",
    b"i:",
    b'media-index="99"',
    b"-1",
    b"4294967296",
    b"1e309",
)
_ELEMENT = re.compile(rb"<(\w[\w:-]*)(?:\s[^<>]*)?>[^<>]*</\1>")
_ATTRIBUTE = re.compile(rb"""(=\s*)("[^"<>]*"|'[^'<>]*')""")

_METADATA = re.compile(rb"<\?xml|<(?:\w+:)?recording")

Change = Callable[[bytes, random.Random], bytes]


def mutate(message: bytes, chance: random.Random, changes: int = 4) -> bytes:
    """The message after 1 to `changes` changes; at most `MAX_BYTES` long."""
    for _ in range(chance.randint(1, changes)):
        message = chance.choice(CHANGES)(message, chance)[:MAX_BYTES]
    return message


def _flipped(message: bytes, chance: random.Random) -> bytes:
    found = bytearray(message)
    for _ in range(min(len(found), chance.choice((1, 1, 2, 8, 64)))):
        found[chance.randrange(len(found))] ^= 1 << chance.randrange(8)
    return bytes(found)


def _cut(message: bytes, chance: random.Random) -> bytes:
    return message[: chance.randint(0, len(message))]


def _without(message: bytes, chance: random.Random) -> bytes:
    begin, end = _span(message, chance)
    return message[:begin] + message[end:]


def _doubled(message: bytes, chance: random.Random) -> bytes:
    begin, end = _span(message, chance)
    return message[:begin] + message[begin:end] * chance.choice((2, 2, 3, 20, 400)) + message[end:]


def _with_token(message: bytes, chance: random.Random) -> bytes:
    place = chance.randint(0, len(message))
    return message[:place] + chance.choice(TOKENS) * chance.choice((1, 1, 1, 2, 100)) + message[place:]


def _with_lines_doubled(message: bytes, chance: random.Random) -> bytes:
    lines = message.split(b"\r\n")
    place = chance.randrange(len(lines))
    return b"\r\n".join([*lines[:place], *lines[place : place + 3] * chance.choice((2, 3, 200)), *lines[place:]])


def _with_lines_swapped(message: bytes, chance: random.Random) -> bytes:
    lines = message.split(b"\r\n")
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"\r\n".join(lines)


def _with_element_doubled(message: bytes, chance: random.Random) -> bytes:
    return _at_one_of(_ELEMENT, message, chance, lambda found: found[0] * chance.choice((2, 5, 300)))


def _with_element_nested(message: bytes, chance: random.Random) -> bytes:
    depth = chance.choice((1, 10, 2_000))

    def nested(found: re.Match[bytes]) -> bytes:
        opening = found[0].partition(b">")[0] + b">"
        return opening * depth + found[0] + (b"</" + found[1] + b">") * depth

    return _at_one_of(_ELEMENT, message, chance, nested)


def _with_element_gone(message: bytes, chance: random.Random) -> bytes:
    return _at_one_of(_ELEMENT, message, chance, lambda _: b"")


def _with_huge_attribute(message: bytes, chance: random.Random) -> bytes:
    filling = chance.choice((b"x", b"&lt;", b" ", b"\xc3\xa4", b"1")) * chance.choice((300, 5_000, 60_000))
    return _at_one_of(_ATTRIBUTE, message, chance, lambda found: found[1] + b'"' + filling + b'"')


def _with_attributes_swapped(message: bytes, chance: random.Random) -> bytes:
    others = [match[2] for match in _ATTRIBUTE.finditer(message)] or [b'""']
    return _at_one_of(_ATTRIBUTE, message, chance, lambda found: found[1] + chance.choice(others))


def _in_another_charset(message: bytes, chance: random.Random) -> bytes:
    head, gap, content = message.partition(b"\r\n\r\n")
    return head + gap + content.decode("latin-1").encode(chance.choice(("utf-16", "utf-32", "utf-8", "cp037", "utf-7")))


def _with_damaged_metadata(message: bytes, chance: random.Random) -> bytes:
    found = _METADATA.search(message)
    if found is None:
        return message
    document, end, rest = message[found.start() :].partition(b"\r\n--")
    return message[: found.start()] + chance.choice(DAMAGES)(document.decode("utf-8", "replace"), chance) + end + rest


def _at_one_of(
    what: re.Pattern[bytes], message: bytes, chance: random.Random, becomes: Callable[[re.Match[bytes]], bytes]
) -> bytes:
    """The message with one matching place changed; unchanged if nothing matches."""
    places = [*what.finditer(message)]
    if not places:
        return message
    found = chance.choice(places)
    return message[: found.start()] + becomes(found) + message[found.end() :]


def _span(message: bytes, chance: random.Random) -> tuple[int, int]:
    begin = chance.randint(0, len(message))
    return begin, min(len(message), begin + chance.choice((1, 4, 30, 300)))


CHANGES: tuple[Change, ...] = (
    _flipped, _cut, _without, _doubled, _with_token, _with_lines_doubled, _with_lines_swapped, _with_element_doubled,
    _with_element_nested, _with_element_gone, _with_huge_attribute, _with_attributes_swapped, _in_another_charset,
    _with_damaged_metadata,
)  # fmt: skip
