"""How fast something may happen: as tables with a clock of their own."""

from __future__ import annotations

import pytest

from service.rates import PEERS_REMEMBERED, SELDOM_SECONDS, Rates, Seldom, TokenBucket, source_of


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


def test_a_burst_may_be_larger_than_a_second_s_worth() -> None:
    """Five at once, then one in ten seconds; to ask whether there is one takes none."""
    bucket = TokenBucket(0.1, 0.0, at_once=5)
    assert all(bucket.has(0.0) for _ in range(10))
    assert [bucket.take(0.0) for _ in range(6)] == [True] * 5 + [False]
    assert [bucket.take(now) for now in (9.0, 10.0, 11.0)] == [False, True, False]


def test_each_peer_has_its_own_rate() -> None:
    """A peer that is too fast costs no other a fork; an IPv6 host is its whole /64."""
    rates = Rates(1)
    peers = ("192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1")
    assert [rates.take(each, 0.0) for each in peers] == [True, False, True, True, False, True]


def test_no_rate_is_no_limit() -> None:
    """0 lets everything through and remembers nobody."""
    rates = Rates(0)
    assert all(rates.take("192.0.2.1", 0.0) for _ in range(100))
    assert len(rates) == 0


def test_so_many_peers_are_remembered_and_no_more() -> None:
    """An attacker with many addresses takes no memory; who is heard is remembered longest."""
    rates = Rates(1)
    for number in range(PEERS_REMEMBERED + 10):
        rates.take(f"10.0.{number >> 8}.{number & 255}", 0.0)
        assert number == 0 or not rates.take("10.0.0.0", 0.0)
    assert len(rates) == PEERS_REMEMBERED


def test_who_is_only_asked_about_is_not_remembered() -> None:
    """A peer that did nothing yet has its whole burst."""
    rates = Rates(1)
    assert rates.has("192.0.2.1", 0.0)
    assert len(rates) == 0


@pytest.mark.parametrize(
    ("peer", "source"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("no address", "no address"),
    ],
)
def test_what_counts_as_one_peer(peer: str, source: str) -> None:
    """An address, of IPv6 its /64, whatever its zone."""
    assert source_of(peer) == source


def test_what_happens_often_is_told_seldom() -> None:
    """At once the first time, then once a minute with the count since."""
    seldom = Seldom()
    assert seldom.due(0.0) == 0
    seldom.add()
    assert seldom.due(0.0) == 1
    for _ in range(500):
        seldom.add()
    assert seldom.due(SELDOM_SECONDS - 1) == 0
    assert [seldom.due(SELDOM_SECONDS), seldom.due(1e6)] == [500, 0]
