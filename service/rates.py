"""How fast something may happen, of each peer, and how often it is logged. Pure: the clock is passed in."""

from __future__ import annotations

from collections import OrderedDict
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

PEERS_REMEMBERED = 4_096
"""Peers whose rate is kept; the one heard longest ago is forgotten first and may then send a burst again."""

SELDOM_SECONDS = 60.0
"""Between two lines in the log about what happens again and again."""


class TokenBucket:
    """So many a second, and some at once. Times are seconds of one monotonic clock."""

    def __init__(self, per_second: float, now: float, at_once: float | None = None) -> None:
        """`at_once`: a second's worth where it is not said; one at least."""
        self._per_second = per_second
        self._size = max(1.0, per_second if at_once is None else at_once)
        self._tokens = self._size
        self._filled_at = now

    def has(self, now: float) -> bool:
        """Whether one more would be within the rate."""
        self._tokens = min(self._size, self._tokens + (now - self._filled_at) * self._per_second)
        self._filled_at = now
        return self._tokens >= 1.0

    def take(self, now: float) -> bool:
        """Whether one more is within the rate; it counts only then."""
        if not self.has(now):
            return False
        self._tokens -= 1.0
        return True


class Rates:
    """A bucket for each peer that has sent something; an IPv6 peer is its whole /64."""

    def __init__(self, per_second: float, at_once: float | None = None) -> None:
        """As `TokenBucket`; 0 a second is no limit."""
        self._per_second = per_second
        self._at_once = at_once
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, peer: str, now: float) -> bool:
        """Whether one more of the peer is within its rate; it counts only then."""
        return not self._per_second or self._bucket(peer, now).take(now)

    def has(self, peer: str, now: float) -> bool:
        """Whether one more of the peer would be; a peer that was never heard of leaves no trace."""
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
    """Counts what is not to be logged each time."""

    def __init__(self, seconds: float = SELDOM_SECONDS) -> None:
        """`seconds`: between two lines."""
        self._seconds = seconds
        self._count = 0
        self._told_at = float("-inf")

    def add(self, count: int = 1) -> None:
        """It has happened again."""
        self._count += count

    def due(self, now: float) -> int:
        """How often it has happened since the last line, where it is time for one; else 0. `now`: monotonic seconds."""
        if not self._count or now - self._told_at < self._seconds:
            return 0
        count, self._count, self._told_at = self._count, 0, now
        return count


def address_in(peer: str) -> IPv4Address | IPv6Address | None:
    """The address that `peer` is, without its zone, as IPv4 where it is one in IPv6's clothes; None for no address."""
    try:
        address = ip_address(peer.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def source_of(peer: str) -> str:
    """What is counted as one peer: an IPv6 host has its whole /64 to send from."""
    address = address_in(peer)
    if address is None:
        return peer
    return str(IPv6Network((address, 64), strict=False)) if isinstance(address, IPv6Address) else str(address)
