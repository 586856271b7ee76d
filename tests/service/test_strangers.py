"""Which connection has to go, of those that have proven nothing yet."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from service.strangers import Strangers

A, B, C = "192.0.2.1", "192.0.2.2", "192.0.2.3"


def gone(most: int, *addresses: str) -> list[int]:
    """Which of connections that come from these addresses have to go, in order; they are numbered from 0."""
    strangers, evicted = Strangers[int](), list[int]()
    for number, address in enumerate(addresses):
        if len(strangers) >= most and (each := strangers.evict()) is not None:
            evicted.append(each)
        strangers.add(number, address)
    return evicted


def test_a_flood_ends_its_own_connections() -> None:
    """The address with the most gives up its oldest, however long others wait already."""
    assert gone(4, B, A, A, A, A, A) == [1, 2]
    assert gone(4, A, A, A, A, B, C) == [0, 1]


def test_of_equals_the_oldest_goes() -> None:
    """With one connection of each address, the one that has waited longest."""
    assert gone(3, A, B, C, "192.0.2.4", "192.0.2.5") == [0, 1]


def test_an_ipv6_host_is_its_whole_network() -> None:
    """It cannot pass for many by sending from all of its addresses."""
    assert gone(4, A, B, *(f"2001:db8::{number}" for number in range(1, 6))) == [2, 3, 4]


def test_who_is_known_does_not_count() -> None:
    """Nor does who is gone; to say so twice changes nothing."""
    strangers = Strangers[str]()
    strangers.add("one", A)
    strangers.discard("one")
    strangers.discard("one")
    assert len(strangers) == 0
    assert strangers.evict() is None


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 5), st.booleans())))
def test_who_goes_is_of_an_address_with_the_most(story: list[tuple[int, int, bool]]) -> None:
    """Whoever comes and leaves, and nothing is kept of who is gone."""
    strangers, here = Strangers[int](), dict[int, str]()
    for number, (connection, address, leaves) in enumerate(story, 100):
        if leaves:
            strangers.discard(connection + 100)
            here.pop(connection + 100, None)
            continue
        if len(here) == 4:
            counts = {each: list(here.values()).count(each) for each in here.values()}
            evicted = strangers.evict()
            assert evicted is not None
            assert counts[here.pop(evicted)] == max(counts.values())
        strangers.add(number, str(address))
        here[number] = str(address)
        assert len(strangers) == len(here)
    for connection in here:
        strangers.discard(connection)
    assert not strangers._of
