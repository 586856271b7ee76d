"""Reads a SIP request's headers and the parts of its body (RFC 3261 section 7, RFC 2046 section 5.1).

Pure and tolerant: unreadable content is left out, nothing raises. The library parses the message too, but does not pass
this content on.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

MAX_PARTS = 16
MAX_LINES = 256
"""Lines read of a request's head, including folded ones. Recorders write thirty."""
MAX_PART_LINES = 16
"""The same for the head of a part."""
MAX_LINE = 4_096
"""Bytes read of one line."""
MAX_TYPE = 128
"""Characters read of a type and its subtype."""
_REST = re.compile(rb"(--)?[ \t]*+\r?(?=\n|\Z)")
"""What may follow a delimiter."""
_COMPACT = {"c": "content-type", "f": "from", "i": "call-id", "l": "content-length"}
_BOUNDARY = re.compile(r';\s*+boundary\s*+=\s*+(?:"((?:[^"\\]|\\.){1,200}+)"|([^\s;,"]{1,200}+))', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a body, or a whole body without parts."""

    content_type: str
    """Type and subtype in lower case, without parameters; empty if missing."""
    content: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """The parts of a request that a recorder needs."""

    uri: str
    """The request URI; empty if missing."""
    headers: dict[str, list[str]]
    """The values of each header, by its long name in lower case."""
    parts: tuple[Part, ...]

    def first(self, name: str) -> str:
        """The first value of a header, by its long name in lower case; empty if missing."""
        return _first(self.headers, name)

    def part(self, *content_types: str) -> bytes | None:
        """The content of the first part with one of these types; None if there is none."""
        return next((part.content for part in self.parts if part.content_type in content_types), None)


def read(raw: bytes, head: Message | None = None) -> Message:
    """Read the request in `raw`. `head`: the result of `read_head`, if already known. Never raises."""
    head = head or read_head(raw)
    _, body = _split_head(raw)
    content_type = head.first("content-type")
    kind = _media_type(content_type)
    if not body:
        return head
    if not kind.startswith("multipart/"):
        return replace(head, parts=(Part(kind, body),))
    boundary = _BOUNDARY.search(content_type)
    if boundary is None:
        return head
    return replace(head, parts=_parts(body, (boundary[1] or boundary[2]).encode(errors="replace")))


def read_head(raw: bytes) -> Message:
    """Read the request without its body."""
    head, _ = _split_head(raw)
    return Message(_uri(head), _headers(head, MAX_LINES), ())


def _parts(body: bytes, boundary: bytes) -> tuple[Part, ...]:
    # A delimiter starts a line. Before the first is the preamble, after the closing one the epilogue.
    body = b"\n" + body
    marks = list(itertools.islice(_delimiters(body, b"\n--" + boundary), MAX_PARTS + 1))
    found = []
    for mark, following in zip(marks, [*marks[1:], None], strict=False):
        if mark.closing:
            break
        # A truncated body has no closing delimiter; its last part still counts.
        raw = body[mark.end : following.begin if following else len(body)]
        if following and raw.endswith(b"\r"):  # the line break before a delimiter belongs to it
            raw = raw[:-1]
        # It still begins with the delimiter's line break; followed by an empty line, that is a part without headers.
        head, content = _split_head(raw)
        if content:
            headers = _headers(head, MAX_PART_LINES)
            found.append(Part(_media_type(_first(headers, "content-type")), content))
    return tuple(found[:MAX_PARTS])


@dataclass(frozen=True, slots=True)
class _Delimiter:
    begin: int
    end: int
    closing: bool


def _delimiters(body: bytes, line: bytes) -> Iterator[_Delimiter]:
    """Occurrences of `line` followed only by blanks, or by the closing delimiter's `--` and blanks."""
    place = body.find(line)
    while place >= 0:
        end = place + len(line)
        rest = _REST.match(body, end)
        if rest:
            yield _Delimiter(place, rest.end(), bool(rest[1]))
        place = body.find(line, end)


def _split_head(raw: bytes) -> tuple[bytes, bytes]:
    """The bytes before and after the first empty line."""
    end = raw.find(b"\n\r\n")
    bare = raw.find(b"\n\n", 0, end + 2 if end >= 0 else len(raw))
    if bare < 0 and end < 0:
        return raw, b""
    begin, size = (bare, 2) if bare >= 0 else (end, 3)
    return raw[:begin].removesuffix(b"\r"), raw[begin + size :]


def _uri(head: bytes) -> str:
    words = _decoded(head[: head.find(b"\n") if b"\n" in head[:MAX_LINE] else MAX_LINE]).split(" ", 3)
    return words[1] if len(words) > 2 else ""


def _headers(head: bytes, lines: int) -> dict[str, list[str]]:
    """The values of the headers in the first `lines` lines."""
    found: dict[str, list[str]] = {}
    values: list[str] = []
    for line in head.split(b"\n", lines)[:lines]:
        if line[:1] in (b" ", b"\t"):  # continues the previous header
            if values and len(values[-1]) < MAX_LINE:
                values[-1] = f"{values[-1]} {_decoded(line).strip()}".strip()
            continue
        name, colon, value = _decoded(line).partition(":")
        values = []
        if colon:
            name = name.strip().lower()
            values = found.setdefault(_COMPACT.get(name, name), [])
            values.append(value.strip())
    return found


def _decoded(line: bytes) -> str:
    return line[:MAX_LINE].decode("utf-8", "replace").rstrip("\r\n")


def _first(headers: dict[str, list[str]], name: str) -> str:
    return headers.get(name, [""])[0]


def _media_type(value: str) -> str:
    return "".join(value.partition(";")[0][:MAX_TYPE].split()).lower()
