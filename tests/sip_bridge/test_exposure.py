"""The line that says at start what a bridge opens."""

from __future__ import annotations

import pytest

from sip_bridge.exposure import exposure, worry
from sip_bridge.settings import BridgeSettings


def test_the_line_says_what_is_open() -> None:
    """Addresses, ports, transports, who may fork, what is asked of them, whose audio is heard, the limits."""
    settings = BridgeSettings(
        allowed_peers=("192.0.2.10", "198.51.100.0/24"), digest_users={"sbc1": "secret"}, max_calls_per_peer=40
    )
    assert exposure(settings, 5070, 0) == (
        "sip on 0.0.0.0:5070 (udp and tcp); rtp on ports 16384 to 32767, source strict, srtp off; "
        "forks from 192.0.2.10, 198.51.100.0/24; digest on; at most 500 calls, 40 per peer, 100 new per second"
    )


def test_tls_and_certificates_are_named() -> None:
    """Whoever comes by a certificate is named by it; no secret is told."""
    settings = BridgeSettings(
        transports=("tls",), tls_certificate="a.pem", tls_key="b.pem", tls_ca="c.pem", tls_client_certificate=True,
        allowed_certificates=("sbc.example.com",), new_forks_per_second=0,
    )  # fmt: skip
    line = exposure(settings, 0, 5061)
    assert line.startswith("sips on 0.0.0.0:5061 (tls, mutual TLS); rtp on")
    assert "forks from certificate sbc.example.com; digest off" in line
    assert "no rate limit" in line
    assert ".pem" not in line


def test_a_long_list_is_cut() -> None:
    """Eight peers are named, of the others their number."""
    peers = tuple(f"192.0.2.{number}" for number in range(30))
    assert "192.0.2.7 and 22 more;" in exposure(BridgeSettings(allowed_peers=peers), 5060, 0)


@pytest.mark.parametrize(
    ("host", "peers", "words"),
    [
        ("0.0.0.0", ("192.0.2.1", "any"), "anybody who reaches the port"),
        ("127.0.0.1", ("any",), ""),
        ("127.0.0.1", (), ""),
        ("0.0.0.0", ("192.0.2.1",), ""),
    ],
)
def test_who_lets_anybody_in_is_warned(host: str, peers: tuple[str, ...], words: str) -> None:
    """Unless nobody but this machine reaches the bridge."""
    settings = BridgeSettings(host=host, allowed_peers=peers)
    assert words in worry(settings)
    assert bool(worry(settings)) is bool(words)
    assert ("forks from anybody" in exposure(settings, 5060, 0)) is ("any" in peers)
    assert ("forks from this machine only" in exposure(settings, 5060, 0)) is (not peers)
