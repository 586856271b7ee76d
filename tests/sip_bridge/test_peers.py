"""Who may fork, how many and how fast: as tables, then at a running bridge."""

from __future__ import annotations

import pytest

from sip_bridge.outcome import Refusal
from sip_bridge.peers import NOISE_SECONDS, PEERS_REMEMBERED, Peers, TokenBucket, address_of
from tests.sip_bridge.running import bridge, recorder


def test_a_bucket_gives_a_second_s_worth_at_once_and_then_the_rate() -> None:
    """Three a second: three at once, none for a third of a second, never more than three saved up."""
    bucket = TokenBucket(3, 0.0)
    assert [bucket.take(0.0) for _ in range(4)] == [True, True, True, False]
    assert not bucket.take(0.3)
    assert bucket.take(0.34)
    assert [bucket.take(100.0) for _ in range(4)] == [True, True, True, False]


def test_a_rate_below_one_lets_one_through() -> None:
    """One fork in two seconds is a rate too."""
    bucket = TokenBucket(0.5, 0.0)
    assert [bucket.take(now) for now in (0.0, 1.0, 2.0)] == [True, False, True]


@pytest.mark.parametrize(
    ("allowed", "peer", "may"),
    [
        ((), "203.0.113.9", True),
        (("192.0.2.10",), "192.0.2.10", True),
        (("192.0.2.10",), "192.0.2.11", False),
        (("192.0.2.0/24", "198.51.100.0/24"), "198.51.100.200", True),
        (("192.0.2.77/24",), "192.0.2.1", True),
        (("2001:db8::/32",), "2001:db8::5", True),
        (("2001:db8::/32",), "192.0.2.1", False),
        (("192.0.2.0/24",), "::ffff:192.0.2.1", True),
        (("fe80::/10",), "fe80::1%eth0", True),
        (("192.0.2.0/24",), "no address", False),
        (("192.0.2.0/24",), "", False),
    ],
)
def test_the_allow_list(allowed: tuple[str, ...], peer: str, may: bool) -> None:
    """Addresses and networks of both families; with none, any peer; what is no address is not allowed."""
    assert Peers(allowed, 0).admits(peer) is may


@pytest.mark.parametrize(
    ("allowed", "wanted", "names", "may"),
    [
        ((), ("sbc.example",), {"sbc.example", "other.example"}, True),
        ((), ("SBC.example",), {"sbc.example"}, True),
        ((), ("sbc.example",), {"sbc.example.net"}, False),
        ((), ("sbc.example",), set(), False),
        (("192.0.2.1",), ("sbc.example",), set(), True),
        (("192.0.2.9",), ("sbc.example",), {"sbc.example"}, True),
        (("192.0.2.9",), ("sbc.example",), {"pbx.example"}, False),
        (("192.0.2.9",), (), {"sbc.example"}, False),
    ],
)
def test_a_certificates_name_lets_in_as_an_address_does(
    allowed: tuple[str, ...], wanted: tuple[str, ...], names: set[str], may: bool
) -> None:
    """Either suffices; where only names are wanted, who has none stays out."""
    assert Peers(allowed, 0, wanted).admits("192.0.2.1", frozenset(names)) is may


def test_each_peer_has_its_own_rate() -> None:
    """A peer that is too fast costs no other a fork; an IPv6 host is its whole /64."""
    peers = Peers((), 1)
    hurried = [
        peers.hurries(each, 0.0) for each in ("192.0.2.1", "192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2")
    ]
    assert hurried == [False, True, False, False, True]


def test_so_many_peers_are_remembered_and_no_more() -> None:
    """An attacker with many addresses takes no memory; who forks is remembered longest."""
    peers = Peers((), 1)
    for number in range(PEERS_REMEMBERED + 10):
        peers.hurries(f"10.0.{number >> 8}.{number & 255}", 0.0)
        assert number == 0 or peers.hurries("10.0.0.0", 0.0)
    assert len(peers._buckets) == PEERS_REMEMBERED


def test_noise_is_one_line() -> None:
    """However many INVITEs are refused, a line tells of them once in a while, with their count."""
    peers = Peers(("192.0.2.1",), 0)
    assert peers.noise(0.0) == ""
    for _ in range(500):
        peers.refused("203.0.113.9", Refusal.FORBIDDEN)
    assert peers.noise(0.0) == "500 forks refused for their peer's sake, the latest of 203.0.113.9: Forbidden"
    peers.refused("203.0.113.9", Refusal.FORBIDDEN)
    assert peers.noise(NOISE_SECONDS - 1) == ""
    assert peers.noise(NOISE_SECONDS).startswith("1 forks refused")


@pytest.mark.parametrize(
    ("source", "address"), [("192.0.2.1:5060", "192.0.2.1"), ("[2001:db8::1]:5060", "2001:db8::1"), ("", "")]
)
def test_the_address_of_a_source(source: str, address: str) -> None:
    """Without its port and brackets."""
    assert address_of(source) == address


async def test_a_foreign_peer_gets_403(redis_url: str) -> None:
    """A fork from outside the allow-list is refused, counted and told in one line, however often it tries."""
    with bridge(redis_url, allowed_peers='["192.0.2.0/24"]') as guarded:
        for number in range(5):
            async with recorder(guarded, f"scanner-{number}", "udp") as placed:
                assert (await placed.invite(placed.offer(""))).status == 403
        assert guarded.metric('callvane_forks_total{outcome="refused_forbidden"}') == 5
        guarded.logged(r"\d forks refused for their peer's sake, the latest of 127\.0\.0\.1: Forbidden")
        assert guarded.events() == []
        assert len([line for line in guarded.lines if "for their peer's sake" in line]) == 1


async def test_a_peer_has_its_share_of_calls_and_its_rate(redis_url: str) -> None:
    """Above its calls or its new forks a second a peer gets 503 with Retry-After, and the running call goes on."""
    limits = {"max_calls_per_peer": 1, "new_forks_per_second": 2}
    with bridge(redis_url, allowed_peers='["127.0.0.0/8"]', **limits) as guarded:
        async with recorder(guarded, "in") as one, recorder(guarded, "above") as two, recorder(guarded, "fast") as fast:
            assert (await one.invite(one.offer(""))).status == 200
            above = await two.invite(two.offer(""))
            assert (above.status, above.reason) == (503, "Your Calls Are Too Many")
            refused = await fast.invite(fast.offer(""))
            assert (refused.status, refused.first("Retry-After")) == (503, "10")
            assert (await one.ask("BYE")).status == 200
        assert guarded.metric('callvane_forks_total{outcome="refused_peer_capacity"}') == 1
        assert guarded.metric('callvane_forks_total{outcome="refused_rate"}') == 1
