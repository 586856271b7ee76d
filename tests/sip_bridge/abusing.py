"""RTP that nobody in their right mind sends, and a program that fills the rings in C with it from two threads at once.

`python -m tests.sip_bridge.abusing SEED INPUTS` is a process of its own, since a fault in C ends the process that it
happens in. It says how many inputs there were; AssertionError where a ring breaks a promise.
"""

from __future__ import annotations

import os
import random
import struct
import sys
from collections import Counter
from threading import Event, Thread
from typing import NamedTuple

import pjsua2 as pj

from sip_bridge.hearing.ring import Ring, Rings
from sip_bridge.hearing.segmenter import FRAME_BYTES, SpeechLimits

FACTOR = int(os.environ.get("CALLVANE_ABUSE", "1"))
"""How much longer than in `make test`."""

CODECS = ("0 PCMU/8000", "8 PCMA/8000", "9 G722/8000", "96 opus/48000/2", "13 CN/8000", "101 telephone-event/8000")
OPUS = 96
MOST_BYTES = 1_500
LIMITS = SpeechLimits(pre_roll=10, hangover=20, tail=5, minimum=5, maximum=500)
RINGS = 4
BASE_SECONDS = 1_700_000_000.0


class Packet(NamedTuple):
    """What of an RTP packet reaches a ring, but for the time."""

    type: int
    number: int
    timestamp: int
    source: int
    payload: bytes


