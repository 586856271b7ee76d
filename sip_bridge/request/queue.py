"""Which queue a fork is of: the name that its PBX calls the bridge by. Pure."""

from __future__ import annotations

import re
from urllib.parse import unquote

MAX_QUEUE = 64
MOST_DIGITS = 6
"""In a queue's name. More may be a person's telephone number, which must not be passed on as a name."""
_NAME = re.compile(rf"[\w.+-]{{1,{MAX_QUEUE}}}")


def queue_of(uri: str) -> str:
    """The user part of a request URI, in lower case, such as `billing` in `sip:billing@bridge`.

    Empty if there is none, or if it is no plain name or may be a telephone number.
    """
    scheme, colon, rest = uri.strip("<>").partition(":")
    user, at, _ = rest.rpartition("@")
    if scheme.lower() not in ("sip", "sips") or not colon or not at:
        return ""
    name = unquote(re.split("[;:]", user, maxsplit=1)[0], errors="replace").lower()
    digits = sum(character.isdigit() for character in name)
    return name if _NAME.fullmatch(name) and digits <= MOST_DIGITS else ""
