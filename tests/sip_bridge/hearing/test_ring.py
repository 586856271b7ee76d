"""The rings in C: order, bounds, counts, and threads that fill and empty them at once."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from threading import Thread

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip_bridge.hearing import ring as ring_module
from sip_bridge.hearing.ring import RING_SECONDS, STRETCH_SECONDS, TAKEN_AT_ONCE, Entry, Kind, Ring, Rings
from sip_bridge.hearing.segmenter import FRAME_BYTES, FRAME_SECONDS
from tests.sip_bridge.packets import LINE, SPEECH, WORDS, decoded

PAUSE = bytes(SPEECH.hangover * FRAME_BYTES)
"""It ends what was being said."""
TURN = b"".join(decoded(LINE[number]) for number in WORDS[:30])
"""0.6 s of speech, voiced from its first frame on."""


def ring(now: float = 0.0, ahead: int = 0) -> Ring:
    """One whose clock stands still."""
    return Ring(replace(SPEECH, ahead=ahead), clock=lambda: now)


def put(into: Ring, pcm: bytes, now: float) -> None:
    """Samples whose last one is heard at this moment."""
    into.inlet.put(pcm, now)


def test_what_is_put_is_taken_in_its_order() -> None:
    """Speech with its flags, its time and its energy; what surrounds it; marks between."""
    own = ring()
    own.begin(0, 10.0)
    put(own, TURN + PAUSE, 11.0)
    own.pause(11.0)
    first, paused = own.take()
    own.resume(12.0)
    put(own, TURN, 12.6)
    resumed, second = own.take()
    assert (first.ring, first.kind, first.start_frame, first.due_at) == (own.number, Kind.SPEECH, 0, 11.0)
    assert first.pcm == TURN + PAUSE
    assert sum(first.flags[:30]) > 25
    assert not any(first.flags[30:])
    assert (paused.kind, paused.start_frame, paused.pcm) == (Kind.PAUSED, 50, b"")
    assert (resumed.kind, resumed.start_frame, resumed.flags) == (Kind.RESUMED, 100, b"")
    assert (second.kind, second.start_frame, second.pcm) == (Kind.SPEECH, 100, TURN)
    assert second.due_at == pytest.approx(12.6)
    assert list(own.take()) == []


def test_energy_and_clipping_are_of_the_speech_alone() -> None:
    """Sums over the voiced frames; samples at either codec's ceiling count as clipped."""
    loud = np.clip(np.frombuffer(TURN, np.int16).astype(np.int32) * 20, -32_124, 32_124).astype("<i2")
    own = ring()
    put(own, loud.tobytes() + PAUSE, 1.0)
    (entry,) = own.take()
    voiced = np.frombuffer(entry.pcm, "<i2").reshape(-1, 160)[np.frombuffer(entry.flags, bool)].astype(np.int64)
    assert entry.energy == (voiced**2).sum()
    assert entry.clipped == (np.abs(voiced) >= 32_000).sum() > 0


def test_silence_is_not_handed_over() -> None:
    """But for what surrounds speech: the pre-roll before it, the hangover after it."""
    own = ring()
    put(own, bytes(100 * FRAME_BYTES) + TURN + bytes(100 * FRAME_BYTES), 4.6)
    first, second = own.take()
    assert (first.start_frame, len(first.flags) + len(second.flags)) == (85, SPEECH.pre_roll + 30 + SPEECH.hangover)
    assert second.start_frame == first.start_frame + len(first.flags)
    assert own.position == 230


def test_silence_after_speech_is_handed_over_ahead_of_its_end() -> None:
    """What was said comes with the frame that is asked for, once in each silence, and the rest follows it."""
    own, rings = ring(ahead=10), Rings(lambda: 0.0)
    rings.add(own)
    put(own, TURN, 0.6)
    for number in range(1, SPEECH.hangover + 1):
        put(own, bytes(FRAME_BYTES), 0.6 + number * FRAME_SECONDS)
        taken = [(each.start_frame, len(each.flags)) for each in rings.take()]
        assert taken == {10: [(0, 40)], SPEECH.hangover: [(40, SPEECH.hangover - 10)]}.get(number, [])


