"""A leg under whatever packets: nothing raises, time goes on, no frame is heard twice, what waits is bounded."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from sip_bridge.hearing.ring import Kind
from sip_bridge.hearing.segmenter import FRAME_BYTES
from tests.sip_bridge.packets import BEGUN, LINE, WORDS, Listening, Packet, decoded

WAITING_FRAMES = 250 + 52
"""Five seconds, and the stretch that is going on."""


@dataclass(frozen=True, slots=True)
class Run:
    """Some packets, each differing from the one before in the same way."""

    packets: int
    number: int
    timestamp: int
    type: int
    source: int
    size: int
    seconds: float
    """Between two of them."""


@dataclass(slots=True)
class Sender:
    """Whoever sends them. No two payloads of 20 ms are alike."""

    number: int = 0
    timestamp: int = 0
    sent: int = 0
    own: set[bytes] = field(default_factory=set)
    """The payloads, as they are heard."""

    def packet(self, run: Run) -> Packet:
        """The next packet of a run."""
        self.number = (self.number + run.number) & 0xFFFF
        self.timestamp = (self.timestamp + run.timestamp) & 0xFFFFFFFF
        self.sent += 1
        words = LINE[WORDS[self.sent % len(WORDS)]]
        payload = (bytes(self.sent >> shift & 7 | 0x80 for shift in (0, 3, 6, 9, 12, 15)) + words[6:]) * 4
        if run.size == len(words):
            self.own.add(decoded(payload[: run.size]))
        return Packet(0, payload[: run.size], self.number, self.timestamp, run.type, run.source)


def rarely(usual: int, *others: int, any_of: st.SearchStrategy[int]) -> st.SearchStrategy[int]:
    """Mostly what is usual."""
    return st.one_of(st.just(usual), st.just(usual), st.sampled_from([usual, *others]), any_of)


PACKETS = st.builds(
    Run,
    packets=st.integers(1, 80),
    number=rarely(1, 0, 2, 3, 60, -1, -2, any_of=st.integers(-40_000, 40_000)),
    timestamp=rarely(160, 0, 320, 480, 8_000, any_of=st.integers(0, 2**32 - 1)),
    type=rarely(0, 8, 13, 96, 101, any_of=st.integers(0, 127)),
    source=st.sampled_from([1, 1, 1, 2]),
    size=st.sampled_from([160, 160, 160, 160, 80, 240, 0, 1, 600]),
    seconds=st.sampled_from([0.02, 0.02, 0.02, 0.019, 0.0, 0.002, 0.1, 0.7]),
)
WAITS = st.sampled_from([0.0, 0.1, 0.5, 1.3, 30.0, 4_000.0])


def play(listening: Listening, steps: list[Run | float | Kind], sender: Sender) -> None:
    """Send the packets, wait, pause and go on."""
    for step in steps:
        match step:
            case Run():
                for _ in range(step.packets):
                    listening.receive(sender.packet(step))
                    listening.wait_until(listening.now - BEGUN + step.seconds)
            case Kind.PAUSED:
                listening.ring.pause(listening.now)
            case Kind.RESUMED:
                listening.ring.resume(listening.now)
            case _:
                listening.sleep(float(step))
        waiting = len(listening.entries)
        listening.take()
        assert sum(len(entry.flags) for entry in listening.entries[waiting:]) <= WAITING_FRAMES


@settings(max_examples=300)
@given(st.lists(st.one_of(PACKETS, PACKETS, PACKETS, WAITS, st.just(Kind.PAUSED), st.just(Kind.RESUMED)), max_size=25))
def test_whatever_comes(steps: list[Run | float | Kind]) -> None:
    """Stretches are in order and apart, positions and counts only grow; no frame comes twice."""
    listening, sender = Listening(), Sender()
    before = (0, 0, 0, 0, 0, 0)
    for step in steps:
        play(listening, [step], sender)
        counts = listening.ring.inlet.counts()
        now = (counts.heard, counts.lost, counts.late, counts.dropped, counts.undecodable, counts.foreign)
        assert all(later >= earlier for later, earlier in zip(now, before, strict=True))
        before = now
    listening.sleep(2)
    handed_over = sum(len(entry.flags) for entry in listening.entries)
    assert handed_over + counts_of(listening, "dropped") <= counts_of(listening, "heard")
    heard = Counter(frames(listening))
    assert [pcm for pcm in sender.own if heard[pcm] > 1] == []


def counts_of(listening: Listening, name: str) -> int:
    """One of its counts."""
    return int(getattr(listening.ring.inlet.counts(), name))


@settings(max_examples=30)
@given(st.lists(st.tuples(PACKETS, WAITS), max_size=8))
def test_a_sender_that_comes_to_its_senses_is_heard(steps: list[tuple[Run, float]]) -> None:
    """Whatever a leg has gone through: within three seconds it hears every word."""
    listening, sender = Listening(), Sender()
    for run, seconds in steps:
        play(listening, [run, seconds], sender)
    listening.sleep(6)  # what ran ahead of the clock is over
    orderly = Run(1, 1, 160, 0, 7, 160, 0.02)
    listening.entries.clear()
    for number in range(len(LINE)):
        listening.receive(replace(sender.packet(orderly), payload=LINE[number]))
        listening.wait_until(listening.now - BEGUN + 0.02)
    listening.sleep(2)
    heard = set(frames(listening))
    assert [number for number in range(150, WORDS.stop) if decoded(LINE[number]) not in heard] == []
    assert abs(listening.off_seconds) < 0.3


def frames(listening: Listening) -> list[bytes]:
    """All that was handed over."""
    return [
        entry.pcm[place : place + FRAME_BYTES]
        for entry in listening.entries
        for place in range(0, len(entry.pcm), FRAME_BYTES)
    ]
