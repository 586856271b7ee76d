"""Rate limits per peer, and limits on repeated log lines. Pure: the clock is passed in."""

from __future__ import annotations

from collections import OrderedDict
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

PEERS_REMEMBERED = 4_096
"""Peers whose rate is tracked. The least recently heard is forgotten first, and may then send a burst again."""

SELDOM_SECONDS = 60.0
"""Between two log lines about the same repeated event."""


class TokenBucket:
    """A rate with a burst. Times are seconds of one monotonic clock."""

    def __init__(self, per_second: float, now: float, at_once: float | None = None) -> None:
        """`at_once`: the burst, at least 1; None means one second's worth."""
        self._per_second = per_second
        self._size = max(1.0, per_second if at_once is None else at_once)
        self._tokens = self._size
        self._filled_at = now

    def has(self, now: float) -> bool:
        """Whether one more event would be within the rate."""
        self._tokens = min(self._size, self._tokens + (now - self._filled_at) * self._per_second)
        self._filled_at = now
        return self._tokens >= 1.0

    def take(self, now: float) -> bool:
        """Whether one more event is within the rate; if so, it is counted."""
        if not self.has(now):
            return False
        self._tokens -= 1.0
        return True


class Rates:
    """One bucket per peer; an IPv6 peer is its whole /64."""

    def __init__(self, per_second: float, at_once: float | None = None) -> None:
        """As `TokenBucket`; 0 per second means no limit."""
        self._per_second = per_second
        self._at_once = at_once
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, peer: str, now: float) -> bool:
        """Whether one more event from the peer is within its rate; if so, it is counted."""
        return not self._per_second or self._bucket(peer, now).take(now)

    def has(self, peer: str, now: float) -> bool:
        """Whether one more event from the peer would be within its rate. Stores nothing for an unknown peer."""
        bucket = self._buckets.get(source_of(peer))
        return bucket is None or bucket.has(now)

    def _bucket(self, peer: str, now: float) -> TokenBucket:
        key = source_of(peer)
        bucket = self._buckets.setdefault(key, TokenBucket(self._per_second, now, self._at_once))
        self._buckets.move_to_end(key)
        if len(self._buckets) > PEERS_REMEMBERED:
            self._buckets.popitem(last=False)
        return bucket


class Seldom:
    """Counts events that are logged at most once per interval."""

    def __init__(self, seconds: float = SELDOM_SECONDS) -> None:
        """`seconds`: shortest time between two log lines."""
        self._seconds = seconds
        self._count = 0
        self._told_at = float("-inf")

    def add(self, count: int = 1) -> None:
        """Count further events."""
        self._count += count

    def due(self, now: float) -> int:
        """Events since the last log line if the next one is due, else 0. `now`: monotonic seconds."""
        if not self._count or now - self._told_at < self._seconds:
            return 0
        count, self._count, self._told_at = self._count, 0, now
        return count


def address_in(peer: str) -> IPv4Address | IPv6Address | None:
    """Parse an address, dropping its zone; IPv4-mapped IPv6 becomes IPv4. None if `peer` is not an address."""
    try:
        address = ip_address(peer.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def source_of(peer: str) -> str:
    """The key that counts as one peer. For IPv6 it is the /64, because one host can use all of it."""
    address = address_in(peer)
    if address is None:
        return peer
    return str(IPv6Network((address, 64), strict=False)) if isinstance(address, IPv6Address) else str(address)
