"""What a leg has heard and nobody has taken yet: the one place where threads meet over audio.

A ring is filled in C, on the thread that RTP arrives on: there packets are put in order, decoded, laid onto the leg's
time, and searched for speech (`deploy/pjsua2/native`). Only stretches of speech, with what surrounds them, wait in it.
Those of all legs are taken together, with one call into the library however many they are.
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
LOST = Counter("callvane_frames_lost_total", "Audio frames that never arrived or came too late to wait for.")
LATE = Counter("callvane_frames_late_total", "Audio frames thrown away: their place had passed, or they ran ahead.")
FRAMES_DROPPED = Counter(
    "callvane_frames_dropped_total", "Audio frames of 20 ms dropped, oldest first, because listening fell behind."
)
UNDECODABLE = Counter("callvane_rtp_undecodable_total", "RTP packets of a payload type that cannot be decoded.")
FOREIGN = Counter(
    "callvane_rtp_other_source_total", "RTP packets ignored: of another source (SSRC) than the one that is heard."
)

RING_SECONDS = 5.0
"""Speech that waits for the listener. Past it a leg loses its own oldest stretch and delays no other."""
STRETCH_SECONDS = 1.0
"""Longer speech is handed over in stretches of so long, or a little more."""
TAKEN_AT_ONCE = 128
"""Stretches in one call into the library; what is beyond comes with the next."""
STRETCH_BYTES = 100 * (FRAME_BYTES + 1)
"""Room for one with its flags; on average they are far shorter."""

_ENTRY = Struct("@IIIIQdd")
_numbers = itertools.count()

pj.loadSpeechEngine(_webrtcvad.__file__)


class Kind(IntEnum):
    """What an entry is."""

    SPEECH = 0
    """A stretch; more of the same speech may follow."""
    SPEECH_ENDS = 1
    """A stretch after which nothing is known for a while: the speech ends here."""
    PAUSED = 2
    RESUMED = 3


class Entry(NamedTuple):
    """A stretch of speech, or a mark between two."""

    ring: int
    """The ring's number."""
    kind: Kind
    start_frame: int
    """Number of its first frame in the leg; of a mark, that of the next one."""
    flags: bytes
    """A byte a frame, 1 for speech."""
    pcm: bytes
    """16-bit mono at 8 kHz."""
    due_at: float
    """When its last frame was due, in unix seconds: where the leg lags behind the clock, it came later."""
    energy: float
    """Sum of the squares of its samples, over the frames of speech."""
    clipped: int
    """Of the same samples, those that are as large as they can be."""


class Ring:
    """One leg's. Any thread may fill it, one takes; none waits for longer than a packet takes."""

    def __init__(self, limits: SpeechLimits, aggressiveness: int = 2, clock: Callable[[], float] = time.time) -> None:
        """`aggressiveness`: of the speech detector, 0 (lets through) to 3 (cuts). `clock`: unix seconds."""
        self.number = next(_numbers)
        self.inlet = pj.AudioRing(self.number, limits.pre_roll, limits.hangover, aggressiveness)
        """The ring itself: what fills it is in C."""
        self._clock = clock

    def begin(self, seconds: float, now: float) -> None:
        """Let the leg's time begin, at this call time; the first packet would begin it at 0."""
        self.inlet.begin(seconds, now)

    def pause(self, now: float) -> None:
        """Hear nothing until it is resumed. `now`: unix seconds."""
        self.inlet.pause(now)

    def resume(self, now: float) -> None:
        """Go on as if the pause had been silence."""
        self.inlet.resume(now)

    @property
    def position(self) -> int:
        """Frames of the leg's time so far."""
        return int(self.inlet.position(self._clock()))

    def take(self) -> Iterator[Entry]:
        """All that is there, oldest first, and the speech that is going on as far as it has come."""
        return _taken(self.inlet.take, _Room(TAKEN_AT_ONCE))


class Rings:
    """Those of many legs. Belongs to the thread that takes from them."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._collector = pj.AudioCollector()
        self._room = _Room(TAKEN_AT_ONCE)
        self._clock = clock
        self._told = _totals(self._collector)

    def add(self, ring: Ring) -> None:
        """Take from it too."""
        self._collector.add(ring.inlet)

    def remove(self, ring: Ring) -> None:
        """Take from it no more."""
        self._collector.remove(ring.inlet)

    def take(self) -> Iterator[Entry]:
        """All that is there, each ring's in its order. Lets time pass for them: to be called every 20 ms or so."""
        return _taken(lambda *room: self._collector.take(*room, self._clock()), self._room)

    def count(self) -> None:
        """Bring the metrics up to date."""
        now = _totals(self._collector)
        for counter, total, before in zip(_COUNTERS, now, self._told, strict=True):
            counter.inc(total - before)
        self._told = now


_COUNTERS = (FRAMES_RECEIVED, LOST, LATE, FRAMES_DROPPED, UNDECODABLE, FOREIGN)


def _totals(collector: pj.AudioCollector) -> tuple[int, ...]:
    totals = collector.totals()
    return (totals.heard, totals.lost, totals.late, totals.dropped, totals.undecodable, totals.foreign)


class _Room:
    """Where the library puts what is taken from it."""

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
