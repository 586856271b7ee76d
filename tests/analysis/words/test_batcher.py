"""The queue before the model: urgency, batches, shedding, failures.

The model here is a stand-in that notes what it was asked, since order and failures must be seen exactly.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest

from analysis.words.batcher import Batcher
from analysis.words.passage import Passage, Words
from analysis.words.waiting import Shed
from callbus import Role

A, C = Role.AGENT, Role.CUSTOMER


def row(name: int, frames: int = 100) -> Passage:
    """Features that carry a number."""
    return Passage(np.full((80, frames), name, np.float32))


class Noting:
    """Reads a row as its number; waits while `gate` is closed; fails on rows of number 13."""

    whole = 3_000

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.batches: list[list[int]] = []

    def context(self, row: Passage) -> int:
        """Two lengths."""
        return 200 if row.features.shape[1] <= 200 else 600

    def transcribe(self, rows: list[Passage], frames: int) -> list[Words]:
        """The rows' numbers."""
        self.gate.wait(10)
        numbers = [int(row.features[0, 0]) for row in rows]
        self.batches.append(numbers)
        if 13 in numbers:
            raise RuntimeError("out of memory")
        return [Words(str(number), 0.9, 0.0, -0.1) for number in numbers]


@asynccontextmanager
async def running(model: Noting, batch_size: int = 4, limit: int = 100) -> AsyncIterator[Batcher]:
    """A batcher at work."""
    batcher = Batcher(model, batch_size, limit)
    task = asyncio.create_task(batcher.run())
    yield batcher
    model.gate.set()
    task.cancel()
    await asyncio.wait([task])


async def begun(batcher: Batcher, model: Noting) -> asyncio.Future[Words]:
    """Keep the model busy with row 0 until its gate opens."""
    model.gate.clear()
    first = batcher.submit(row(0), C, 0.0, 1.0)
    await asyncio.sleep(0.05)
    return first


async def test_what_waits_together_goes_together() -> None:
    """Utterances that came while the model was busy make one batch, of at most the batch size."""
    model = Noting()
    async with running(model) as batcher:
        first = await begun(batcher, model)
        others = [batcher.submit(row(number), C, number, 1.0) for number in range(1, 7)]
        model.gate.set()
        done = await asyncio.gather(first, *others)
    assert model.batches == [[0], [1, 2, 3, 4], [5, 6]]
    assert [one.text for one in done] == [str(number) for number in range(7)]


async def test_an_idle_model_starts_at_once() -> None:
    """A single utterance does not wait for company."""
    model = Noting()
    async with running(model) as batcher:
        done = await asyncio.wait_for(batcher.submit(row(1), C, 0.0, 1.0), 10)
    assert done.text == "1"
    assert model.batches == [[1]]


async def test_the_most_urgent_goes_first() -> None:
    """Order is by when the words are due: the end of speech, and half a second more for agents."""
    model = Noting()
    async with running(model, batch_size=1) as batcher:
        first = await begun(batcher, model)
        waiting = [
            batcher.submit(row(1), C, 10.4, 1.0),
            batcher.submit(row(2), A, 10.0, 1.0),
            batcher.submit(row(3), C, 10.0, 1.0),
        ]
        model.gate.set()
        await asyncio.gather(first, *waiting)
    assert model.batches == [[0], [3], [1], [2]]


async def test_a_batch_has_one_length() -> None:
    """Long and short utterances are not padded to each other."""
    model = Noting()
    async with running(model) as batcher:
        first = await begun(batcher, model)
        waiting = [batcher.submit(row(number, 500 if number % 2 else 100), C, number, 1.0) for number in range(1, 5)]
        model.gate.set()
        await asyncio.gather(first, *waiting)
    assert model.batches == [[0], [1, 3], [2, 4]]


async def test_overload_sheds_agents_first_then_the_oldest() -> None:
    """Past the limit the longest waiting agent's utterance goes, and the oldest one where no agent's waits."""
    model = Noting()
    async with running(model, limit=3) as batcher:
        first = await begun(batcher, model)
        waiting = [batcher.submit(row(n), role, n, 1.0) for n, role in enumerate([C, A, C, A, C, C], start=1)]
        model.gate.set()
        results = await asyncio.gather(first, *waiting, return_exceptions=True)
    assert [isinstance(result, Shed) for result in results] == [False, True, True, False, True, False, False]


async def test_one_utterance_does_not_fail_the_others() -> None:
    """A batch that the model fails on is tried row by row."""
    model = Noting()
    async with running(model) as batcher:
        first = await begun(batcher, model)
        waiting = [batcher.submit(row(number), C, number, 1.0) for number in (12, 13, 14)]
        model.gate.set()
        results = await asyncio.gather(first, *waiting, return_exceptions=True)
        after = await batcher.submit(row(15), C, 0.0, 1.0)
    assert [isinstance(result, RuntimeError) for result in results] == [False, False, True, False]
    assert after.text == "15"


async def test_what_is_given_up_is_not_transcribed() -> None:
    """A cancelled utterance costs the model nothing."""
    model = Noting()
    async with running(model) as batcher:
        first = await begun(batcher, model)
        batcher.submit(row(1), C, 1.0, 1.0).cancel()
        second = batcher.submit(row(2), C, 2.0, 1.0)
        model.gate.set()
        await asyncio.gather(first, second)
    assert model.batches == [[0], [2]]


@pytest.mark.parametrize("limit", [1, 2])
async def test_the_queue_never_outgrows_its_limit(limit: int) -> None:
    """However many come, all are answered, and no more than the limit waited."""
    model = Noting()
    async with running(model, batch_size=1, limit=limit) as batcher:
        first = await begun(batcher, model)
        waiting = [batcher.submit(row(number), C, number, 1.0) for number in range(20, 60)]
        model.gate.set()
        results = await asyncio.gather(first, *waiting, return_exceptions=True)
    assert sum(isinstance(result, Words) for result in results) == limit + 1
