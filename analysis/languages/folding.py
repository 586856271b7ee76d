"""Letters without the accents that recognizers and chats leave out at will. Pure."""

from __future__ import annotations

import unicodedata

_MARKS = dict.fromkeys((0x300, 0x301, 0x302, 0x308))
"""Grave, acute, circumflex, diaeresis. A tilde or a cedilla stays: it makes another word of one."""


def folded(text: str) -> str:
    """`text` with plain vowels: "llamó" is "llamo", and "a\u00f1o" is as it was."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).translate(_MARKS))
