"""The connections to Redis."""

from __future__ import annotations

import asyncio

import pytest
from redis import asyncio as redis

from callbus.redis.connections import pool

TURNS = 12
"""Of the event loop: more than it takes to connect, send and read an answer."""


@pytest.mark.parametrize("turns", range(TURNS))
async def test_a_task_that_uses_redis_ends_when_it_is_cancelled(redis_url: str, turns: int) -> None:
    """At whatever step of a command that comes; what it used works for others afterwards."""

    async def asking() -> None:
        while True:
            await client.ping()

    async with redis.Redis(connection_pool=pool(redis_url)) as client:
        await client.ping()
        for _ in range(20):
            task = asyncio.create_task(asking())
            for _ in range(turns + 1):
                await asyncio.sleep(0)
            task.cancel()
            _, going_on = await asyncio.wait([task], timeout=2)
            while not task.done():  # or the test itself would not end
                task.cancel()
                await asyncio.wait([task], timeout=0.1)
            assert not going_on
            assert await client.echo("well") == b"well"
        await client.connection_pool.disconnect()
