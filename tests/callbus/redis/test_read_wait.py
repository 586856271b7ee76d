"""How long a worker waits for events, on a real Redis."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import aclosing
from typing import Any

import pytest

from callbus.redis.bus import Bus
from callbus.redis.fork_reader import ForkReader
from callbus.redis.fork_writer import ForkWriter
from callbus.redis.settings import RedisSettings
from tests.callbus import sample_messages as messages


async def test_events_do_not_delay_the_look_at_the_leases(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that has just been given something waits only until it is due: a dead one is taken over in time."""
    async with Bus(RedisSettings(url=redis_url, partitions=1)) as bus:
        reader, writer = ForkReader(bus, "worker"), ForkWriter(bus)
        waits: list[int] = []
        read, balance = bus.client.xreadgroup, reader._balance

        async def reading(*arguments: Any, block: int | None = None, **options: Any) -> Any:
            if block is not None:
                waits.append(block)
            return await read(*arguments, block=block, **options)

        async def balancing() -> None:
            await balance()
            waits.append(0)

        monkeypatch.setattr(bus.client, "xreadgroup", reading)
        monkeypatch.setattr(reader, "_balance", balancing)
        writing = asyncio.create_task(writer.run())
        async with aclosing(reader.deliveries()) as batches:
            async for _ in batches:
                if len(_again(waits)) >= 10:
                    break
                await asyncio.sleep(0.01)
                writer.publish(messages.utterance("c"))
        writing.cancel()
        await asyncio.wait([writing])
    assert all(wait <= before for before, wait in _again(waits))
    assert any(wait < before for before, wait in _again(waits))


def _again(waits: list[int]) -> list[tuple[int, int]]:
    """Waits of two readings with no look at the leases between them."""
    return [(before, wait) for before, wait in itertools.pairwise(waits) if before and wait]
