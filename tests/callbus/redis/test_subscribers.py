"""Who listens for alerts, as a worker counts it on a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from prometheus_client import REGISTRY

from callbus.redis.bus import Bus
from callbus.redis.housekeeping import Housekeeping
from callbus.redis.settings import RedisSettings
from callbus.redis.subscription import Event, Subscription
from tests.conftest import PrivateRedis


@pytest.fixture
async def bus(private_redis: PrivateRedis) -> AsyncIterator[Bus]:
    """A worker's."""
    async with Bus(RedisSettings(url=private_redis.url)) as opened:
        yield opened


async def follow(events: AsyncIterator[Event | None]) -> None:
    """As a console does."""
    async for _ in events:
        pass


async def until_counted(expected: int) -> None:
    """Wait until the metric says so."""
    async with asyncio.timeout(20):
        while REGISTRY.get_sample_value("callvane_alert_subscribers") != expected:
            await asyncio.sleep(0.02)


async def test_listeners_are_counted_as_they_come_and_go(bus: Bus) -> None:
    """Without an alert: two consoles, one, none, by the running housekeeping of a worker."""
    keeping = asyncio.create_task(Housekeeping(bus).run())
    channels = (bus.keys.alerts, bus.keys.calls)
    consoles = [asyncio.create_task(follow(Subscription(bus, channels).events())) for _ in range(2)]
    await until_counted(2)
    for left, console in zip((1, 0), consoles, strict=True):
        console.cancel()
        await asyncio.wait([console])
        await until_counted(left)
    keeping.cancel()
    await asyncio.wait([keeping])


async def test_a_redis_that_does_not_tell_has_no_listeners(bus: Bus) -> None:
    """An alert that nobody hears must page whatever our user may ask."""
    following = asyncio.create_task(follow(Subscription(bus, (bus.keys.alerts,)).events()))
    keeping = Housekeeping(bus)
    async with asyncio.timeout(20):
        while REGISTRY.get_sample_value("callvane_alert_subscribers") != 1:
            await keeping.count_subscribers()
    await bus.client.execute_command("ACL", "SETUSER", "default", "-pubsub")
    await keeping.count_subscribers()
    assert REGISTRY.get_sample_value("callvane_alert_subscribers") == 0
    following.cancel()
    await asyncio.wait([following])
