"""Decodes a document, whatever encoding it declares. Pure, linear, never raises.

Names come from directories in one encoding and are pasted into documents that declare another. The declaration is
therefore used only if the bytes agree.
"""

from __future__ import annotations

import codecs
import re

MAX_STRAYS = 64
"""Most runs of non-UTF-8 bytes in a UTF-8 document; with more, the document is not treated as UTF-8."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: the marks begin alike
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SINGLE = frozenset(
    (
        *("us-ascii", "ascii", "latin1", "latin-1", "koi8-r", "koi8-u"),
        *(f"iso-8859-{part}" for part in range(1, 17) if part != 12),
        *(f"{prefix}{page}" for prefix in ("windows-", "cp") for page in range(1250, 1259)),
    )
)
_MULTIPLE = frozenset(("shift-jis", "euc-jp", "euc-kr", "gb2312", "gbk", "gb18030", "big5"))
"""Our own table, because Python's has encodings with quadratic cost and caches every name it is asked for."""
_DECLARED = re.compile(rb"<\?xml[^<>]*?\sencoding\s*+=\s*+[\"']?([A-Za-z][\w.-]{0,39})")
_HEAD_BYTES = 256
"""Bytes of a document that are searched for a declaration."""
_STRAY = re.compile("[\udc80-\udcff]+")


def decoded(content: bytes) -> tuple[str, bool]:
    """Return the text, and whether the bytes match the declared encoding."""
    for mark, name in _MARKS:
        if content.startswith(mark):
            return _whole(content[len(mark) :], name)
    if wide := _wide(content):
        begin, name = wide
        return _whole(content[begin:], name)
    found = _DECLARED.search(content[:_HEAD_BYTES])
    declared = found[1].decode().lower().replace("_", "-") if found else "utf-8"
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return _foreign(content, declared)
    if declared in _MULTIPLE:
        return _foreign(content, declared)
    return text, declared in ("utf-8", "utf8") or (content.isascii() and declared in _SINGLE)


def _foreign(content: bytes, declared: str) -> tuple[str, bool]:
    """Decode bytes that are not UTF-8, or that are declared as an encoding that can look like it."""
    if declared in _SINGLE or declared in _MULTIPLE:
        try:
            return content.decode(declared.replace("windows-", "cp")), True
        except UnicodeDecodeError:
            pass
    # A name that was cut within a character must not damage the others.
    text, strays = _STRAY.subn(_western, content.decode("utf-8", "surrogateescape"), MAX_STRAYS)
    if strays < MAX_STRAYS or not _STRAY.search(text):
        return text, False
    return content.decode("cp1252", "replace"), False


def _western(found: re.Match[str]) -> str:
    return found[0].encode("utf-8", "surrogateescape").decode("cp1252", "replace")


def _wide(content: bytes) -> tuple[int, str] | None:
    """Detect UTF-16 or UTF-32 without a byte order mark. Returns where it begins and its encoding, or None."""
    place = content.find(b"<")
    if place < 0 or content[place + 1 : place + 2] != b"\0":
        return None
    if content[place + 1 : place + 4] == b"\0\0\0":
        big = content[max(0, place - 3) : place] == b"\0\0\0" and place % 4 == 3
        return (place - 3, "utf-32-be") if big else (place, "utf-32-le")
    if place % 2:
        return (place - 1, "utf-16-be") if content[place - 1] == 0 else None
    return place, "utf-16-le"


def _whole(content: bytes, name: str) -> tuple[str, bool]:
    try:
        return content.decode(name), True
    except UnicodeDecodeError:
        return content.decode(name, "replace"), False
