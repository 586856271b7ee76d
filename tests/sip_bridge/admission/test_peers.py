"""Who may fork: as tables, then with limits at a running bridge."""

from __future__ import annotations

import pytest

from sip_bridge.admission.peers import Peers, address_of, network_in
from tests.sip_bridge.running import bridge, recorder


@pytest.mark.parametrize(
    ("allowed", "peer", "may"),
    [
        ((), "203.0.113.9", False),
        ((), "127.8.8.8", True),
        ((), "::1", True),
        ((), "::ffff:127.0.0.1", True),
        (("any",), "203.0.113.9", True),
        (("any",), "no address", True),
        (("192.0.2.1", "any"), "2001:db8::5", True),
        (("192.0.2.10",), "192.0.2.10", True),
        (("192.0.2.10",), "192.0.2.11", False),
        (("192.0.2.0/24", "198.51.100.0/24"), "198.51.100.200", True),
        (("192.0.2.77/24",), "192.0.2.1", True),
        (("2001:db8::/32",), "2001:db8::5", True),
        (("2001:db8::/32",), "192.0.2.1", False),
        (("192.0.2.0/24",), "::ffff:192.0.2.1", True),
        (("::ffff:192.0.2.0/120",), "192.0.2.1", True),
        (("::ffff:192.0.2.0/120",), "::ffff:192.0.2.1", True),
        (("::ffff:192.0.2.0/120",), "192.0.3.1", False),
        (("fe80::/10",), "fe80::1%eth0", True),
        (("192.0.2.0/24",), "no address", False),
        (("192.0.2.0/24",), "", False),
    ],
)
def test_the_allow_list(allowed: tuple[str, ...], peer: str, may: bool) -> None:
    """Addresses and networks of both families, `any` for all; with none, this machine's own."""
    assert Peers(allowed).admits(peer) is may


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
    assert Peers(allowed, wanted).admits("192.0.2.1", frozenset(names)) is may


def test_nobody_named_is_this_machine_alone() -> None:
    """Where certificates are named, not even that."""
    assert [str(each) for each in Peers(()).networks] == ["127.0.0.0/8", "::1/128"]
    assert Peers((), ("sbc.example",)).networks == ()
    assert not Peers((), ("sbc.example",)).admits("127.0.0.1")


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("192.0.2.1", "192.0.2.1/32"),
        ("192.0.2.77/24", "192.0.2.0/24"),
        ("2001:db8::1/32", "2001:db8::/32"),
        ("::ffff:192.0.2.1", "192.0.2.1/32"),
        ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
        ("::ffff:0:0/96", "0.0.0.0/0"),
        ("::/0", "::/0"),
        ("::1", "::1/128"),
    ],
)
def test_what_a_setting_names(text: str, network: str) -> None:
    """IPv4 in IPv6's clothes, as a dual-stack host writes it, is IPv4."""
    assert str(network_in(text)) == network


@pytest.mark.parametrize(
    ("source", "address"), [("192.0.2.1:5060", "192.0.2.1"), ("[2001:db8::1]:5060", "2001:db8::1"), ("", "")]
)
def test_the_address_of_a_source(source: str, address: str) -> None:
    """Without its port and brackets."""
    assert address_of(source) == address


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
