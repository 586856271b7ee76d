"""Bridges that live and bridges that die, on a real Redis."""

from __future__ import annotations

import asyncio
import time

import pytest

from callbus import CallClosed, CallOpened
from callbus.messages.wire import ForkEvent
from callbus.redis import housekeeping, presence
from callbus.redis.bus import Bus
from callbus.redis.fork_reader import ForkReader
from callbus.redis.fork_writer import ForkWriter
from callbus.redis.housekeeping import Housekeeping
from callbus.redis.settings import RedisSettings
from tests.conftest import PrivateRedis


@pytest.fixture(autouse=True)
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds instead of tens of them."""
    monkeypatch.setattr(presence, "BEAT_SECONDS", 0.3)
    monkeypatch.setattr(housekeeping, "DEAD_SECONDS", 2.0)
    monkeypatch.setattr(housekeeping, "ROUND_SECONDS", 0.3)


async def until_known(bus: Bus, *calls: bytes) -> None:
    """Wait until these are the open calls of all bridges that give signs of life."""
    async with asyncio.timeout(60):
        while True:
            bridges = [instance.decode() for instance in await bus.client.zrange(bus.keys.bridges, 0, -1)]
            known = [call for bridge in bridges for call in await bus.client.hkeys(bus.keys.bridge_calls(bridge))]
            if sorted(known) == sorted(calls):
                return
            await asyncio.sleep(0.02)


async def test_calls_of_a_dead_bridge_are_closed_once(redis_url: str) -> None:
    """A bridge that falls silent has its open calls closed as `bridge_lost`; those of a living one go on."""
    settings = RedisSettings(url=redis_url, partitions=2, lease_seconds=0.6)
    async with Bus(settings) as bus:
        opened_at = time.time()
        dying, living = ForkWriter(bus), ForkWriter(bus)
        running = [asyncio.create_task(writer.run()) for writer in (dying, living)]
        dying.publish(CallOpened("over before", "b", opened_at, ()))
        dying.publish(CallClosed("over before", opened_at, 1.0, "bye"))
        dying.publish(CallOpened("cut off", "b", opened_at, ()))
        living.publish(CallOpened("goes on", "b", opened_at, ()))
        await until_known(bus, b"cut off", b"goes on")
        running[0].cancel()
        found: list[ForkEvent] = []

        async def read() -> None:
            reader = ForkReader(bus, "w")
            async for deliveries in reader.deliveries():
                for delivery in deliveries:
                    found.append(delivery.event)
                    await reader.commit(delivery)

        reading = [asyncio.create_task(read()), *(asyncio.create_task(Housekeeping(bus).run()) for _ in range(2))]
        async with asyncio.timeout(60):
            while not any(isinstance(event, CallClosed) and event.call_id == "cut off" for event in found):
                await asyncio.sleep(0.05)
        await asyncio.sleep(1)
        for task in reading:
            task.cancel()
        running[1].cancel()
        lost = [event for event in found if isinstance(event, CallClosed) and event.reason == "bridge_lost"]
        assert [event.call_id for event in lost] == ["cut off"]
        assert lost[0].recording_id == next(e for e in found if e.call_id == "cut off").recording_id
        assert lost[0].duration_seconds == pytest.approx(max(0.0, lost[0].closed_at - opened_at))


async def test_a_bridge_that_stops_in_order_leaves_nothing_behind(redis_url: str) -> None:
    """It is no longer among the living; one that still holds a call, or has not written all, stays."""
    async with Bus(RedisSettings(url=redis_url)) as bus:
        for kinds, stays in (("oc", False), ("o", True), ("ocx", True)):
            writer = ForkWriter(bus, kinds)
            running = asyncio.create_task(writer.run())
            events: dict[str, ForkEvent] = {"o": CallOpened("a", "b", 1.0, ()), "c": CallClosed("a", 2.0, 1.0, "bye")}
            for kind in kinds.rstrip("x"):
                writer.publish(events[kind])
            assert await writer.flush(5)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            if kinds.endswith("x"):
                writer.publish(events["c"])
            await writer.leave(5)
            assert (await bus.client.zscore(bus.keys.bridges, kinds) is not None) == stays
            assert await bus.client.hkeys(bus.keys.bridge_calls(kinds)) == ([b"a"] if kinds == "o" else [])


async def test_calls_that_redis_does_not_know(redis_url: str) -> None:
    """They are neither live nor in any living bridge's list."""
    async with Bus(RedisSettings(url=redis_url)) as bus:
        assert await presence.absent_calls(bus, []) == frozenset()
        assert await presence.absent_calls(bus, ["a"]) == {"a"}
        await bus.client.hset(bus.keys.live, "shown", "x")
        for bridge in ("one", "two"):
            await bus.client.zadd(bus.keys.bridges, {bridge: 1.0})
            await bus.client.hset(bus.keys.bridge_calls(bridge), f"held by {bridge}", 1.0)
        await bus.client.hset(bus.keys.bridge_calls("gone"), "held by nobody", 1.0)
        asked = ["shown", "held by one", "held by two", "held by nobody", "n\u00ef\u2713"]
        assert await presence.absent_calls(bus, asked) == {"held by nobody", "n\u00ef\u2713"}


async def test_leaving_waits_for_no_redis(private_redis: PrivateRedis) -> None:
    """A bridge that stops while Redis is away or silent stops within its deadline."""
    async with Bus(RedisSettings(url=private_redis.url)) as bus:
        private_redis.freeze()
        began = time.monotonic()
        await ForkWriter(bus).leave(0.2)
        assert time.monotonic() - began < 2
        private_redis.thaw()
        private_redis.stop()
        await ForkWriter(bus).leave(0.2)
        assert time.monotonic() - began < 4


async def test_bridge_that_redis_forgot_is_known_again(redis_url: str) -> None:
    """After a loss of all data the next sign of life names all open calls again."""
    async with Bus(RedisSettings(url=redis_url)) as bus:
        writer = ForkWriter(bus)
        running = asyncio.create_task(writer.run())
        writer.publish(CallOpened("a", "b", 1.0, ()))
        assert await writer.flush(5)
        await bus.client.flushall()
        await until_known(bus, b"a")
        running.cancel()
