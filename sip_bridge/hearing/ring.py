"""A leg's buffered speech: the only place where threads share audio.

A ring is filled in C++, on the thread that receives RTP. There packets are ordered, decoded, placed on the leg's
timeline and searched for speech (`deploy/pjsua2/native`). Only stretches of speech and what surrounds them are stored.
All legs' stretches are taken with one call into the library, regardless of their number.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from enum import IntEnum
from struct import Struct
from typing import NamedTuple

import pjsua2 as pj
from prometheus_client import Counter
from webrtcvad import _webrtcvad

from sip_bridge.hearing.segmenter import FRAME_BYTES, FRAME_SECONDS, SpeechLimits

FRAMES_RECEIVED = Counter("callvane_frames_received_total", "Audio frames of 20 ms taken from the calls' legs.")
LOST = Counter("callvane_frames_lost_total", "Audio frames that never arrived, or arrived too late.")
LATE = Counter("callvane_frames_late_total", "Audio frames discarded because they arrived too late or too far ahead.")
FRAMES_DROPPED = Counter(
    "callvane_frames_dropped_total", "Audio frames of 20 ms dropped, oldest first, because the listener fell behind."
)
UNDECODABLE = Counter("callvane_rtp_undecodable_total", "RTP packets with a payload type that cannot be decoded.")
FOREIGN = Counter(
    "callvane_rtp_other_source_total", "RTP packets ignored because their SSRC is not the one being heard."
)

RING_SECONDS = 5.0
"""Speech buffered for the listener. Above this a leg loses its own oldest stretch; other legs are not affected."""
STRETCH_SECONDS = 1.0
"""Longer speech is handed over in stretches of this length, or slightly more."""
TAKEN_AT_ONCE = 128
"""Most stretches per call into the library; the next call returns the rest."""
STRETCH_BYTES = 100 * (FRAME_BYTES + 1)
"""Space for one stretch with its flags; most are far shorter."""

_ENTRY = Struct("@IIIIQdd")
_numbers = itertools.count()

pj.loadSpeechEngine(_webrtcvad.__file__)


class Kind(IntEnum):
    """The kind of a ring's entry."""

    SPEECH = 0
    """A stretch; more of the same speech may follow."""
    SPEECH_ENDS = 1
    """A stretch followed by a gap: the speech ends here."""
    PAUSED = 2
    RESUMED = 3


class Entry(NamedTuple):
    """A stretch of speech, or a mark (pause, resume) between two."""

    ring: int
    """The ring's number."""
    kind: Kind
    start_frame: int
    """Number of its first frame in the leg; for a mark, of the next frame."""
    flags: bytes
    """One byte per frame, 1 for speech."""
    pcm: bytes
    """16-bit mono at 8 kHz."""
    due_at: float
    """When its last frame was due, in unix seconds. It arrived later if the leg lags behind the clock."""
    energy: float
    """Sum of squared samples over the speech frames."""
    clipped: int
    """Number of those samples that are at full scale."""


class Ring:
    """One leg's ring. Any thread may fill it, one takes from it; neither waits longer than one packet takes."""

    def __init__(self, limits: SpeechLimits, aggressiveness: int = 2, clock: Callable[[], float] = time.time) -> None:
        """`aggressiveness`: of the speech detector, 0 (passes most) to 3 (rejects most). `clock`: unix seconds."""
        self.number = next(_numbers)
        self.inlet = pj.AudioRing(self.number, limits.pre_roll, limits.hangover, aggressiveness, limits.ahead)
        """The native ring, filled in C++."""
        self._clock = clock

    def begin(self, seconds: float, now: float) -> None:
        """Start the leg's timeline at this call time; else the first packet starts it at 0. `now`: unix seconds."""
        self.inlet.begin(seconds, now)

    def pause(self, now: float) -> None:
        """Ignore audio until resumed. `now`: unix seconds."""
        self.inlet.pause(now)

    def resume(self, now: float) -> None:
        """Continue; the pause counts as silence. `now`: unix seconds."""
        self.inlet.resume(now)

    @property
    def position(self) -> int:
        """The leg's time so far, in frames."""
        return int(self.inlet.position(self._clock()))

    def take(self) -> Iterator[Entry]:
        """Take all entries, oldest first, including speech in progress."""
        return _taken(self.inlet.take, _Room(TAKEN_AT_ONCE))


class Rings:
    """The rings of many legs. Belongs to the thread that takes from them."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._collector = pj.AudioCollector()
        self._room = _Room(TAKEN_AT_ONCE)
        self._clock = clock
        self._told = _totals(self._collector)

    def add(self, ring: Ring) -> None:
        """Take from this ring too."""
        self._collector.add(ring.inlet)

    def remove(self, ring: Ring) -> None:
        """Stop taking from this ring."""
        self._collector.remove(ring.inlet)

    def take(self) -> Iterator[Entry]:
        """Take all entries; each ring's are in order. Advances the rings' time, so call it about every 20 ms."""
        return _taken(lambda *room: self._collector.take(*room, self._clock()), self._room)

    def count(self) -> None:
        """Update the metrics from the library's counters."""
        now = _totals(self._collector)
        for counter, total, before in zip(_COUNTERS, now, self._told, strict=True):
            counter.inc(total - before)
        self._told = now


_COUNTERS = (FRAMES_RECEIVED, LOST, LATE, FRAMES_DROPPED, UNDECODABLE, FOREIGN)


def _totals(collector: pj.AudioCollector) -> tuple[int, ...]:
    totals = collector.totals()
    return (totals.heard, totals.lost, totals.late, totals.dropped, totals.undecodable, totals.foreign)


class _Room:
    """Buffers into which the library writes the entries."""

    def __init__(self, entries: int) -> None:
        self.size = entries
        self.entries = bytearray(entries * _ENTRY.size)
        self.audio = bytearray(entries * STRETCH_BYTES)


def _taken(take: Callable[[bytearray, bytearray], int], room: _Room) -> Iterator[Entry]:
    entries, audio = memoryview(room.entries), memoryview(room.audio)
    while count := take(room.entries, room.audio):
        place = 0
        for number, kind, frames, clipped, start, anchor, energy in _ENTRY.iter_unpack(entries[: count * _ENTRY.size]):
            samples = place + frames
            end = samples + frames * FRAME_BYTES
            due_at = anchor + (start + frames) * FRAME_SECONDS
            flags, pcm = bytes(audio[place:samples]), bytes(audio[samples:end])
            yield Entry(number, Kind(kind), start, flags, pcm, due_at, energy, clipped)
            place = end
