"""Who may fork calls to this bridge. Pure.

A peer is the address that a request came from: an SBC, or the proxy in front of several. It is judged before its
message is read any further; the library has parsed the message by then, so a firewall still belongs in front. Over TLS
it may also be known by the names in its certificate.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_network

from service.rates import address_in

ANYBODY = "any"
"""Stands among the allowed peers for every address."""
LOOPBACK = ("127.0.0.0/8", "::1/128")
"""Who is let in where nobody is named."""

_MAPPED_BITS = 96
"""An IPv4 network in IPv6's clothes has so many bits before its own."""


class Peers:
    """Judges the peers of one bridge."""

    def __init__(self, allowed: Sequence[str], certificates: Sequence[str] = ()) -> None:
        """`allowed`: addresses, networks, `any`. `certificates`: names in certificates. Neither: loopback alone."""
        self.anybody = ANYBODY in allowed
        named = [each for each in allowed if each != ANYBODY]
        self.networks = tuple(network_in(each) for each in (named or ([] if certificates else LOOPBACK)))
        """Those that are let in by their address; they do not count where `anybody` is."""
        self.names = frozenset(name.lower() for name in certificates)

    def admits(self, peer: str, names: frozenset[str] = frozenset()) -> bool:
        """Whether the peer may ask for anything: by its address, as `address_of` gives it, or its certificate's names.

        Those are in lower case.
        """
        return self.anybody or bool(names & self.names) or self._allows(peer)

    def _allows(self, peer: str) -> bool:
        address = address_in(peer)
        return address is not None and any(address in network for network in self.networks)


def network_in(text: str) -> IPv4Network | IPv6Network:
    """The address or network that `text` names, as IPv4 where it is one in IPv6's clothes. ValueError for none."""
    network = ip_network(text, strict=False)
    if isinstance(network, IPv6Network) and network.prefixlen >= _MAPPED_BITS:
        first: IPv6Address = network.network_address
        if first.ipv4_mapped is not None:
            return IPv4Network((first.ipv4_mapped, network.prefixlen - _MAPPED_BITS))
    return network


def address_of(source: str) -> str:
    """The address in `address:port` or `[address]:port`."""
    return source.rpartition(":")[0].strip("[]")
