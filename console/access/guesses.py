"""Limits the wrong passwords an address may try. Pure: the clock is passed in."""

from __future__ import annotations

import hashlib
from collections import OrderedDict

from service.rates import Rates, source_of

WRONG_AT_ONCE = 10.0
"""Wrong passwords an address may try in a row: people mistype."""
WRONG_PER_SECOND = 0.1
"""After that: 8,640 guesses a day."""
REMEMBERED = 4_096
"""Wrong passwords that are recognised when repeated."""
LONGEST_ADDRESS = 64
"""A proxy may report any text as an address."""


class Guesses:
    """Wrong passwords by address; an IPv6 address counts as its whole /64.

    A repeated wrong password reveals nothing and does not count again: open pages with an old password retry every
    second and must not lock out someone who knows the new one.
    """

    def __init__(self) -> None:
        self._wrong = Rates(WRONG_PER_SECOND, WRONG_AT_ONCE)
        self._tried: OrderedDict[bytes, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._wrong)

    def was_wrong(self, address: str, credentials: bytes) -> bool:
        """Whether the address has tried these credentials before."""
        tried = _mark(address, credentials)
        if tried in self._tried:
            self._tried.move_to_end(tried)
            return True
        return False

    def may_try(self, address: str, now: float) -> bool:
        """Whether the address may try another password. `now`: seconds of a monotonic clock."""
        return self._wrong.has(address[:LONGEST_ADDRESS], now)

    def add(self, address: str, credentials: bytes, now: float) -> None:
        """Count a wrong password."""
        self._wrong.take(address[:LONGEST_ADDRESS], now)
        self._tried[_mark(address, credentials)] = None
        if len(self._tried) > REMEMBERED:
            self._tried.popitem(last=False)


def _mark(address: str, credentials: bytes) -> bytes:
    return hashlib.sha256(source_of(address[:LONGEST_ADDRESS]).encode(errors="replace") + b"\0" + credentials).digest()
