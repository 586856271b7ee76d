"""RTP packets to a leg's ring, under a clock of the test's own, and what is heard of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sip_bridge.hearing.ring import Entry, Kind, Ring, Rings
from sip_bridge.hearing.segmenter import FRAME_BYTES, FRAME_SECONDS, SpeechLimits
from sip_bridge.settings import BridgeSettings
from testcall import scenario, ulaw

SPEECH = BridgeSettings().speech
BEGUN = 1_000_000.0
"""When the leg begins, in unix seconds."""
STOPPED_SECONDS = 0.2
"""Speech whose packets have stopped ends so long after the hangover."""
MOST_AHEAD_SECONDS = 5.2
"""A leg runs ahead of the clock by its buffer at most, and what one packet and one loss add."""

LINE = scenario.load("turns_angry").payloads("agent")[:400]
"""8 s of a line; no two payloads are alike."""
WORDS = range(61, 307)
"""Where somebody speaks on it, without a pause that ends it; before and after is silence."""


def decoded(payload: bytes) -> bytes:
    """A frame as it is heard."""
    return ulaw.decode(payload).astype("<i2").tobytes()


@dataclass(frozen=True, slots=True)
class Packet:
    """One RTP packet, and when it arrives."""

    at: float
    """Seconds after the leg began."""
    payload: bytes
    number: int
    timestamp: int
    type: int = 0
    source: int = 77

    def later(self, seconds: float) -> Packet:
        """The same packet, delayed."""
        return replace(self, at=self.at + seconds)


def stream(
    payloads: Sequence[bytes],
    begin: float = 0.0,
    number: int = 0,
    timestamp: int = 0,
    step: int = 160,
    seconds: float = 0.02,
    type: int = 0,
    source: int = 77,
) -> list[Packet]:
    """Packets in order, each arriving when its last sample was spoken. `step`: what each adds to the timestamp."""
    return [
        Packet(
            begin + (place + 1) * seconds,
            payload,
            (number + place) & 0xFFFF,
            (timestamp + place * step) & 0xFFFFFFFF,
            type,
            source,
        )
        for place, payload in enumerate(payloads)
    ]


def stalled(packets: Iterable[Packet], begin: float, end: float) -> list[Packet]:
    """What the network held back from `begin` on arrives at once at `end`; nothing is lost."""
    return [replace(packet, at=end) if begin <= packet.at < end else packet for packet in packets]


class Listening:
    """One leg, and all that its ring hands over. Checks in every round what must hold of any leg."""

    def __init__(self, limits: SpeechLimits = SPEECH, aggressiveness: int = 2, call_seconds: float = 0.0) -> None:
        """`call_seconds`: how long the call has lasted when the leg begins."""
        self.now = BEGUN
        self.ring = Ring(limits, aggressiveness, lambda: self.now)
        self.entries: list[Entry] = []
        self._rings = Rings(lambda: self.now)
        self._rings.add(self.ring)
        self._call_seconds = call_seconds
        self.ring.begin(call_seconds, BEGUN)
        self._rounds = 0
        self._position = 0
        self._end = 0
        """Frame after the last one that was handed over."""

    def hear(self, packets: Iterable[Packet], rest_seconds: float = 2.0) -> Listening:
        """Let the packets come in the order of their arrival; then nothing more for a while."""
        for packet in sorted(packets, key=lambda packet: packet.at):
            self.wait_until(packet.at)
            self.receive(packet)
        self.wait_until(self.now - BEGUN + rest_seconds)
        return self

    def receive(self, packet: Packet) -> None:
        """A packet comes now."""
        self.ring.inlet.receive(packet.type, packet.number, packet.timestamp, packet.source, packet.payload, self.now)

    def wait_until(self, seconds: float) -> None:
        """Let time pass up to so many seconds after the leg began, in rounds of 20 ms."""
        while self._rounds * FRAME_SECONDS < seconds:
            self.now = max(self.now, BEGUN + self._rounds * FRAME_SECONDS)
            self._rounds += 1
            self.take()
        self.now = max(self.now, BEGUN + seconds)

    def sleep(self, seconds: float) -> None:
        """Let time pass of which the listener sees the last two seconds only: hours take no longer than those."""
        end = self.now - BEGUN + seconds
        self._rounds = max(self._rounds, int((end - 2) / FRAME_SECONDS))
        self.wait_until(end)

    def take(self) -> None:
        """One round of the listener."""
        for entry in self._rings.take():
            assert len(entry.pcm) == FRAME_BYTES * len(entry.flags)
            assert entry.start_frame >= self._end, "stretches overlap or are out of order"
            self._end = entry.start_frame + len(entry.flags)
            self.entries.append(entry)
        position = self.ring.position
        assert position >= self._position, "time goes backwards"
        assert self.off_seconds >= -MOST_AHEAD_SECONDS
        self._position = position

    @property
    def heard(self) -> dict[int, bytes]:
        """The frames that were handed over, by their numbers."""
        return {
            entry.start_frame + place: entry.pcm[place * FRAME_BYTES : (place + 1) * FRAME_BYTES]
            for entry in self.entries
            for place in range(len(entry.flags))
        }

    @property
    def counted(self) -> dict[str, int]:
        """What went wrong, and how often."""
        counts = self.ring.inlet.counts()
        names = ("lost", "late", "dropped", "undecodable", "foreign")
        return {name: int(count) for name in names if (count := getattr(counts, name))}

    @property
    def ended(self) -> list[int]:
        """Frames at which speech ended since its packets had stopped."""
        return [each.start_frame + len(each.flags) for each in self.entries if each.kind is Kind.SPEECH_ENDS]

    @property
    def off_seconds(self) -> float:
        """By how much the leg is behind the clock now."""
        return self.now - BEGUN + self._call_seconds - self.ring.position * FRAME_SECONDS


def places(heard: dict[int, bytes], payloads: Sequence[bytes] = LINE) -> list[int | None]:
    """At which frame each payload was heard; none where it was not."""
    numbers = {pcm: number for number, pcm in heard.items()}
    return [numbers.get(decoded(payload)) for payload in payloads]


def missing(heard: dict[int, bytes], payloads: Sequence[bytes] = LINE) -> list[int]:
    """The words that were not heard at their own places."""
    return [number for number in WORDS if heard.get(number) != decoded(payloads[number])]
