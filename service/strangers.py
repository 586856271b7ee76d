"""Unauthenticated connections, and which one to evict when there are too many. Pure."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

from service.rates import source_of

T = TypeVar("T", bound=Hashable)


class Strangers(Generic[T]):
    """The address with the most connections loses its oldest one.

    A flood from one address thus evicts its own connections, and an address that many people share (a proxy, an
    office) has no lower limit than others.
    """

    def __init__(self) -> None:
        self._of: dict[str, dict[T, int]] = {}
        """Arrival number of each connection by address, oldest first."""
        self._address: dict[T, str] = {}
        self._count = 0

    def __len__(self) -> int:
        return len(self._address)

    def add(self, connection: T, address: str) -> None:
        """Add a connection."""
        source = source_of(address)
        self._count += 1
        self._address[connection] = source
        self._of.setdefault(source, {})[connection] = self._count

    def discard(self, connection: T) -> None:
        """Remove a connection that has authenticated or closed. Ignores an unknown one."""
        source = self._address.pop(connection, None)
        if source is not None:
            del self._of[source][connection]
            if not self._of[source]:
                del self._of[source]

    def evict(self) -> T | None:
        """Remove and return the connection to close to make room; None if there is none."""
        if not self._of:
            return None
        most = max(self._of.values(), key=lambda those: (len(those), -next(iter(those.values()))))
        gone = next(iter(most))
        self.discard(gone)
        return gone
