"""What a leg takes of a flood, of a clock that is set, and of a listener that does not come."""

from __future__ import annotations

from dataclasses import replace

from sip_bridge.hearing.ring import Entry
from sip_bridge.hearing.segmenter import FRAME_SECONDS
from tests.sip_bridge.packets import (
    BEGUN,
    LINE,
    MOST_AHEAD_SECONDS,
    WORDS,
    Listening,
    decoded,
    stream,
)


def test_a_flood_is_bounded() -> None:
    """Ten times as fast as real time: five seconds ahead of the clock are heard, the rest is counted as late."""
    packets = stream(LINE * 10)
    listening = Listening().hear([replace(packet, at=packet.at / 10) for packet in packets], 0)
    assert -MOST_AHEAD_SECONDS <= listening.off_seconds < -4.5
    counts = listening.ring.inlet.counts()
    assert counts.heard + counts.late == len(packets)
    assert counts.late > len(packets) / 4


def test_a_clock_that_is_set_back_deafens_nobody() -> None:
    """The leg goes on from where it is."""
    listening = Listening().hear(stream(LINE[:150]), 0)
    position = listening.ring.position
    listening.now -= 3_600
    entries = list[Entry]()
    for packet in stream(LINE)[150:]:
        listening.now += FRAME_SECONDS
        listening.receive(packet)
        entries += listening.ring.take()
    assert (sum(len(entry.flags) for entry in entries) >= WORDS.stop - 150, listening.counted) == (True, {})
    assert listening.ring.position == position + 250
    assert BEGUN - 3_600 < entries[-1].due_at < listening.now


def test_what_nobody_takes_is_bounded() -> None:
    """Five seconds of speech wait; the oldest goes, is counted, and the time of the rest stays."""
    listening = Listening()
    for packet in stream(LINE * 2):
        listening.now = BEGUN + packet.at
        listening.receive(packet)
    listening.take()
    dropped = listening.ring.inlet.counts().dropped
    heard = listening.heard
    assert dropped > 100
    assert len(heard) <= 250
    assert all(heard[number] == decoded((LINE * 2)[number]) for number in heard)


def test_marks_take_no_room() -> None:
    """However often a leg is paused and goes on while nobody listens: of marks in a row the last one counts."""
    listening = Listening()
    for number in range(1_000):
        listening.ring.pause(BEGUN + number)
        listening.ring.resume(BEGUN + number + 0.5)
    assert [(each.kind.name, each.start_frame) for each in listening.ring.take()] == [("RESUMED", 49_975)]
    packets = stream(LINE * 30)
    for packet in packets:
        listening.now = BEGUN + 1_000 + packet.at
        listening.receive(packet)
        if packet.number % 20 == 0:
            listening.ring.pause(listening.now)
            listening.ring.resume(listening.now)
    assert sum(not each.flags for each in listening.ring.take()) < 100