class Packets:
    """A sender's packets: mostly in order, of known types and of one source, so that they get far; then anything."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._number, self._timestamp = chance.getrandbits(16), chance.getrandbits(32)
        self._type, self._sources = 0, [chance.getrandbits(32), chance.getrandbits(32)]

    def next(self) -> Packet:
        """The next one, or one that comes instead of it."""
        chance = self._chance
        match chance.randrange(40):
            case 0:
                self._number = chance.getrandbits(16)
            case 1:
                self._timestamp = chance.getrandbits(32)
            case 2:
                self._number += chance.choice((-3_001, -100, -1, 2, 9, 11, 2_999, 32_768))
            case 3:
                self._timestamp += chance.choice((-160, 480, 8_000, 400_000, 1 << 31))
            case 4:
                self._sources.reverse()
            case 5 | 6:
                self._type = chance.choice((0, 8, 9, OPUS, OPUS, 13, 101, 127, 200, 4_000_000_000))
        self._number, self._timestamp = self._number + 1 & 0xFFFF, self._timestamp + 160 & 0xFFFFFFFF
        shifted = self._number + chance.choice((0,) * 20 + (-2, -1, 1, 2, 5)) & 0xFFFF
        source = self._sources[chance.randrange(30) == 0]
        return Packet(self._type, shifted, self._timestamp, source, self.payload(self._type))

    def payload(self, type: int) -> bytes:
        """Bytes for a payload type; those for Opus say what would make many frames of them (RFC 6716 section 3.2)."""
        chance = self._chance
        size = chance.choice((0, 1, 2, 3, 79, 80, 160, 160, 160, 240, 1_279, 1_280, 1_281, MOST_BYTES))
        if type != OPUS or chance.randrange(4) == 0:
            return chance.randbytes(size)
        frames, each = chance.randint(0, 63), chance.choice((0, 1, 2, 20, 40))
        if chance.randrange(2):  # frames of one size, as many as are said
            return bytes((chance.randrange(0, 256, 4) | 3, frames)) + chance.randbytes(frames * each)
        kind = chance.randrange(4)
        return bytes((chance.randrange(0, 256, 4) | kind,)) + chance.randbytes(2 * each)

    def datagram(self) -> bytes:
        """The next one as it goes over the network, with extensions, sources and padding that may be lies."""
        chance, packet = self._chance, self.next()
        first, middle = 0x80, b""
        if chance.randrange(5) == 0:
            count = chance.randrange(16)
            first |= count
            middle += chance.randbytes(4 * count)
        if chance.randrange(5) == 0:
            first |= 0x10
            # As long as there is room, so that the payload ends where the library's buffer does.
            words = (MOST_BYTES - 12 - len(middle) - 4 - len(packet.payload)) // 4
            words = max(0, min(words, chance.choice((0, 1, words))))
            middle += struct.pack("!HH", 0xBEDE, chance.choice((words, words, words, 65_535))) + bytes(4 * words)
        if chance.randrange(8) == 0:
            first |= 0x20
        header = struct.pack("!BBHII", first, packet.type & 0xFF, packet.number, packet.timestamp, packet.source)
        return (header + middle + packet.payload)[:MOST_BYTES]


class Filler(Thread):
    """Does anything to all rings, so many times."""

    def __init__(self, rings: list[Ring], seed: int, inputs: int) -> None:
        super().__init__()
        self.failure: BaseException | None = None
        self._rings, self._inputs = rings, inputs
        self._chance = random.Random(seed)
        self._packets = [Packets(self._chance) for _ in rings]
        self._now = BASE_SECONDS

    def run(self) -> None:
        """All of it; what fails is kept."""
        try:
            for _ in range(self._inputs):
                self._step()
        except BaseException as error:
            self.failure = error

    def _step(self) -> None:
        chance = self._chance
        place = chance.randrange(len(self._rings))
        inlet = self._rings[place].inlet
        self._now += chance.choice((0.005,) * 200 + (0.0, 0.3, 3.0, 100.0, -1.0))
        match chance.randrange(60):
            case 0:
                inlet.pause(self._now)
            case 1 | 2:
                inlet.resume(self._now)
            case 3:
                inlet.put(chance.randbytes(chance.choice((0, 1, 2, 319, 320, 321, 5_000))), self._now)
            case 4:
                type, name = chance.choice((0, 9, OPUS, 127, 128, 4_000_000_000)), chance.choice(("opus", "PCMU", "x"))
                inlet.setPayload(type, name, chance.choice((0, 8_000, 48_000)), chance.choice((0, 1, 2, 255)))
            case 5:
                for entry in CODECS:
                    number, _, name = entry.partition(" ")
                    inlet.setPayload(int(number), *_named(name))
            case 6:
                inlet.begin(chance.choice((0.0, -5.0, 12.5)), self._now)
            case 7:
                inlet.position(self._now)
                inlet.counts()
            case 8:
                list(self._rings[place].take())
            case _:
                inlet.receive(*self._packets[place].next(), self._now)


def _named(rtpmap: str) -> tuple[str, int, int]:
    name, clock, *channels = rtpmap.split("/")
    return name, int(clock), int(channels[0]) if channels else 1


class Taker(Thread):
    """Empties all rings until it is told that nothing more comes, and holds them to their promises."""

    def __init__(self, rings: list[Ring]) -> None:
        super().__init__()
        self.failure: BaseException | None = None
        self.frames: Counter[int] = Counter()
        self.ended = Event()
        self._rings = rings
        self._ends: dict[int, int] = {}
        self._now = BASE_SECONDS
        self._collector = Rings(lambda: self._now)

    def run(self) -> None:
        """Take; now and then a ring goes and comes back."""
        try:
            for ring in self._rings:
                self._collector.add(ring)
            while not self.ended.is_set():
                self._round()
                gone = self._rings[int(self._now * 50) % RINGS]
                self._collector.remove(gone)
                self._collector.add(gone)
            self._round()
        except BaseException as error:
            self.failure = error

    def _round(self) -> None:
        self._now += 0.02
        for entry in self._collector.take():
            assert len(entry.pcm) == len(entry.flags) * FRAME_BYTES, "a frame for each flag"
            assert set(entry.flags) <= {0, 1}, "a flag says speech or none"
            assert entry.start_frame >= self._ends.get(entry.ring, 0), "a leg's time does not go back"
            self._ends[entry.ring] = entry.start_frame + len(entry.flags)
            self.frames[entry.ring] += len(entry.flags)


def main(seed: int, inputs: int) -> None:
    """Fill and empty; what was taken was heard."""
    library = pj.Endpoint()
    library.libCreate()
    config = pj.EpConfig()
    config.uaConfig.threadCnt, config.logConfig.level, config.logConfig.consoleLevel = 0, 0, 0
    library.libInit(config)
    rings = [Ring(LIMITS) for _ in range(RINGS)]
    for ring in rings:
        for entry in CODECS:
            number, _, name = entry.partition(" ")
            ring.inlet.setPayload(int(number), *_named(name))
    taker, fillers = Taker(rings), [Filler(rings, seed + number, inputs // 2) for number in range(2)]
    for thread in (taker, *fillers):
        thread.start()
    for filler in fillers:
        filler.join()
    taker.ended.set()
    taker.join()
    for failure in (taker.failure, *(filler.failure for filler in fillers)):
        if failure:
            raise failure
    for ring in rings:
        assert taker.frames[ring.number] <= ring.inlet.counts().heard, "what is taken was heard"
    heard = sum(ring.inlet.counts().heard for ring in rings)
    print(f"rings: {inputs // 2 * 2} inputs from two threads, {heard} frames heard, {taker.frames.total()} taken")
    for ring in rings:
        ring.inlet.ignore()  # their decoders are the library's
    library.libDestroy()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
