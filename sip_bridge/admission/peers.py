"""Who may fork calls to this bridge. Pure.

A peer is a request's source address: an SBC, or the proxy in front of several. It is checked before the bridge reads
the message any further; the library has parsed the message by then, so a firewall still belongs in front. Over TLS a
peer may also be admitted by the names in its certificate.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_network

from service.rates import address_in

ANYBODY = "any"
"""As an allowed peer, matches every address."""
LOOPBACK = ("127.0.0.0/8", "::1/128")
"""Admitted if no peers are configured."""

_MAPPED_BITS = 96
"""Length of the prefix of IPv4-mapped IPv6 addresses."""


class Peers:
    """The peers that one bridge admits."""

    def __init__(self, allowed: Sequence[str], certificates: Sequence[str] = ()) -> None:
        """`allowed`: addresses, networks, `any`. `certificates`: names in certificates. Both empty: loopback only."""
        self.anybody = ANYBODY in allowed
        named = [each for each in allowed if each != ANYBODY]
        self.networks = tuple(network_in(each) for each in (named or ([] if certificates else LOOPBACK)))
        """Networks admitted by address; ignored if `anybody` is set."""
        self.names = frozenset(name.lower() for name in certificates)

    def admits(self, peer: str, names: frozenset[str] = frozenset()) -> bool:
        """Whether the peer is admitted. `peer`: as `address_of` gives it. `names`: its certificate's, in lower case."""
        return self.anybody or bool(names & self.names) or self._allows(peer)

    def _allows(self, peer: str) -> bool:
        address = address_in(peer)
        return address is not None and any(address in network for network in self.networks)


def network_in(text: str) -> IPv4Network | IPv6Network:
    """Parse an address or network; IPv4-mapped IPv6 becomes IPv4. Raises ValueError if it is neither."""
    network = ip_network(text, strict=False)
    if isinstance(network, IPv6Network) and network.prefixlen >= _MAPPED_BITS:
        first: IPv6Address = network.network_address
        if first.ipv4_mapped is not None:
            return IPv4Network((first.ipv4_mapped, network.prefixlen - _MAPPED_BITS))
    return network


def address_of(source: str) -> str:
    """The address in `address:port` or `[address]:port`."""
    return source.rpartition(":")[0].strip("[]")
