"""Who has to go, of those who have not signed in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from console.strangers import Strangers

A, B, C = "192.0.2.1", "192.0.2.2", "192.0.2.3"


def gone(most: int, *addresses: str) -> list[int]:
    """Which of connections that come from these addresses have to go, in order; they are numbered from 0."""
    strangers = Strangers[int](most)
    return [each for number, address in enumerate(addresses) if (each := strangers.add(number, address)) is not None]


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


def test_who_has_signed_in_does_not_count() -> None:
    """Nor does who is gone; to say so twice changes nothing."""
    strangers = Strangers[str](2)
    for name in ("one", "two", "three"):
        assert strangers.add(name, A) is None
        strangers.discard(name)
        strangers.discard(name)
    assert len(strangers) == 0


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 5), st.booleans())))
def test_no_more_than_the_bound_are_kept(story: list[tuple[int, int, bool]]) -> None:
    """Whoever comes and goes; and who has to go is of an address with the most."""
    strangers, here = Strangers[int](4), dict[int, str]()
    for number, (connection, address, leaves) in enumerate(story):
        if leaves:
            strangers.discard(connection)
            here.pop(connection, None)
            continue
        counts = {each: list(here.values()).count(each) for each in here.values()}
        crowding = strangers.add(100 + number, str(address))
        here[100 + number] = str(address)
        if crowding is not None:
            assert counts[here.pop(crowding)] == max(counts.values())
        assert len(strangers) == len(here) <= 4
