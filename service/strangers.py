"""Connections that have proven nothing yet, and which of them goes when there are too many. Pure."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

from service.rates import source_of

T = TypeVar("T", bound=Hashable)


class Strangers(Generic[T]):
    """The address that has the most gives up its oldest.

    So a flood from one address ends its own connections, and an address that many people share (a proxy, an office)
    is not held to fewer than others.
    """

    def __init__(self) -> None:
        self._of: dict[str, dict[T, int]] = {}
        """By address, and the oldest first: when each came."""
        self._address: dict[T, str] = {}
        self._count = 0

    def __len__(self) -> int:
        return len(self._address)

    def add(self, connection: T, address: str) -> None:
        """One more."""
        source = source_of(address)
        self._count += 1
        self._address[connection] = source
        self._of.setdefault(source, {})[connection] = self._count

    def discard(self, connection: T) -> None:
        """It is a stranger no more, or is gone. What is not known is let pass."""
        source = self._address.pop(connection, None)
        if source is not None:
            del self._of[source][connection]
            if not self._of[source]:
                del self._of[source]

    def evict(self) -> T | None:
        """The one that has to go for another, which is none of them from here on; None where there is none."""
        if not self._of:
            return None
        most = max(self._of.values(), key=lambda those: (len(those), -next(iter(those.values()))))
        gone = next(iter(most))
        self.discard(gone)
        return gone
