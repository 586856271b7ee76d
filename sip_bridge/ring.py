"""What a leg has heard and nobody has listened to yet: the one place where threads meet over audio.

A ring is filled in C, by the library's clock thread, and the rings of all legs are emptied together, with one call into
the library however many they are. Marks of the library's own thread stand between the blocks, in their order.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

import pjsua2 as pj
from prometheus_client import Counter

from sip_bridge.segmenter import FRAME_BYTES

FRAMES_RECEIVED = Counter("callvane_frames_received_total", "Audio frames of 20 ms taken from the calls' legs.")

BLOCK_FRAMES = 5
"""100 ms: one crossing of threads for five frames, and at most as much latency within a hangover of 400."""
BLOCK_BYTES = BLOCK_FRAMES * FRAME_BYTES
RING_BLOCKS = 50
"""Blocks that wait for the listener: 5 s. Past it a leg loses its own oldest block and delays no other."""
TAKEN_AT_ONCE = 256
"""Blocks in one call into the library; what is beyond comes with the next."""

_ENTRY = Struct("@IIIId")
_numbers = itertools.count()


class Entry(NamedTuple):
    """A block, or a mark between two."""

    ring: int
    """The ring's number."""
    lost: int
    """Blocks of this ring that were lost before it."""
    is_mark: bool
    pcm: bytes
    """16-bit mono at 8 kHz; empty for a mark, and for a block that brought no audio."""
    seconds: float
    """When the block arrived, in unix time; by how much a mark moves the leg's time on."""


class Ring:
    """One leg's. Any thread may put, one takes; none waits for longer than a copy."""

    def __init__(self) -> None:
        self.number = next(_numbers)
        self.inlet = pj.AudioRing(self.number, RING_BLOCKS)
        """The ring itself, for `capture`."""

    def put(self, pcm: bytes, arrived_at: float) -> None:
        """Put a block, as `capture` does it in C; empty for one that brought no audio. `arrived_at`: unix seconds."""
        self.inlet.put(pcm, arrived_at)

    def mark(self, seconds: float) -> None:
        """Put a mark; several without a block between them become one, with the seconds of all."""
        self.inlet.mark(seconds)

    def take(self) -> Iterator[Entry]:
        """All that is there, oldest first."""
        return _taken(self.inlet, _Room(2 * RING_BLOCKS + 1))


class Rings:
    """Those of many legs. Belongs to the thread that takes from them."""

    def __init__(self) -> None:
        self._collector = pj.AudioCollector()
        self._room = _Room(TAKEN_AT_ONCE)

    def add(self, ring: Ring) -> None:
        """Take from it too."""
        self._collector.add(ring.inlet)

    def remove(self, ring: Ring) -> None:
        """Take from it no more."""
        self._collector.remove(ring.inlet)

    def take(self) -> Iterator[Entry]:
        """All that is there, each ring's in its order."""
        return _taken(self._collector, self._room)


class _Room:
    """Where the library puts what is taken from it."""

    def __init__(self, entries: int) -> None:
        self.size = entries
        self.entries = bytearray(entries * _ENTRY.size)
        self.audio = bytearray(entries * BLOCK_BYTES)


def _taken(source: pj.AudioRing | pj.AudioCollector, room: _Room) -> Iterator[Entry]:
    entries, audio = memoryview(room.entries), memoryview(room.audio)
    count = room.size
    while count == room.size:
        count = source.take(room.entries, room.audio)
        start = 0
        for number, size, lost, marked, seconds in _ENTRY.iter_unpack(entries[: count * _ENTRY.size]):
            yield Entry(number, lost, bool(marked), bytes(audio[start : start + size]), seconds)
            start += size
        FRAMES_RECEIVED.inc(start // FRAME_BYTES)
