"""Reads a SIP request's headers and the parts of its body (RFC 3261 section 7, RFC 2046 section 5.1).

Pure and tolerant: what cannot be read is left out, nothing raises. The library has parsed the message before; this
reads what the library does not pass on.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

MAX_PARTS = 16
_COMPACT = {"c": "content-type", "f": "from", "i": "call-id", "l": "content-length"}
_BOUNDARY = re.compile(r';\s*boundary\s*=\s*(?:"((?:[^"\\]|\\.){1,200})"|([^\s;,"]{1,200}))', re.IGNORECASE)
_EMPTY_LINE = re.compile(rb"\r?\n\r?\n")


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a body, or a whole body that has no parts."""

    content_type: str
    """Type and subtype in lower case, parameters cut off; empty where there is none."""
    content: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """A request as far as a recorder needs it."""

    uri: str
    """The request's; empty where there is none."""
    headers: dict[str, list[str]]
    """The values of each header, by its long name in lower case."""
    parts: tuple[Part, ...]

    def first(self, name: str) -> str:
        """The first value of a header, by its long name in lower case; empty where there is none."""
        return _first(self.headers, name)

    def part(self, *content_types: str) -> bytes | None:
        """The first part of one of these types."""
        return next((part.content for part in self.parts if part.content_type in content_types), None)


def read(raw: bytes) -> Message:
    """The request in `raw`, whatever it is."""
    head, body = _split_head(raw)
    uri, headers = _uri(head), _headers(head)
    content_type = _first(headers, "content-type")
    kind = _media_type(content_type)
    if not body:
        return Message(uri, headers, ())
    if not kind.startswith("multipart/"):
        return Message(uri, headers, (Part(kind, body),))
    boundary = _BOUNDARY.search(content_type)
    if boundary is None:
        return Message(uri, headers, ())
    return Message(uri, headers, _parts(body, (boundary[1] or boundary[2]).encode(errors="replace")))


def read_head(raw: bytes) -> Message:
    """The same without its body."""
    head, _ = _split_head(raw)
    return Message(_uri(head), _headers(head), ())


def _parts(body: bytes, boundary: bytes) -> tuple[Part, ...]:
    # A delimiter starts a line; what stands before the first is preamble, what follows the closing one epilogue.
    delimiter = re.compile(rb"(?:^|\r?\n)--" + re.escape(boundary) + rb"(--)?[ \t]*(?=\r?\n|$)")
    marks = list(itertools.islice(delimiter.finditer(body), MAX_PARTS + 1))
    found = []
    for mark, following in zip(marks, [*marks[1:], None], strict=False):
        if mark[1]:
            break
        # A body that was cut short has no closing delimiter: its last part still counts.
        raw = body[mark.end() : following.start() if following else len(body)]
        # It still begins with the delimiter's line break: together with an empty line, that is a part without headers.
        head, content = _split_head(raw)
        if content:
            found.append(Part(_media_type(_first(_headers(head), "content-type")), content))
    return tuple(found[:MAX_PARTS])


def _split_head(raw: bytes) -> tuple[bytes, bytes]:
    end = _EMPTY_LINE.search(raw)
    return (raw[: end.start()], raw[end.end() :]) if end else (raw, b"")


def _uri(head: bytes) -> str:
    words = re.split(rb"\r?\n", head, maxsplit=1)[0].decode("utf-8", "replace").split(" ")
    return words[1] if len(words) > 2 else ""


def _headers(head: bytes) -> dict[str, list[str]]:
    unfolded = re.sub(r"\r?\n[ \t]+", " ", head.decode("utf-8", "replace"))
    found: dict[str, list[str]] = {}
    for line in re.split(r"\r?\n", unfolded):
        name, colon, value = line.partition(":")
        name = name.strip().lower()
        if colon:
            found.setdefault(_COMPACT.get(name, name), []).append(value.strip())
    return found


def _first(headers: dict[str, list[str]], name: str) -> str:
    return headers.get(name, [""])[0]


def _media_type(value: str) -> str:
    return "".join(value.partition(";")[0].split()).lower()
