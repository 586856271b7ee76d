"""RTP (RFC 3550): packets of 20 ms, and one paced loop that sends those of all the streams.

The loop is open: a packet is due at its time whatever happened to the ones before, and its lateness is measured.
No RTCP is sent; a stream's timing is read from its packets.
"""

import asyncio
import logging
import random
import socket
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from testcall import ulaw
from testcall.rtp_port import Port, SharedPort

PACKET_SECONDS: Final = 0.02
PACKET_SAMPLES: Final = 160
PAYLOAD_TYPE: Final = 0
"""PCMU of RFC 3551."""

SLOTS: Final = 20
"""A packet time is divided in slots of 1 ms, so that a thousand streams do not send in one burst."""
SLOT_SECONDS: Final = PACKET_SECONDS / SLOTS
MAX_LATENESS_SECONDS: Final = 1.0
"""Held up for longer, the loop jumps to now: the packets between count as lost, as they would on a line."""

_VERSION: Final = 0x80
_MARKER: Final = 0x80
_HEADER: Final = struct.Struct("!BBHII")
_log = logging.getLogger(__name__)


def packetise(audio: bytes) -> list[bytes]:
    """µ-law audio in payloads of 20 ms; the last is filled up with silence."""
    chunks = [audio[at : at + PACKET_SAMPLES] for at in range(0, len(audio), PACKET_SAMPLES)]
    if chunks:
        chunks[-1] = chunks[-1].ljust(PACKET_SAMPLES, bytes([ulaw.SILENCE]))
    return chunks


@dataclass(slots=True, eq=False)
class Stream:
    """One leg's packets on their way. Sequence, timestamp and SSRC start at random (RFC 3550 section 5.1)."""

    payloads: Sequence[bytes]
    send: Callable[[bytes], object]
    """Sends one packet without blocking; OSError counts the packet as unsent."""
    ended: Callable[[], object] = lambda: None
    """Called once, when the last packet has had its time."""
    payload_type: int = PAYLOAD_TYPE
    timestamp_step: int = PACKET_SAMPLES
    """What a packet adds to the timestamp: 20 ms on the codec's clock."""
    ssrc: int = field(default_factory=lambda: random.getrandbits(32))
    first_sequence: int = field(default_factory=lambda: random.getrandbits(16))
    first_timestamp: int = field(default_factory=lambda: random.getrandbits(32))
    first_tick: int = 0
    """Set by the pacer."""
    sent: int = 0
    unsent: int = 0

    def packet(self, index: int) -> bytes:
        """The packet at a place in the stream, from 0; the first one carries the marker."""
        return (
            _HEADER.pack(
                _VERSION,
                self.payload_type if index else self.payload_type | _MARKER,
                (self.first_sequence + index) & 0xFFFF,
                (self.first_timestamp + index * self.timestamp_step) & 0xFFFFFFFF,
                self.ssrc,
            )
            + self.payloads[index]
        )