def test_long_speech_comes_in_stretches() -> None:
    """Of a second, or a little more, each where the one before has ended; the last as far as it has come."""
    own = ring()
    words = b"".join(decoded(LINE[number]) for number in WORDS)
    put(own, words, 5.0)
    entries = list(own.take())
    assert len(entries) == math.ceil(len(WORDS) * FRAME_SECONDS / STRETCH_SECONDS)
    assert b"".join(entry.pcm for entry in entries) == words
    assert [entry.start_frame for entry in entries] == [50 * number for number in range(len(entries))]


@given(st.lists(st.sampled_from(["speech", "silence", "pause", "resume", "take"]), max_size=120))
def test_a_full_ring_loses_its_oldest_speech_and_says_how_much(steps: list[str]) -> None:
    """Whatever is put and taken: what waits is bounded and in order, the last mark stands, what is shed is counted."""
    own, now, end, paused, told, taken = ring(), 0.0, 0, False, False, 0
    own.begin(0, now)
    for step in [*steps, "take"]:
        now += 0.6 if step in ("speech", "silence") else 0.0
        match step:
            case "speech":
                put(own, TURN, now)
            case "silence":
                put(own, bytes(len(TURN)), now)
            case "pause" | "resume":
                getattr(own, step)(now)
                paused = step == "pause"
            case _:
                entries = list(own.take())
                frames = sum(len(entry.flags) for entry in entries)
                assert frames * FRAME_SECONDS <= RING_SECONDS + STRETCH_SECONDS + 0.4
                taken += frames
                for entry in entries:
                    assert entry.start_frame >= end
                    end = entry.start_frame + len(entry.flags)
                    told = {Kind.PAUSED: True, Kind.RESUMED: False}.get(entry.kind, told)
                assert told == paused
    counts = own.inlet.counts()
    assert taken + counts.dropped <= counts.heard
    if "silence" not in steps:
        assert taken + counts.dropped == counts.heard


def test_the_rings_of_all_legs_are_taken_together() -> None:
    """What had come before a ring was added as well; nothing of one that was removed."""
    rings, own = Rings(lambda: 0.0), [ring() for _ in range(TAKEN_AT_ONCE + 10)]
    put(own[0], TURN + PAUSE, 0.0)
    for each in own:
        rings.add(each)
    for each in own[1:]:
        put(each, TURN + PAUSE, 0.0)
    rings.remove(own[5])
    found = {entry.ring: entry.pcm for entry in rings.take()}
    assert found == {each.number: TURN + PAUSE for number, each in enumerate(own) if number != 5}
    put(own[5], TURN + PAUSE, 0.0)
    assert list(rings.take()) == []
    assert len(list(own[5].take())) == 2


def test_what_the_rings_count_is_told_once() -> None:
    """Each leg's counts go into the metrics, those of a removed one included, however often they are brought up."""
    counters = (ring_module.FRAMES_RECEIVED, ring_module.UNDECODABLE, ring_module.FOREIGN)
    before = [counter._value.get() for counter in counters]
    rings, own = Rings(lambda: 0.0), [ring() for _ in range(20)]
    for each in own:
        rings.add(each)
        put(each, TURN, 0.6)
        for number, source in enumerate((1, 1, 2)):
            each.inlet.receive(77, number, 0, source, b"?", 1.0)
        if each is not own[7]:
            rings.remove(each)
    for _ in range(10):
        assert list(rings.take()) == []
        rings.count()
    assert [counter._value.get() - then for counter, then in zip(counters, before, strict=True)] == [600, 40, 20]


def test_threads_may_fill_while_one_empties() -> None:
    """Nothing is lost or doubled, and each ring keeps its order, while rings come and go."""
    rings, threads, wanted = Rings(lambda: 0.0), list[Thread](), 5  # as much as may wait

    def fill(into: Ring) -> None:
        for number in range(wanted):
            put(into, TURN + PAUSE, number + 1.0)

    found: Counter[int] = Counter()

    def check(entry: Entry) -> None:
        assert (entry.start_frame, entry.pcm) == (50 * found[entry.ring], TURN + PAUSE)
        found[entry.ring] += 1

    for _ in range(200):
        own = ring()
        rings.add(own)
        threads.append(Thread(target=fill, args=(own,)))
        threads[-1].start()
        own = ring()  # one that is gone before anything comes
        rings.add(own)
        put(own, TURN + PAUSE, 0.0)
        rings.remove(own)
        for entry in rings.take():
            check(entry)
    for thread in threads:
        thread.join()
    for entry in rings.take():
        check(entry)
    assert list(found.values()) == [wanted] * 200
