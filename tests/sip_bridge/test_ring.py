"""The rings in C: order, bounds, and threads that fill and empty them at once."""

from __future__ import annotations

from collections import Counter
from threading import Thread

from hypothesis import given
from hypothesis import strategies as st

from sip_bridge.ring import BLOCK_BYTES, RING_BLOCKS, TAKEN_AT_ONCE, Entry, Ring, Rings


def block(number: int) -> bytes:
    """One that can be told from others."""
    return number.to_bytes(4, "little") * (BLOCK_BYTES // 4)


def test_what_is_put_is_taken_in_its_order() -> None:
    """Blocks, blocks without audio and marks, each once, with their times."""
    ring = Ring()
    ring.put(block(1), 10.0)
    ring.put(b"", 10.1)
    ring.mark(2.5)
    ring.put(block(2), 12.7)
    number = ring.number
    assert list(ring.take()) == [
        Entry(number, 0, False, block(1), 10.0),
        Entry(number, 0, False, b"", 10.1),
        Entry(number, 0, True, b"", 2.5),
        Entry(number, 0, False, block(2), 12.7),
    ]
    assert list(ring.take()) == []


def test_marks_without_a_block_between_them_are_one() -> None:
    """However often a leg is paused and resumed, it takes no room, and no second is lost."""
    ring = Ring()
    for _ in range(1000):
        ring.mark(0.5)
    assert [(entry.is_mark, entry.seconds) for entry in ring.take()] == [(True, 500.0)]


@given(st.lists(st.sampled_from(["block", "mark", "take"]), max_size=300))
def test_a_full_ring_loses_its_oldest_blocks_and_says_how_many(steps: list[str]) -> None:
    """Whatever is put and taken: no mark is lost, blocks are bounded and in order, taken and lost ones make all."""
    ring, put, marked, taken, lost, seconds = Ring(), 0, 0, list[int](), 0, 0.0
    for step in [*steps, "mark", "take"]:
        if step == "block":
            ring.put(block(put), 1.0)
            put += 1
        elif step == "mark":
            ring.mark(1.0)
            marked += 1
        else:
            entries = list(ring.take())
            assert sum(not entry.is_mark for entry in entries) <= RING_BLOCKS
            for entry in entries:
                lost += entry.lost
                seconds += entry.seconds if entry.is_mark else 0.0
                if not entry.is_mark:
                    taken.append(int.from_bytes(entry.pcm[:4], "little"))
                    assert taken[-1] == len(taken) - 1 + lost
    assert (len(taken) + lost, seconds) == (put, marked)


def test_the_rings_of_all_legs_are_taken_together() -> None:
    """What had come before a ring was added as well; nothing of one that was removed."""
    rings, own = Rings(), [Ring() for _ in range(TAKEN_AT_ONCE + 10)]
    own[0].put(block(0), 0.0)
    for ring in own:
        rings.add(ring)
    for number, ring in enumerate(own[1:], 1):
        ring.put(block(number), 0.0)
    rings.remove(own[5])
    found = {entry.ring: entry.pcm for entry in rings.take()}
    assert found == {ring.number: block(number) for number, ring in enumerate(own) if number != 5}
    own[5].put(block(5), 0.0)
    assert list(rings.take()) == []
    assert len(list(own[5].take())) == 2


def test_threads_may_fill_while_one_empties() -> None:
    """Nothing is lost or doubled, and each ring keeps its order, while rings come and go."""
    rings, threads, wanted = Rings(), list[Thread](), 40

    def fill(ring: Ring) -> None:
        for number in range(wanted):
            ring.put(block(number), 0.0)

    found: Counter[int] = Counter()
    for _ in range(50):
        ring = Ring()
        rings.add(ring)
        threads.append(Thread(target=fill, args=(ring,)))
        threads[-1].start()
        ring = Ring()  # one that is gone before anything comes
        rings.add(ring)
        ring.put(block(0), 0.0)
        rings.remove(ring)
        for entry in rings.take():
            assert entry.pcm == block(found[entry.ring])
            found[entry.ring] += 1
    for thread in threads:
        thread.join()
    found.update(entry.ring for entry in rings.take())
    assert list(found.values()) == [wanted] * 50