class Pacer:
    """Which streams are due at which time. Pure: the clock's seconds are passed in, nothing is sent.

    Time is counted in ticks of one slot since `origin`; a stream lives in one slot and is due once a round.
    """

    def __init__(self, origin: float) -> None:
        self._origin = origin
        self._slots: list[list[Stream]] = [[] for _ in range(SLOTS)]
        self._next_tick = 0
        self.skipped_ticks = 0

    def __len__(self) -> int:
        return sum(len(slot) for slot in self._slots)

    def add(self, streams: Sequence[Stream], now: float) -> None:
        """Starts streams together, within a packet time from now, in the slot that has the fewest."""
        if not len(self):  # the time without streams is nobody's lateness
            self._next_tick = self._tick_at(now) + 1
        first = max(self._next_tick, self._tick_at(now) + 1)
        start = min(range(first, first + SLOTS), key=lambda tick: len(self._slots[tick % SLOTS]))
        for stream in streams:
            stream.first_tick = start
        self._slots[start % SLOTS].extend(streams)

    def remove(self, stream: Stream) -> None:
        for slot in self._slots:
            if stream in slot:
                slot.remove(stream)

    def next_due(self) -> float | None:
        """When the next stream is due, in the clock's seconds; None if there is none."""
        for tick in range(self._next_tick, self._next_tick + SLOTS):
            if self._slots[tick % SLOTS]:
                return self._time_of(tick)
        return None

    def due(self, now: float) -> list[tuple[float, list[tuple[Stream, int]]]]:
        """All that is due by now and was not given before: times, each with its streams and packet numbers.

        A stream whose packets are used up comes once more with the number after its last, and is removed.
        """
        last = self._tick_at(now)
        if (last - self._next_tick) * SLOT_SECONDS > MAX_LATENESS_SECONDS:
            self.skipped_ticks += last - self._next_tick
            self._next_tick = last
        found = []
        for tick in range(self._next_tick, last + 1):
            if slot := self._slots[tick % SLOTS]:
                # A stream that was put in this slot for the next round has not begun.
                entries = [(stream, (tick - stream.first_tick) // SLOTS) for stream in slot]
                entries = [(stream, index) for stream, index in entries if index >= 0]
                if any(index >= len(stream.payloads) for stream, index in entries):
                    over = {stream for stream, index in entries if index >= len(stream.payloads)}
                    self._slots[tick % SLOTS] = [stream for stream in slot if stream not in over]
                if entries:
                    found.append((self._time_of(tick), entries))
        self._next_tick = max(self._next_tick, last + 1)
        return found

    def _tick_at(self, now: float) -> int:
        # The small part of a slot forgives the rounding of a time that was computed from a tick.
        return int((now - self._origin) / SLOT_SECONDS + 1e-6)

    def _time_of(self, tick: int) -> float:
        return self._origin + tick * SLOT_SECONDS


class Lateness:
    """How late packets left, in counts by the millisecond: bounded, however long the run."""

    def __init__(self) -> None:
        self._counts = [0] * (int(MAX_LATENESS_SECONDS * 1000) + 1)
        self.max_seconds = 0.0

    def add(self, seconds: float, packets: int) -> None:
        self._counts[min(int(seconds * 1000), len(self._counts) - 1)] += packets
        self.max_seconds = max(self.max_seconds, seconds)

    @property
    def packets(self) -> int:
        return sum(self._counts)

    def quantile_seconds(self, share: float) -> float:
        """The upper edge of the millisecond below which that share (0 to 1) of the packets left."""
        wanted = share * self.packets
        total = 0
        for millisecond, count in enumerate(self._counts):
            total += count
            if total >= wanted and total:
                return (millisecond + 1) / 1000
        return 0.0


class RtpSender:
    """Sends the packets of all streams in one task: `run` it beside the calls."""

    def __init__(self) -> None:
        self.lateness = Lateness()
        self._pacer = Pacer(time.monotonic())
        self._added = asyncio.Event()
        self._shared: dict[tuple[str, int], SharedPort] = {}

    @property
    def unsent(self) -> int:
        """Packets of shared ports that the system did not take."""
        return sum(port.unsent for port in self._shared.values())

    @property
    def skipped_ticks(self) -> int:
        """Slots that were left out because the loop was held up for over a second."""
        return self._pacer.skipped_ticks

    def share(self, address: str, place: int) -> Port:
        """A port at an address for one more stream: those of the same place in their calls share it.

        Where hundreds of streams each have a port of their own, the system calls alone take a core.
        """
        if (address, place) not in self._shared:
            self._shared[address, place] = SharedPort(open_socket(address))
        return self._shared[address, place].share()

    def close(self) -> None:
        """Lets go of the shared ports."""
        for port in self._shared.values():
            port.close()

    def add(self, streams: Sequence[Stream]) -> None:
        self._pacer.add(streams, time.monotonic())
        self._added.set()

    def remove(self, stream: Stream) -> None:
        self._pacer.remove(stream)

    async def run(self) -> None:
        """Sends until cancelled."""
        while True:
            due = self._pacer.next_due()
            if due is None:
                self._added.clear()
                await self._added.wait()
                continue
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            for due_at, entries in self._pacer.due(time.monotonic()):
                self._send(entries)
                self.lateness.add(max(0.0, time.monotonic() - due_at), len(entries))

    def _send(self, entries: list[tuple[Stream, int]]) -> None:
        for stream, index in entries:
            if index >= len(stream.payloads):
                stream.ended()
                continue
            try:
                stream.send(stream.packet(index))
            except OSError:  # nobody listens there any more, or the socket's buffer is full
                stream.unsent += 1
            else:
                stream.sent += 1
        for port in self._shared.values():
            port.flush()


def open_socket(address: str) -> socket.socket:
    """A UDP socket on an even port, as RTP wants it (RFC 3550 section 11), chosen by the system."""
    for _ in range(64):
        candidate = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        candidate.setblocking(False)
        candidate.bind((address, 0))
        if candidate.getsockname()[1] % 2 == 0:
            return candidate
        candidate.close()
    raise OSError("no even UDP port is free")
