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

from analysis.words.ahead import WASTED_SECONDS
from analysis.words.batcher import Batcher
from analysis.words.passage import Passage, Shed, Words
from analysis.words.waiting import AHEAD_MOST, Kind
from callbus import Role

A, C = Role.AGENT, Role.CUSTOMER


def row(name: int, frames: int = 100) -> Passage:
    """Features that carry a number."""
    return Passage(np.full((80, frames), name, np.float32))


class Noting:
    """Reads a row as its number; waits while `gate` is closed; fails on rows of number 13."""

    again = 3_000

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


async def test_what_is_read_ahead_goes_last_and_alone() -> None:
    """It shares no batch with what was said, and waits until nothing else does."""
    model = Noting()
    async with running(model) as batcher:
        first = await begun(batcher, model)
        ahead = [batcher.submit(row(number), C, 0.0, 1.0, Kind.AHEAD) for number in (1, 2)]
        said = [batcher.submit(row(number), A, 100.0, 1.0) for number in (3, 4)]
        model.gate.set()
        await asyncio.gather(first, *ahead, *said)
    assert model.batches[:2] == [[0], [3, 4]]
    assert sorted(number for batch in model.batches[2:] for number in batch) == [1, 2]


async def test_what_is_read_ahead_becomes_urgent_once_it_is_said() -> None:
    """It is in the next batch, as any other."""
    model = Noting()
    async with running(model) as batcher:
        first = await begun(batcher, model)
        over, other = (batcher.submit(row(number), C, 0.0, 1.0, Kind.AHEAD) for number in (1, 2))
        said = batcher.submit(row(3), C, 0.0, 1.0)
        batcher.urge(over)
        model.gate.set()
        await asyncio.gather(first, over, other, said)
    assert [sorted(batch) for batch in model.batches] == [[0], [1, 3], [2]]


async def test_what_is_read_ahead_is_shed_first() -> None:
    """Before any agent's utterance."""
    model = Noting()
    async with running(model, limit=8) as batcher:
        first = await begun(batcher, model)
        ahead = batcher.submit(row(1), C, 0.0, 1.0, Kind.AHEAD)
        said = [batcher.submit(row(2), A, 0.0, 1.0) for _ in range(8)]
        with pytest.raises(Shed):
            await ahead
        model.gate.set()
        await asyncio.gather(first, *said)


async def test_nothing_is_read_ahead_while_the_model_is_pressed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once an utterance has waited too long for the model, and for a while after that."""
    monkeypatch.setattr("analysis.words.batcher.PRESSED_SECONDS", 0.05)
    monkeypatch.setattr("analysis.words.batcher.RELIEF_SECONDS", 0.5)
    model = Noting()
    async with running(model) as batcher:
        assert (await batcher.submit(row(1), C, 0.0, 1.0, Kind.AHEAD)).text == "1"
        first = await begun(batcher, model)
        late = batcher.submit(row(2), C, 0.0, 1.0)
        await asyncio.sleep(0.1)
        model.gate.set()
        await asyncio.gather(first, late)
        with pytest.raises(Shed):
            await batcher.submit(row(3), C, 0.0, 1.0, Kind.AHEAD)
        await asyncio.sleep(0.6)
        assert (await batcher.submit(row(4), C, 0.0, 1.0, Kind.AHEAD)).text == "4"


async def test_few_are_read_ahead_at_a_time() -> None:
    """No more wait than the bound."""
    model = Noting()
    async with running(model) as batcher:
        first = await begun(batcher, model)
        ahead = [batcher.submit(row(1), C, 0.0, 1.0, Kind.AHEAD) for _ in range(AHEAD_MOST + 1)]
        with pytest.raises(Shed):
            await ahead.pop()
        model.gate.set()
        await asyncio.gather(first, *ahead)


async def test_what_takes_long_is_not_read_ahead() -> None:
    """What was said meanwhile would have to wait for it: as far as is known from what the model took before."""
    model = Noting()
    async with running(model) as batcher:
        first = await begun(batcher, model)
        await asyncio.sleep(0.15)
        model.gate.set()
        await first  # the shorter context took more than a tenth of a second: the longer one is three times as long
        with pytest.raises(Shed):
            await batcher.submit(row(1, 500), C, 0.0, 5.0, Kind.AHEAD)
        assert (await batcher.submit(row(2), C, 0.0, 1.0, Kind.AHEAD)).text == "2"


async def test_what_was_read_ahead_for_nothing_is_counted() -> None:
    """What nobody wants any more when the model has read it; not what is let go of before."""
    model, before = Noting(), WASTED_SECONDS._value.get()
    async with running(model) as batcher:
        model.gate.clear()
        read, waiting = batcher.submit(row(1), C, 0.0, 3.0, Kind.AHEAD), batcher.submit(row(2), C, 0.0, 5.0, Kind.AHEAD)
        await asyncio.sleep(0.05)
        read.cancel()
        waiting.cancel()
        model.gate.set()
        await batcher.submit(row(3), C, 0.0, 1.0)
    assert model.batches[0] in ([1], [1, 2])
    assert WASTED_SECONDS._value.get() - before == (3.0 if model.batches[0] == [1] else 8.0)
