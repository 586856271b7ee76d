"""Reads the elements of a document that should be XML, as far as possible. Pure, linear in its size, never raises.

Expat reads well-formed documents. If one is not, `scanner` reads the text again and extracts what it can: one wrong
character in a name must not cost a call its roles. Both produce the same elements. Document types are refused before
either runs, so the only entities are XML's five and, in damaged documents, HTML's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pyexpat import ExpatError, ParserCreate
from typing import Literal

from sip_bridge.request import scanner
from sip_bridge.request.charset import decoded

MAX_BYTES = 65_536
MAX_ELEMENTS = 512
"""Further elements are not read. A conference of sixteen has two hundred."""
MAX_OF_A_NAME = 128
"""Elements read per name."""
MAX_DEPTH = 16
"""Nesting depth; deeper elements are ignored. Recorders nest five deep."""
MAX_ATTRIBUTES = 16
"""Per element; recorders write three."""
MAX_TEXT = 256
"""Characters of a text or attribute value, after cleaning."""

_MAX_RAW = 4 * MAX_TEXT

OWNERS = frozenset(
    (
        *("session", "group", "participant", "stream"),
        *("participantstreamassoc", "participantsessionassoc", "sessionrecordingassoc"),
    )
)
"""Elements that others belong to. None of them nests within its own kind."""

Damage = Literal["", "repaired", "too_large", "forbidden_xml"]

_DOCUMENT_TYPE = re.compile(r"<!\s*+(?=[dDeE])(?i:DOCTYPE|ENTITY)")
_BLANK = " \t\r\n\0\ufeff"


@dataclass(slots=True, eq=False)
class Element:
    """One element. Names are local names in lower case."""

    name: str
    attributes: dict[str, str]
    parent: Element | None
    child: Element | None = None
    """The first child."""
    text: str = ""
    """The text before the first child."""
    inner: list[Element] = field(default_factory=list)
    """For an owner: all descendants without a closer owner."""

    @property
    def said(self) -> str:
        """Its text, cleaned."""
        return cleaned(self.text)

    def attribute(self, name: str) -> str:
        """The value of an attribute, cleaned; empty if missing."""
        return cleaned(self.attributes.get(name, ""))


class Document:
    """All elements, in document order."""

    def __init__(self, damage: Damage = "", elements: Iterable[Element] = ()) -> None:
        self.damage = damage
        """Why the document was not read completely or literally; empty if it was."""
        self._named: dict[str, list[Element]] = {}
        for element in elements:
            self._named.setdefault(element.name, []).append(element)

    def named(self, *names: str) -> Iterator[Element]:
        """The elements with one of these names."""
        return (element for name in names for element in self._named.get(name, ())[:MAX_OF_A_NAME])

    def __bool__(self) -> bool:
        return bool(self._named)


class Full(Exception):
    """The document has more than MAX_ELEMENTS elements."""


class Builder:
    """Builds elements from tags. `exact`: the tags are known to nest properly."""

    def __init__(self, exact: bool) -> None:
        self.elements: list[Element] = []
        self._exact = exact
        self._open: list[Element] = []
        self._owners: list[Element] = []
        self._count = 0
        self._below = 0
        """Number of open elements below MAX_DEPTH."""
        self._texts = False
        """Whether text now belongs to the innermost element."""

    def start(self, tag: str, attributes: Iterable[tuple[str, str]]) -> None:
        """Handle a start tag. Raises Full above MAX_ELEMENTS."""
        if self._count == MAX_ELEMENTS:
            raise Full
        self._count += 1
        self._texts = False
        name = local(tag)
        if not self._exact and name in OWNERS and any(owner.name == name for owner in self._owners):
            self.end(name)  # the previous end tag is missing
        if len(self._open) == MAX_DEPTH:
            self._below += self._exact
            return
        own = {local(key): value[:_MAX_RAW] for key, value in islice(attributes, MAX_ATTRIBUTES)}
        parent = self._open[-1] if self._open else None
        element = Element(name, own, parent)
        if parent and parent.child is None:
            parent.child = element
        if self._owners:
            self._owners[-1].inner.append(element)
        if name in OWNERS:
            self._owners.append(element)
        self.elements.append(element)
        self._open.append(element)
        self._texts = True

    def end(self, tag: str) -> None:
        """Handle an end tag; one without a start tag is ignored."""
        self._texts = False
        if self._below:
            self._below -= 1
            return
        name = local(tag)
        if not (self._open and self._open[-1].name == name) and all(each.name != name for each in self._open):
            return
        while self._open:
            ended = self._open.pop()
            if self._owners and self._owners[-1] is ended:
                self._owners.pop()
            if ended.name == name:
                return

    def data(self, text: str) -> None:
        """Handle text; it may come in several pieces."""
        if self._texts:
            innermost = self._open[-1]
            if len(innermost.text) < _MAX_RAW:
                innermost.text = (innermost.text + text).lstrip()[:_MAX_RAW]

    @property
    def wanted(self) -> bool:
        """Whether text at this point would be kept."""
        return self._texts


def read(content: bytes) -> Document:
    """Read the elements in `content`; `Document.damage` says whether it had to be repaired."""
    text, exact = decoded(content[:MAX_BYTES].lstrip(b" \t\r\n"))
    text = text.strip(_BLANK)
    if _DOCUMENT_TYPE.search(text):
        return Document("forbidden_xml")
    begin = text.find("<")
    if begin < 0:
        return Document("repaired")
    large = len(content) > MAX_BYTES
    builder = Builder(exact=True)
    try:
        parse(text.encode("utf-8", "replace"), builder)
        damage: Damage = "" if exact else "repaired"
    except Full:
        large = True
    except (ExpatError, ValueError):
        builder, damage = Builder(exact=False), "repaired"
        try:
            large |= not scanner.scan(text[begin:], builder)
        except Full:
            large = True
    return Document("too_large" if large else damage, builder.elements)


def local(tag: str) -> str:
    """A tag or attribute name without its namespace, in lower case."""
    if " " in tag or ":" in tag:
        tag = tag.rpartition(" ")[2].rpartition(":")[2]
    return tag.lower()


def cleaned(text: str) -> str:
    """The printable characters of `text`, stripped and cut to `MAX_TEXT`."""
    if not text.isprintable():
        text = "".join(filter(str.isprintable, text))
    return text.strip()[:MAX_TEXT]


def parse(content: bytes, builder: Builder) -> None:
    """Feed a well-formed document to `builder`. Raises ExpatError if it is not well formed, Full if it is too large."""
    parser = ParserCreate(encoding="utf-8", namespace_separator=" ")
    parser.buffer_text = True
    parser.ordered_attributes = True

    def start(tag: str, flat: list[str]) -> None:
        builder.start(tag, zip(flat[::2], flat[1::2], strict=True))

    parser.StartElementHandler = start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.Parse(content, True)
