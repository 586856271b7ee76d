"""Who may fork calls to this bridge, how many and how fast. Pure: the clock is passed in.

A peer is the address that an INVITE came from: an SBC, or the proxy in front of several. It is judged before its
message is read any further; the library has parsed the message by then, so a firewall still belongs in front. Over TLS
it may also be known by the names in its certificate.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from sip_bridge.outcome import Refusal

PEERS_REMEMBERED = 4_096
"""Peers whose rate is kept; the one heard longest ago is forgotten first and may then fork a burst again."""
NOISE_SECONDS = 10.0
"""Between two lines about refused peers, however many INVITEs they send."""


class TokenBucket:
    """So many a second, and a second's worth at once. Times are seconds of one monotonic clock."""

    def __init__(self, per_second: float, now: float) -> None:
        self._per_second = per_second
        self._size = max(1.0, per_second)
        self._tokens = self._size
        self._filled_at = now

    def take(self, now: float) -> bool:
        """Whether one more is within the rate; it counts only then."""
        self._tokens = min(self._size, self._tokens + (now - self._filled_at) * self._per_second)
        self._filled_at = now
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True


class Peers:
    """Judges the peers of one bridge."""

    def __init__(self, allowed: Sequence[str], forks_per_second: float, certificates: Sequence[str] = ()) -> None:
        """`allowed`: addresses and networks. `certificates`: names in certificates. Neither: any peer.

        `forks_per_second`: of each peer, 0 for any rate.
        """
        self._names = frozenset(name.lower() for name in certificates)
        self._allowed = [ip_network(each, strict=False) for each in allowed]
        self._forks_per_second = forks_per_second
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()
        self._refused = 0
        self._last_refused = ""
        self._told_at = float("-inf")

    def admits(self, peer: str, names: frozenset[str] = frozenset()) -> bool:
        """Whether the peer may fork at all: by its address, as `address_of` gives it, or by its certificate's names."""
        return not (self._allowed or self._names) or bool(names & self._names) or self._allows(peer)

    def hurries(self, peer: str, now: float) -> bool:
        """Whether another fork of the peer would be one too many at this moment; it counts if not."""
        return bool(self._forks_per_second) and not self._bucket(peer, now).take(now)

    def refused(self, peer: str, refusal: Refusal) -> None:
        """Note a refusal for the peer's sake."""
        self._refused += 1
        self._last_refused = f"{peer}: {refusal.phrase}"

    def noise(self, now: float) -> str:
        """What is to be logged about refused peers; mostly nothing."""
        if not self._refused or now - self._told_at < NOISE_SECONDS:
            return ""
        line = f"{self._refused} forks refused for their peer's sake, the latest of {self._last_refused}"
        self._refused, self._told_at = 0, now
        return line

    def _allows(self, peer: str) -> bool:
        address = _parsed(peer)
        return address is not None and any(address in network for network in self._allowed)

    def _bucket(self, peer: str, now: float) -> TokenBucket:
        key = _rated(peer)
        bucket = self._buckets.setdefault(key, TokenBucket(self._forks_per_second, now))
        self._buckets.move_to_end(key)
        if len(self._buckets) > PEERS_REMEMBERED:
            self._buckets.popitem(last=False)
        return bucket


def address_of(source: str) -> str:
    """The address in `address:port` or `[address]:port`."""
    return source.rpartition(":")[0].strip("[]")


def _parsed(peer: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(peer.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _rated(peer: str) -> str:
    """What a peer's rate is kept under: an IPv6 host has its whole /64 to send from."""
    address = _parsed(peer)
    return str(IPv6Network((address, 64), strict=False)) if isinstance(address, IPv6Address) else peer
