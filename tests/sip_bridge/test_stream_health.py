"""Counting a stream's packets and noticing that none come."""

from __future__ import annotations

from sip_bridge import stream_health
from sip_bridge.stream_health import StreamHealth


def received() -> float:
    """Packets counted since the start of the process."""
    return float(stream_health.PACKETS._value.get())


def test_a_call_is_silent_when_no_stream_brings_packets() -> None:
    """One stream that still brings packets keeps the call."""
    health = StreamHealth(30)
    health.expect((0, 1), 0.0)
    health.update(0, 29.0, 100, 0, 0, 500)
    assert not health.silent(31.0)
    assert health.silent(59.0)


def test_a_held_stream_is_not_waited_for() -> None:
    """With every stream on hold nothing is due."""
    health = StreamHealth(30)
    health.expect((0,), 0.0)
    health.expect((), 1.0)
    assert not health.silent(1000.0)


def test_zero_never_times_out() -> None:
    """A timeout of 0 switches it off."""
    health = StreamHealth(0)
    health.expect((0,), 0.0)
    assert not health.silent(1e6)


def test_totals_are_counted_once_and_survive_a_new_stream() -> None:
    """Totals become increments; a stream made anew counts from nothing."""
    health, before = StreamHealth(30), received()
    health.expect((0,), 0.0)
    for total in (100, 150, 150, 20):
        health.update(0, 1.0, total, 0, 0, 500)
    health.update(7, 1.0, 999, 0, 0, 500)  # of a stream that is not ours
    assert received() - before == 170
