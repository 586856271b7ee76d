"""Connections that have not signed in: bounded, so that they take no place from those that have. Pure."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

from service.rates import source_of

T = TypeVar("T", bound=Hashable)


class Strangers(Generic[T]):
    """At most so many; of too many, the address that has the most gives up its oldest.

    So a flood from one address ends its own connections, and an address that many people share (a proxy, an office)
    is not held to fewer than others.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._of: dict[str, dict[T, int]] = {}
        """By address, and the oldest first: when each came."""
        self._address: dict[T, str] = {}
        self._count = 0

    def __len__(self) -> int:
        return len(self._address)

    def add(self, connection: T, address: str) -> T | None:
        """Take one more; the one that has to go for it, if one has to."""
        gone = self._crowding() if len(self) >= self._most else None
        if gone is not None:
            self.discard(gone)
        source = source_of(address)
        self._count += 1
        self._address[connection] = source
        self._of.setdefault(source, {})[connection] = self._count
        return gone

    def discard(self, connection: T) -> None:
        """It has signed in, or is gone. What is not known is let pass."""
        source = self._address.pop(connection, None)
        if source is not None:
            del self._of[source][connection]
            if not self._of[source]:
                del self._of[source]

    def _crowding(self) -> T:
        most = max(self._of.values(), key=lambda those: (len(those), -next(iter(those.values()))))
        return next(iter(most))
