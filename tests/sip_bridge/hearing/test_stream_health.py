"""Counting a stream's packets, noticing that none come, and telling what is the matter with how they come."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from callbus import ConditionKind
from sip_bridge.hearing import stream_health
from sip_bridge.hearing.stream_health import ArrivalLimits, Faults, StreamHealth, Totals

LIMITS = ArrivalLimits(loss=0.05, jitter_seconds=0.05, late=0.03)
LOSS, JITTER, LATE = ConditionKind.LOSS, ConditionKind.JITTER, ConditionKind.LATE
UNDECODABLE = ConditionKind.UNDECODABLE
RING = 7
"""Whose counts they are."""


def received() -> float:
    """Packets counted since the start of the process."""
    return float(stream_health.PACKETS._value.get())


def test_a_call_is_silent_when_no_stream_brings_packets() -> None:
    """One stream that still brings packets keeps the call."""
    health = StreamHealth(30, LIMITS)
    health.expect((0, 1), 0.0)
    health.update(0, 29.0, Totals(100))
    assert not health.silent(31.0)
    assert health.silent(59.0)


def test_a_held_stream_is_not_waited_for() -> None:
    """With every stream on hold nothing is due."""
    health = StreamHealth(30, LIMITS)
    health.expect((0,), 0.0)
    health.expect((), 1.0)
    assert not health.silent(1000.0)


def test_zero_never_times_out() -> None:
    """A timeout of 0 switches it off."""
    health = StreamHealth(0, LIMITS)
    health.expect((0,), 0.0)
    assert not health.silent(1e6)


def test_totals_are_counted_once_and_survive_a_new_stream() -> None:
    """Totals become increments; a stream made anew counts from nothing."""
    health, before = StreamHealth(30, LIMITS), received()
    health.expect((0,), 0.0)
    for total in (100, 150, 150, 20):
        health.update(0, 1.0, Totals(total))
    assert health.update(7, 1.0, Totals(999)) == {}  # of a stream that is not ours
    assert received() - before == 170


def faults(*windows: tuple[int, int, int, float], limits: ArrivalLimits = LIMITS) -> list[Faults]:
    """What is told after windows of 5 s, each of packets, missed, late and the jitter."""
    health = StreamHealth(30, limits)
    health.expect((0,), 0.0)
    health.update(0, 0.0, Totals(ring=RING))
    packets = missed = late = 0
    found = []
    for number, window in enumerate(windows, 1):
        packets, missed, late = packets + window[0], missed + window[1], late + window[2]
        totals = Totals(packets, missed, late=late, jitter_seconds=window[3], ring=RING)
        found.append(health.update(0, 5.0 * number, totals))
    return found


FINE = (250, 0, 0, 0.002)


@pytest.mark.parametrize(
    ("window", "fault"),
    [
        ((250, 0, 0, 0.002), {}),
        ((240, 10, 5, 0.04), {}),
        ((225, 25, 0, 0.002), {LOSS: 0.1}),
        ((250, 0, 0, 0.08), {JITTER: 0.08}),
        ((250, 0, 25, 0.002), {LATE: 0.1}),
        ((200, 50, 20, 0.06), {LOSS: 0.2, JITTER: 0.06, LATE: 0.1}),
        ((20, 20, 20, 0.2), {}),
        ((0, 0, 0, 0.2), {}),
    ],
    ids=["fine", "tolerable", "loss", "jitter", "late", "all", "too-few", "none"],
)
def test_what_is_the_matter(window: tuple[int, int, int, float], fault: Faults) -> None:
    """Each share at its limit, measured over the window alone, not over the whole call."""
    assert faults(FINE, FINE, FINE, window)[-1] == fault


def told(windows: Sequence[tuple[int, int, int, float]]) -> str:
    """After each window, whether packets are told to be lost."""
    return "".join("x" if LOSS in found else "." for found in faults(*windows))


def test_a_fault_begins_once_and_ends_once() -> None:
    """It ends after two windows below half its limit; what hovers about the limit neither begins nor ends anew."""
    bad, between, well = (230, 20, 0, 0.0), (240, 10, 0, 0.0), (248, 2, 0, 0.0)
    assert told([between, bad, between, bad, between, well, between, well, well, between]) == ".xxxxxxx.."
    assert faults(bad, (125, 125, 0, 0.0))[-1] == {LOSS: 0.08}  # as it was when it began


def test_a_fault_ends_where_nothing_comes_any_more() -> None:
    """Silence is another matter than loss."""
    assert told([(200, 50, 0, 0.0), (0, 0, 0, 0.0), (0, 0, 0, 0.0)]) == "xx."


def test_zero_never_tells() -> None:
    """A limit of 0 switches its fault off."""
    assert faults((10, 240, 250, 1.0), limits=ArrivalLimits(0, 0, 0)) == [{}]


def test_looks_within_a_window_are_added_up() -> None:
    """Looks come oftener than judgements; what a packet that came after all gives back is not counted twice."""
    health = StreamHealth(30, LIMITS)
    health.expect((0,), 0.0)
    assert health.update(0, 2.0, Totals(80, 20)) == {}
    assert health.update(0, 4.0, Totals(181, 19)) == {}
    assert health.update(0, 6.0, Totals(281, 19)) == {LOSS: 20 / 301}


def undecoded(*windows: tuple[int, int, int], ring: int = RING) -> list[Faults]:
    """What is told after windows of 5 s, each of packets, of those that nobody decodes, and their type."""
    health = StreamHealth(30, LIMITS)
    health.expect((0,), 0.0)
    health.update(0, 0.0, Totals(ring=ring))
    packets = undecodable = 0
    found = []
    for number, (more, of_them, type) in enumerate(windows, 1):
        packets, undecodable = packets + more, undecodable + of_them
        totals = Totals(packets, undecodable=undecodable, undecodable_type=type, ring=ring)
        found.append(health.update(0, 5.0 * number, totals))
    return found


@pytest.mark.parametrize(
    ("window", "fault"),
    [
        ((250, 0, 0), {}),
        ((250, 100, 18), {}),
        ((250, 125, 18), {UNDECODABLE: 18.0}),
        ((250, 250, 0), {UNDECODABLE: 0.0}),
        ((40, 40, 18), {}),
    ],
    ids=["none", "some", "half", "all", "too-few"],
)
def test_audio_that_nobody_decodes(window: tuple[int, int, int], fault: Faults) -> None:
    """Half of the packets are a fault, told with their payload type."""
    assert undecoded((250, 0, 0), window)[-1] == fault


def test_audio_that_is_decoded_again() -> None:
    """Two windows of it, and the fault is over; where nothing comes any more, too."""
    assert [bool(found) for found in undecoded((250, 250, 18), (250, 0, 18), (250, 0, 18))] == [True, True, False]
    assert [bool(found) for found in undecoded((250, 250, 18), (0, 0, 18), (0, 0, 18))] == [True, True, False]


def test_a_rings_counts_are_its_own() -> None:
    """What it counted before it listened to a stream is none of the stream's: not after a re-INVITE, not after a hold,
    not where two legs change places."""
    health = StreamHealth(30, LIMITS)
    health.expect((0,), 0.0)
    health.update(0, 1.0, Totals(50, late=40, undecodable=300, undecodable_type=18, ring=1))
    assert health.update(0, 5.0, Totals(250, late=40, undecodable=300, undecodable_type=18, ring=1)) == {}
    made_anew = health.update(0, 10.0, Totals(200, late=41, undecodable=301, undecodable_type=18, ring=1))
    assert made_anew == {}
    health.expect((), 11.0)
    health.expect((0,), 12.0)
    assert health.update(0, 17.0, Totals(200, late=42, undecodable=302, undecodable_type=18, ring=1)) == {}
    assert health.update(0, 23.0, Totals(400, late=900, undecodable=900, undecodable_type=18, ring=2)) == {}
    assert health.update(0, 28.0, Totals(650, late=900, undecodable=1100, undecodable_type=9, ring=2)) == {
        UNDECODABLE: 9.0
    }
