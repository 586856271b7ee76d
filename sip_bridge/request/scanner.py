"""Reads text that is almost XML, and extracts what it can. Pure, linear in its size, raises nothing of its own.

An end tag closes the element it names and everything still open within; one that matches nothing is ignored. The quotes
of a value may be missing. Anything that is not a tag, a reference or a comment is literal text. A tag that the end of
the text cuts off does not count: half an id could be somebody else's.
"""

from __future__ import annotations

import re
from html.entities import name2codepoint
from typing import Protocol

MAX_TAGS = 1_152
"""Start tags, end tags, comments and the like; further ones are not read."""
MAX_REFERENCES = 512
"""References (`&…;`) that are resolved; further ones are kept as literal text."""
MAX_PIECE = 4_096
"""Characters read of a text between two tags."""
MAX_TRIES = 32
"""Attempts to read an attribute per tag, including failed ones."""

_TAG = re.compile(
    r"<(?=[!?/A-Za-z_])(?:!(?:--|\[CDATA\[)|\?|(/)([A-Za-z_][\w:.-]*+)?|(?!(?i:sips?|tel):)([A-Za-z_][\w:.-]*+))"
)
"""A SIP address in angle brackets is text, not a tag: it comes from a pasted header."""
_ATTRIBUTE = re.compile(
    r"""\s*+([^\s=<>"'/]++)\s*+(?:=\s*+(?:"([^"<>]*+)"|'([^'<>]*+)'"""
    # A quoted value may contain angle brackets if its closing quote is not the opening quote of another value.
    r"""|"([^"]*+)"(?=[\s/>])|'([^']*+)'(?=[\s/>])"""
    r"""|["']?((?:[^\s"'<>/]|/(?!\s*+>))*+)["']?))?"""
)
_SWALLOWED = re.compile(r"\S\s++[\w:.-]++\s*+=\s*+\Z")
_NO_ATTRIBUTE = re.compile(r"\s*+/?\s*+(?:[<>]|\Z)")
"""Matches where a tag or the text ends."""
_RUBBISH = re.compile(r"\s*+.?", re.DOTALL)
_EMPTY = re.compile(r"\s*+/")
_TAG_END = re.compile(r"[^<>]*+(>?)")
_REFERENCE = re.compile(r"&(?:#([0-9]{1,7}|[xX][0-9a-fA-F]{1,6})|([A-Za-z][A-Za-z0-9]{1,9}));")
_ENDS = {"<!--": "-->", "<![CDATA[": "]]>", "<?": "?>"}


class Taker(Protocol):
    """Receives the tags and texts."""

    def start(self, tag: str, attributes: list[tuple[str, str]]) -> None:
        """Receive a start tag; may raise to end the scan."""

    def end(self, tag: str) -> None:
        """Receive an end tag."""

    def data(self, text: str) -> None:
        """Receive text between tags."""

    @property
    def wanted(self) -> bool:
        """Whether text would be kept."""


def scan(text: str, taker: Taker) -> bool:
    """Pass everything in `text` to `taker`. Returns whether all of it was read."""
    return _Scan(text, taker).run()


class _Scan:
    def __init__(self, text: str, taker: Taker) -> None:
        self._text = text
        self._taker = taker
        self._place = 0
        self._references = MAX_REFERENCES
        self._without: set[str] = set()
        """Terminators that do not occur again; searching for them from every start would take quadratic time."""

    def run(self) -> bool:
        for _ in range(MAX_TAGS):
            found = _TAG.search(self._text, self._place)
            if found is None:
                return True
            if self._taker.wanted:
                self._taker.data(self._resolved(self._text[self._place : found.start()][:MAX_PIECE]))
            self._place = found.end()
            if found[3]:
                if not self._start(found[3]):
                    return True
            elif not found[1]:
                self._skip(found[0])
            elif self._end_of_tag():
                self._taker.end(found[2] or "")
        return False

    def _skip(self, beginning: str) -> None:
        """Skip a comment or processing instruction; pass on the text of a CDATA section."""
        end = _ENDS[beginning]
        place = -1 if end in self._without else self._text.find(end, self._place)
        if place < 0:
            self._without.add(end)
            return
        if beginning == "<![CDATA[" and self._taker.wanted:
            self._taker.data(self._text[self._place : place])
        self._place = place + len(end)

    def _start(self, name: str) -> bool:
        """Read a start tag. Returns False if the text ends within it."""
        attributes: dict[str, str] = {}
        text = self._text
        for _ in range(0 if text.startswith(">", self._place) else MAX_TRIES):
            if found := _ATTRIBUTE.match(text, self._place):
                value, self._place = found[found.lastindex or 0], found.end()
                if found.lastindex == 1:
                    value = ""
                elif _SWALLOWED.search(value):  # the closing quote is missing
                    value = value.split(None, 1)[0]
                    self._place = found.start(found.lastindex or 0) + len(value)
                attributes.setdefault(found[1], self._resolved(value))
            elif _NO_ATTRIBUTE.match(text, self._place):
                break
            else:
                self._place = _RUBBISH.match(text, self._place).end()  # type: ignore[union-attr] # it matches anything
        empty = _EMPTY.match(text, self._place)
        if not self._end_of_tag():
            return False
        self._taker.start(name, [*attributes.items()])
        if empty:
            self._taker.end(name)
        return True

    def _end_of_tag(self) -> bool:
        """Move past the tag, which another tag may cut short. Returns False if the text ends first."""
        if self._text.startswith(">", self._place):
            self._place += 1
            return True
        found = _TAG_END.match(self._text, self._place)
        assert found  # noqa: S101 -- it matches anything
        self._place = found.end()
        return self._place < len(self._text) or bool(found[1])

    def _resolved(self, text: str) -> str:
        if "&" not in text or not self._references:
            return text
        resolved, count = _REFERENCE.subn(_character, text, self._references)
        self._references -= count
        return resolved


def _character(found: re.Match[str]) -> str:
    number, name = found[1], found[2]
    if number:
        code = int(number[1:], 16) if number[0] in "xX" else int(number)
    else:
        code = name2codepoint.get(name, 39 if name == "apos" else -1)
    return chr(code) if 0 < code < 0xD800 or 0xDFFF < code < 0x110000 else found[0]
