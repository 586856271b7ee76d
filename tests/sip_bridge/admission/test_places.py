"""What dialogs take of a bridge: whatever comes and goes, it is counted exactly, and no limit is exceeded."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from sip_bridge.admission.places import DIALOGS_A_CALL, Limits, Place, Places
from sip_bridge.admission.refusal import Refusal

PEERS = ("192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2", "no address")
NAMES = st.sampled_from(["", "", "a", "b"])


def limits(calls: int, calls_a_peer: int = 0) -> Limits:
    """Those of a bridge with these settings."""
    return Limits(calls, calls_a_peer, 2 * calls)


def ask(places: Places, peer: str, name: str = "") -> Place | Refusal:
    """What becomes of a dialog of this peer and call."""
    call = (peer, name) if name else None
    return places.crowded(peer) or places.full(peer, call) or places.take(peer, call)


def settled(places: Places, peer: str, name: str = "") -> Place:
    """A dialog that is taken and acknowledged."""
    place = ask(places, peer, name)
    assert isinstance(place, Place)
    places.acknowledged(place)
    return place


@pytest.mark.parametrize(("calls", "in_all", "a_peer"), [(1, 8, 4), (4, 8, 4), (50, 25, 12), (500, 250, 125)])
def test_half_open_dialogs_have_their_share(calls: int, in_all: int, a_peer: int) -> None:
    """Of one peer a quarter of the calls, of all a half, and some where there are few calls."""
    assert (limits(calls).half_open, limits(calls).half_open_a_peer) == (in_all, a_peer)


def test_who_never_acknowledges_leaves_room_for_the_others() -> None:
    """Forks without ACK from one address stop at a quarter; others fork until all calls are there."""
    places = Places(limits(50))
    taken = [ask(places, "203.0.113.9") for _ in range(100)]
    assert [each for each in taken if isinstance(each, Refusal)] == [Refusal.PEER_HALF_OPEN] * 88
    for number in range(38):
        settled(places, f"192.0.2.{number}")
    assert ask(places, "192.0.2.200") is Refusal.CAPACITY


def test_many_who_never_acknowledge_leave_half() -> None:
    """From however many addresses."""
    places = Places(limits(50))
    taken = [ask(places, f"10.0.0.{number}") for number in range(100)]
    assert [each for each in taken if isinstance(each, Refusal)] == [Refusal.HALF_OPEN] * 75


def test_joining_takes_no_call_but_is_bounded() -> None:
    """What joins a call is taken though all calls are there, up to twice the calls in all."""
    places = Places(limits(4))
    for name in "abcd":
        settled(places, "192.0.2.1", name)
    assert ask(places, "192.0.2.1") is Refusal.CAPACITY
    assert ask(places, "192.0.2.1", "e") is Refusal.CAPACITY
    assert ask(places, "192.0.2.2", "a") is Refusal.CAPACITY, "another peer's call of the same name"
    for _ in range(4):
        settled(places, "192.0.2.1", "a")
    assert (places.calls, places.dialogs) == (4, 8)
    assert ask(places, "192.0.2.1", "a") is Refusal.DIALOGS


def test_one_call_has_sixteen_dialogs() -> None:
    """One more is refused, though the bridge has room."""
    places = Places(limits(100))
    joined = [settled(places, "192.0.2.1", "a") for _ in range(DIALOGS_A_CALL)]
    assert ask(places, "192.0.2.1", "a") is Refusal.CALL_DIALOGS
    places.give_back(joined[0])
    settled(places, "192.0.2.1", "a")
    assert places.calls == 1


def test_a_peer_has_its_calls() -> None:
    """An IPv6 peer is its /64; what joins one of its calls is taken all the same."""
    places = Places(limits(50, 1))
    place = settled(places, "2001:db8::1", "a")
    assert ask(places, "2001:db8::2") is Refusal.PEER_CAPACITY
    other = settled(places, "2001:db8::1", "a")
    settled(places, "2001:db8:0:1::1")
    places.give_back(place)
    assert ask(places, "2001:db8::2") is Refusal.PEER_CAPACITY, "the call has a dialog left"
    places.give_back(other)
    settled(places, "2001:db8::2")


def test_all_is_given_back_once() -> None:
    """Twice given back, or acknowledged late, changes nothing."""
    places = Places(limits(4))
    first, second = settled(places, "192.0.2.1"), ask(places, "192.0.2.1")
    assert isinstance(second, Place)
    for _ in range(2):
        places.give_back(second)
        places.acknowledged(second)
        places.acknowledged(first)
    assert (places.calls, places.dialogs, places.half_open, places.of("192.0.2.1")) == (1, 1, 0, (1, 0))


class Coming(RuleBasedStateMachine):
    """Dialogs of some peers and calls come, are acknowledged, and go, in any order."""

    held = Bundle("held")

    def __init__(self) -> None:
        super().__init__()
        self.places = Places(Limits(calls=12, calls_a_peer=5, dialogs=20))
        self.there: set[Place] = set()
        self.open: set[Place] = set()

    @rule(target=held, peer=st.sampled_from(PEERS), name=NAMES)
    def come(self, peer: str, name: str) -> Place | None:
        """A dialog is let through, or refused."""
        place = ask(self.places, peer, name)
        if isinstance(place, Refusal):
            assert place.status == 503
            return None
        self.there.add(place)
        self.open.add(place)
        return place

    @rule(place=held)
    def acknowledge(self, place: Place | None) -> None:
        """Its ACK comes, perhaps again, perhaps when it is gone."""
        if place:
            self.places.acknowledged(place)
            self.open.discard(place)

    @rule(place=consumes(held))
    def go(self, place: Place | None) -> None:
        """It ends, by whatever, and is told of twice."""
        if place:
            for _ in range(2):
                self.places.give_back(place)
            self.there.discard(place)
            self.open.discard(place)

    @invariant()
    def counts_are_exact(self) -> None:
        """What is counted is what is there, of all and of each peer, and within the limits."""
        places, bounds = self.places, self.places.limits
        assert places.dialogs == len(self.there) <= bounds.dialogs
        assert places.half_open == len(self.open) <= bounds.half_open
        assert places.calls == len(self.calls(self.there)) <= bounds.calls
        assert len(places) == len({each.peer for each in self.there})
        for peer in PEERS:
            calls, half_open = places.of(peer)
            of_peer = {each for each in self.there if places.of(peer) and each.peer == self.source(peer)}
            assert calls == len(self.calls(of_peer)) <= bounds.calls_a_peer
            assert half_open == len(of_peer & self.open) <= bounds.half_open_a_peer

    def teardown(self) -> None:
        """All go: nothing is left."""
        for place in self.there:
            self.places.give_back(place)
        assert self.places == Places(self.places.limits)

    @staticmethod
    def calls(places: set[Place]) -> set[object]:
        """The calls that these are dialogs of."""
        return {each.call or each for each in places}

    @staticmethod
    def source(peer: str) -> str:
        """As the peer is counted."""
        return "2001:db8::/64" if ":" in peer else peer


TestComing = Coming.TestCase
