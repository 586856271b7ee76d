"""What strangers cost: counted each time, told seldom."""

from __future__ import annotations

import pytest

from service.rates import SELDOM_SECONDS
from sip_bridge.admission.noise import TURNED_AWAY, Noise, network_of
from sip_bridge.admission.refusal import Refusal


def counted(reason: str, method: str) -> float:
    """The metric's value now."""
    return float(TURNED_AWAY.labels(reason, method)._value.get())


def test_noise_is_one_line() -> None:
    """However many requests are turned away, a line a minute tells of them: how many, and of the latest its network."""
    noise = Noise()
    assert noise.line(0.0) == ""
    for _ in range(500):
        noise.note(Refusal.FORBIDDEN, "REGISTER", "203.0.113.9")
    told = "500 requests refused because of their sender; the latest: REGISTER from 203.0.113.0/24: forbidden"
    assert noise.line(0.0) == told
    noise.note(Refusal.METHOD, "SUBSCRIBE", "2001:db8:1:2::9", 7)
    assert noise.line(SELDOM_SECONDS - 1) == ""
    assert noise.line(SELDOM_SECONDS).startswith("7 requests refused")


def test_what_is_counted_is_bounded() -> None:
    """A method that nobody knows is `other`: a stranger makes no label."""
    before = counted("forbidden", "other"), counted("forbidden", "INVITE")
    noise = Noise()
    for method in ("INVITE", "SIPVICIOUS", "invite", ""):
        noise.note(Refusal.FORBIDDEN, method, "203.0.113.9")
    assert (counted("forbidden", "other"), counted("forbidden", "INVITE")) == (before[0] + 3, before[1] + 1)


def test_what_is_not_for_the_peers_sake_is_no_noise() -> None:
    """A full bridge, or a challenge, is told elsewhere."""
    noise = Noise()
    for refusal in (Refusal.CAPACITY, Refusal.CHALLENGED, Refusal.DRAINING):
        noise.note(refusal, "INVITE", "192.0.2.1")
    assert noise.line(0.0) == ""


@pytest.mark.parametrize(
    ("peer", "network"),
    [("203.0.113.9", "203.0.113.0/24"), ("2001:db8::9", "2001:db8::/64"), ("+15550123", "nowhere")],
)
def test_a_network_is_told_and_nothing_else(peer: str, network: str) -> None:
    """Of IPv4 a /24, of IPv6 a /64; what is no address is not repeated."""
    assert network_of(peer) == network
