"""How many wrong passwords an address may try, by a clock of the test's own."""

from __future__ import annotations

from console.access.guesses import REMEMBERED, WRONG_AT_ONCE, Guesses
from service.rates import PEERS_REMEMBERED

AT_ONCE = int(WRONG_AT_ONCE)


def tried(guesses: Guesses, address: str, count: int, now: float = 0.0, first: int = 0) -> int:
    """How many of so many different passwords may be tried."""
    taken = 0
    for number in range(first, first + count):
        if guesses.may_try(address, now):
            guesses.add(address, b"guess %d" % number, now)
            taken += 1
    return taken


def test_ten_at_once_and_then_six_a_minute() -> None:
    """Whatever the address, and no other address feels it; an IPv6 host is its whole /64."""
    for address in ("192.0.2.1", "2001:db8::1", "no address"):
        guesses = Guesses()
        assert tried(guesses, address, 100) == AT_ONCE
        assert tried(guesses, address, 100, now=60.0, first=100) == 6
        assert guesses.may_try("192.0.2.9", 60.0)
    guesses = Guesses()
    assert sum(tried(guesses, f"2001:db8::{number}", 1, first=number) for number in range(1, 100)) == AT_ONCE


def test_a_password_that_was_wrong_before_counts_once() -> None:
    """Of that address; from another it is another guess."""
    guesses = Guesses()
    guesses.add("192.0.2.1", b"old", 0.0)
    assert guesses.was_wrong("192.0.2.1", b"old")
    assert not guesses.was_wrong("192.0.2.1", b"new")
    assert not guesses.was_wrong("192.0.2.2", b"old")


def test_memory_is_bounded() -> None:
    """However many addresses try, and however long a proxy's word for one is."""
    guesses = Guesses()
    for number in range(PEERS_REMEMBERED + REMEMBERED):
        tried(guesses, f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 1)
    assert len(guesses) == PEERS_REMEMBERED
    assert len(guesses._tried) == REMEMBERED
    guesses = Guesses()
    assert sum(tried(guesses, "x" * 64 + str(number), 1, first=number) for number in range(100)) == AT_ONCE
