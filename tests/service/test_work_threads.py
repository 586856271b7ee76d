"""Threads that work for an event loop."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from service.work_threads import WorkThreads

ROOT = Path(__file__).parents[2]


class Held:
    """A piece of work that goes on until it is let go, and a clock that a test moves."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go = threading.Event()
        self.now = 100.0

    def work(self) -> int:
        """Wait."""
        self.begun.set()
        assert self.go.wait(20)
        return 7

    async def until_begun(self) -> None:
        """Wait until a thread is at it."""
        assert await asyncio.to_thread(self.begun.wait, 20)

    def clock(self) -> float:
        """As a test has set it."""
        return self.now


async def test_results_and_faults_come_back() -> None:
    """Each to whoever asked for it, whatever was raised, and the threads go on."""
    threads = WorkThreads("test", 2)
    asked = [threads.run(partial(pow, number, 2)) for number in range(50)]
    assert await asyncio.gather(*asked) == [number**2 for number in range(50)]

    def broken() -> None:
        raise SystemExit("a fault")

    for _ in range(4):
        with pytest.raises(SystemExit):
            await threads.run(broken)
    assert await threads.run(lambda: "well") == "well"
    threads.end()
    await threads.ended(20)


async def test_how_long_a_piece_of_work_takes_is_known_meanwhile() -> None:
    """To whoever asks, and as a metric; it counts from its own beginning, not from that of its wait."""
    held, later = Held(), Held()
    threads = WorkThreads("test", clock=held.clock)
    first, second = asyncio.create_task(threads.run(held.work)), asyncio.create_task(threads.run(later.work))
    await held.until_begun()
    held.now += 30
    assert threads.busy_seconds() == 30
    assert REGISTRY.get_sample_value("callvane_thread_busy_seconds", {"kind": "test"}) == 30
    held.go.set()
    await later.until_begun()
    assert threads.busy_seconds() == 0
    held.now += 5
    assert threads.busy_seconds() == 5
    later.go.set()
    assert (await first, await second) == (7, 7)
    assert threads.busy_seconds() == 0
    threads.end()
    await threads.ended(20)


async def test_the_longest_of_several_counts() -> None:
    """One thread that hangs shows, however often the other comes round."""
    held = Held()
    threads = WorkThreads("test", 2, held.clock)
    hanging = asyncio.create_task(threads.run(held.work))
    await held.until_begun()
    for _ in range(10):
        held.now += 1
        await threads.run(lambda: None)
    assert threads.busy_seconds() == 10
    held.go.set()
    await hanging
    threads.end()
    await threads.ended(20)


async def test_behind_one_that_hangs_nothing_is_kept_that_was_given_up() -> None:
    """However much is asked for and given up: the queue holds what somebody waits for."""
    held = Held()
    threads = WorkThreads("test")
    hanging = asyncio.create_task(threads.run(held.work))
    await held.until_begun()
    for _ in range(100):
        waiting = asyncio.create_task(threads.run(lambda: None))
        await asyncio.sleep(0)
        assert len(threads) == 1
        waiting.cancel()
        await asyncio.wait([waiting])
    assert len(threads) == 0
    held.go.set()
    assert await hanging == 7
    threads.end()
    await threads.ended(20)


async def test_the_end_gives_up_what_waits_and_leaves_behind_what_hangs(caplog: pytest.LogCaptureFixture) -> None:
    """Within the given time, and it says so."""
    held = Held()
    threads = WorkThreads("test")
    hanging = asyncio.create_task(threads.run(held.work))
    await held.until_begun()
    waiting = asyncio.create_task(threads.run(lambda: None))
    await asyncio.sleep(0)
    threads.end()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await threads.ended(0.05)
    assert "the test thread hangs" in caplog.text
    held.go.set()
    assert await hanging == 7
    await threads.ended(20)


HANGING = """
import asyncio, threading
from service.work_threads import WorkThreads

async def main():
    threads, begun = WorkThreads("test"), threading.Event()
    def work():
        begun.set()
        threading.Event().wait()
    asyncio.create_task(threads.run(work))
    await asyncio.to_thread(begun.wait)
    threads.end()
    await threads.ended(0.1)

asyncio.run(main())
"""


def test_one_that_hangs_keeps_no_process_from_ending() -> None:
    """The interpreter does not wait for it."""
    subprocess.run([sys.executable, "-c", HANGING], cwd=ROOT, timeout=60, check=True)
