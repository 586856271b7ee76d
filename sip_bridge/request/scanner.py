"""Goes over a text that is nearly XML and takes what it can. Pure, linear in its size, raises nothing of its own.

An end tag ends what it names, and whatever is still open within; one that names nothing open is passed over. A value's
quotes may be missing. What is no tag, no reference and no comment is text as it stands. What the text breaks off in
does not count: half an id would be another's.
"""

from __future__ import annotations

import re
from html.entities import name2codepoint
from typing import Protocol

MAX_TAGS = 1_152
"""Start tags, end tags, comments and the like; what comes after is not read."""
MAX_REFERENCES = 512
"""Characters written as `&…;` that are resolved; those that come after stand as they are."""
MAX_PIECE = 4_096
"""Characters looked at of a text between two tags."""
MAX_TRIES = 32
"""For attributes of one tag, what is none included."""

_TAG = re.compile(
    r"<(?=[!?/A-Za-z_])(?:!(?:--|\[CDATA\[)|\?|(/)([A-Za-z_][\w:.-]*+)?|(?!(?i:sips?|tel):)([A-Za-z_][\w:.-]*+))"
)
"""An address in angle brackets is text: somebody has pasted a header."""
_ATTRIBUTE = re.compile(
    r"""\s*+([^\s=<>"'/]++)\s*+(?:=\s*+(?:"([^"<>]*+)"|'([^'<>]*+)'"""
    # A quoted value may have angle brackets in it, if its second quote is not the first one of another value.
    r"""|"([^"]*+)"(?=[\s/>])|'([^']*+)'(?=[\s/>])"""
    r"""|["']?((?:[^\s"'<>/]|/(?!\s*+>))*+)["']?))?"""
)
_SWALLOWED = re.compile(r"\S\s++[\w:.-]++\s*+=\s*+\Z")
_NO_ATTRIBUTE = re.compile(r"\s*+/?\s*+(?:[<>]|\Z)")
"""Where a tag ends, or the text does."""
_RUBBISH = re.compile(r"\s*+.?", re.DOTALL)
_EMPTY = re.compile(r"\s*+/")
_TAG_END = re.compile(r"[^<>]*+(>?)")
_REFERENCE = re.compile(r"&(?:#([0-9]{1,7}|[xX][0-9a-fA-F]{1,6})|([A-Za-z][A-Za-z0-9]{1,9}));")
_ENDS = {"<!--": "-->", "<![CDATA[": "]]>", "<?": "?>"}


class Taker(Protocol):
    """What the tags and texts are given to."""

    def start(self, tag: str, attributes: list[tuple[str, str]]) -> None:
        """A start tag; may raise to end the scan."""

    def end(self, tag: str) -> None:
        """An end tag."""

    def data(self, text: str) -> None:
        """Text between tags."""

    @property
    def wanted(self) -> bool:
        """Whether text would be kept."""


def scan(text: str, taker: Taker) -> bool:
    """Give all that `text` has to `taker`; whether that was all."""
    return _Scan(text, taker).run()


class _Scan:
    def __init__(self, text: str, taker: Taker) -> None:
        self._text = text
        self._taker = taker
        self._place = 0
        self._references = MAX_REFERENCES
        self._without: set[str] = set()
        """Ends that do not come any more: to look for them from each beginning would take the square of the time."""

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
        """Over a comment or an instruction; to the end of literal text, which counts."""
        end = _ENDS[beginning]
        place = -1 if end in self._without else self._text.find(end, self._place)
        if place < 0:
            self._without.add(end)
            return
        if beginning == "<![CDATA[" and self._taker.wanted:
            self._taker.data(self._text[self._place : place])
        self._place = place + len(end)

    def _start(self, name: str) -> bool:
        """A start tag; false where the text breaks off in it."""
        attributes: dict[str, str] = {}
        text = self._text
        for _ in range(0 if text.startswith(">", self._place) else MAX_TRIES):
            if found := _ATTRIBUTE.match(text, self._place):
                value, self._place = found[found.lastindex or 0], found.end()
                if found.lastindex == 1:
                    value = ""
                elif _SWALLOWED.search(value):  # its second quote is missing
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
        """Go behind the tag, which another one may cut short; false where the text ends before."""
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
