"""What a bridge exposes to the network, as one log line. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from sip_bridge.admission.peers import ANYBODY
from sip_bridge.settings import BridgeSettings

NAMED = 8
"""Peers listed by name; the others are only counted."""


def exposure(settings: BridgeSettings, port: int, tls_port: int) -> str:
    """The log line: addresses, ports, accepted RTP sources, encryption, allowed peers, authentication, limits.

    `port`, `tls_port`: the ports in use; `tls_port` is 0 without TLS.
    """
    plain = " and ".join(each for each in settings.transports if each != "tls")
    listening = [f"sip on {settings.host}:{port} ({plain})"] if plain else []
    if tls_port:
        mutual = ", mutual TLS" if settings.tls_client_certificate else ""
        listening.append(f"sips on {settings.host}:{tls_port} (tls{mutual})")
    new = f"{settings.new_forks_per_second:g} new per second" if settings.new_forks_per_second else "no rate limit"
    a_peer = f"{settings.max_calls_per_peer or settings.max_calls} per peer, {new}"
    return "; ".join(
        (
            ", ".join(listening),
            f"rtp on ports {settings.rtp_port_min} to {settings.rtp_port_max}, source {settings.rtp_source}, "
            f"srtp {settings.srtp}",
            f"forks from {_who(settings)}",
            f"digest {'on' if settings.digest_users else 'off'}",
            f"at most {settings.max_calls} calls, {a_peer}",
        )
    )


def worry(settings: BridgeSettings) -> str:
    """The warning to log at startup; empty if there is none."""
    if ANYBODY not in settings.allowed_peers or settings.on_loopback:
        return ""
    return f'bridge.allowed_peers has "{ANYBODY}": anybody who reaches the port can fork calls and use up max_calls'


def _who(settings: BridgeSettings) -> str:
    if ANYBODY in settings.allowed_peers:
        return "anybody"
    certificates = [f"certificate {name}" for name in settings.allowed_certificates]
    return _listed([*settings.allowed_peers, *certificates]) or "this machine only"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
