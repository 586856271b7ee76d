"""What is known of a caller's contacts before this one. No number: a keyed hash stands for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from callbus.messages.leg import Number, UnixSeconds

CallerHash = Annotated[str, Meta(max_length=32, pattern=r"^([0-9a-f]{32})?\Z")]
"""The caller's number as a keyed hash: HMAC-SHA256 cut to 128 bits, hexadecimal. Empty if the number is withheld or
unknown, or if the bridge has no key."""

MOST_CRM_CHARACTERS = 200
CrmText = Annotated[str, Meta(max_length=MOST_CRM_CHARACTERS)]


@dataclass(frozen=True, slots=True)
class CrmRecord:
    """What a CRM answered for a caller: somebody else's text, and their own way to count."""

    earlier: Number | None = None
    """Earlier contacts; null if it does not say."""
    address: CrmText = ""
    """The form of address that the customer prefers."""
    notes: CrmText = ""
    """How they like to be spoken to."""


@dataclass(frozen=True, slots=True)
class Contact:
    """A caller's contacts before this call, from three sources that are kept apart."""

    number: Number = 0
    """Which contact this is, by the count or by the caller's words, whichever is more: 1 is the first; 0 if unknown."""
    earlier: Number | None = None
    """Earlier calls within `days`; null if they could not be counted."""
    days: Annotated[float, Meta(ge=0, le=36_500)] = 0.0
    """How far back they were counted; 0 if they were not."""
    last_at: UnixSeconds | None = None
    """Unix seconds: beginning of the latest of them; null if there is none."""
    said: Annotated[str, Meta(max_length=200)] = ""
    """The words in which the caller says that it is not their first contact; empty if they have not."""
    crm: CrmRecord | None = None
