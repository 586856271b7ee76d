"""A leg's ring: what it loses when nobody listens, and what a pause does."""

from __future__ import annotations

from callbus import Role
from sip_bridge import leg as leg_module
from sip_bridge.leg import Leg
from sip_bridge.ring import RING_BLOCKS
from sip_bridge.segmenter import FRAME_BYTES
from sip_bridge.settings import BridgeSettings

BLOCK = bytes(5 * FRAME_BYTES)


def leg() -> Leg:
    """A leg with the shipped settings."""
    return Leg("1", Role.CUSTOMER, "", BridgeSettings().speech, 2)


def dropped() -> float:
    """Frames dropped since the start of the process."""
    return float(leg_module.FRAMES_DROPPED._value.get())


def test_a_full_ring_loses_its_oldest_blocks_and_keeps_the_time() -> None:
    """Past five seconds the oldest audio goes, is counted, and call time goes on as if it had been heard."""
    overflowing = leg()
    overflowing.ring.put(BLOCK, 0.1)
    overflowing.segments()
    before = dropped()
    for number in range(RING_BLOCKS + 10):
        overflowing.ring.put(BLOCK, 0.1 * number)
    overflowing.segments()
    assert dropped() - before == 50
    assert overflowing.position_seconds == 0.1 * (RING_BLOCKS + 11)


def test_blocks_without_audio_are_a_gap() -> None:
    """While a stream is paused its blocks are empty: time goes on, nothing is heard."""
    paused = leg()
    for block in (BLOCK, b"", b"", BLOCK):
        paused.ring.put(block, 0.0)
    assert paused.segments() == []
    assert paused.position_seconds == 0.4


def test_a_pause_is_as_long_as_it_was() -> None:
    """Time goes on by the clock while nothing feeds the leg; a pause within a pause changes nothing."""
    paused = leg()
    paused.ring.put(BLOCK, 100.0)
    paused.pause(100.1)
    paused.pause(101.0)
    assert paused.segments() == []
    paused.resume(103.1)
    paused.resume(104.0)
    paused.ring.put(BLOCK, 103.2)
    paused.segments()
    assert paused.position_seconds == 3.2


def test_a_pause_loses_no_count_of_lost_blocks() -> None:
    """A ring that overflows before a pause still keeps the time."""
    overflowing = leg()
    overflowing.ring.put(BLOCK, 0.0)
    overflowing.segments()
    for number in range(RING_BLOCKS + 10):
        overflowing.ring.put(BLOCK, 0.1 * number)
    overflowing.pause(10.0)
    overflowing.resume(11.0)
    overflowing.segments()
    assert round(overflowing.position_seconds, 3) == round(0.1 * (RING_BLOCKS + 11) + 1, 3)
