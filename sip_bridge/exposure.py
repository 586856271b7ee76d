"""What a bridge opens to the network, in one line for its log. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from sip_bridge.admission.peers import ANYBODY
from sip_bridge.settings import BridgeSettings

NAMED = 8
"""Peers that are named; of more, how many."""


def exposure(settings: BridgeSettings, port: int, tls_port: int) -> str:
    """Addresses, ports, who may fork, what is asked of them, whose audio is heard, and the limits.

    `port`, `tls_port`: those that are listened to; 0 for none of TLS.
    """
    plain = " and ".join(each for each in settings.transports if each != "tls")
    listening = [f"sip on {settings.host}:{port} ({plain})"] if plain else []
    if tls_port:
        mutual = ", mutual TLS" if settings.tls_client_certificate else ""
        listening.append(f"sips on {settings.host}:{tls_port} (tls{mutual})")
    new = f"{settings.new_forks_per_second:g} new a second" if settings.new_forks_per_second else "at any rate"
    a_peer = f"{settings.max_calls_per_peer or settings.max_calls} a peer, {new}"
    return "; ".join(
        (
            ", ".join(listening),
            f"rtp on ports {settings.rtp_port_min} to {settings.rtp_port_max}, source {settings.rtp_source}, "
            f"srtp {settings.srtp}",
            f"forks from {_who(settings)}",
            f"digest {'on' if settings.digest_users else 'off'}",
            f"{settings.max_calls} calls at most, {a_peer}",
        )
    )


def worry(settings: BridgeSettings) -> str:
    """What is to be warned of; empty for nothing."""
    if ANYBODY not in settings.allowed_peers or settings.on_loopback:
        return ""
    return f'bridge.allowed_peers has "{ANYBODY}": anybody who reaches the port may fork calls and take all places'


def _who(settings: BridgeSettings) -> str:
    if ANYBODY in settings.allowed_peers:
        return "anybody"
    certificates = [f"certificate {name}" for name in settings.allowed_certificates]
    return _listed([*settings.allowed_peers, *certificates]) or "this machine alone"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
