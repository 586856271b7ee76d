"""A caller's number, in one form however a recorder writes it. Pure."""

from __future__ import annotations

import re
from urllib.parse import unquote

from sip_bridge.request.metadata import Participant, user_of

ANONYMOUS = frozenset(("", "anonymous", "unavailable", "unknown", "restricted", "private", "withheld"))
"""User parts that identify nobody, in lower case."""
MOST_CHARACTERS = 256
_SEPARATORS = re.compile(r"[\s().\-/]+")
"""What makes a number readable (RFC 3966 section 5.1.1), and what people use beside it."""
_NUMBER = re.compile(r"\+?[0-9*#]{1,32}")
_ADDRESS = re.compile(r"(?:sips?|tel):([^;?>]*)", re.IGNORECASE)


def number_of(customer: Participant) -> str:
    """The number in the customer's first address; empty if the recorder says that the customer was called."""
    return "" if customer.calling is False else number_in(next(iter(customer.aors), ""))


def number_in(aor: str) -> str:
    """The number in an address, without separators, with its + if it has one; empty if it is withheld.

    An address of letters is kept whole, in lower case.
    """
    aor = aor[:MOST_CHARACTERS]
    user = unquote(user_of(aor), errors="replace").strip()
    if user.lower() in ANONYMOUS:
        return ""
    number = _SEPARATORS.sub("", user)
    if _NUMBER.fullmatch(number):
        return number
    found = _ADDRESS.search(aor)
    address = unquote(found[1] if found else aor, errors="replace").strip().lower()
    return "" if address.endswith("@anonymous.invalid") else address
