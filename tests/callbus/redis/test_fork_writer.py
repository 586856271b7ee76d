"""What a bridge writes, on a real Redis."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callbus import CallClosed, CallOpened, Utterance
from callbus.messages.wire import ForkEvent, decode_fork_event
from callbus.redis import presence
from callbus.redis.bus import Bus
from callbus.redis.fork_writer import ForkWriter
from callbus.redis.settings import RedisSettings
from tests.callbus import sample_messages as messages
from tests.conftest import PrivateRedis
from tests.network import link

BOUND = 16
"""Of a partition: the least that can be set."""


async def stood(bus: Bus) -> list[ForkEvent]:
    """What waits in the only partition."""
    return [decode_fork_event(fields[b"m"]) for _, fields in await bus.client.xrange(bus.keys.forks(0))]


async def write(bus: Bus, events: list[ForkEvent]) -> None:
    """Write as a bridge does."""
    writer = ForkWriter(bus)
    running = asyncio.create_task(writer.run())
    for event in events:
        writer.publish(event)
    assert await writer.flush(10)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(st.sampled_from(["audio", "open", "close"]), max_size=120))
def test_audio_gives_way_to_openings_and_closings(redis_url: str, kinds: list[str]) -> None:
    """In a full partition the oldest audio goes, each time; openings and closings stay, up to four times the bound."""

    async def run() -> None:
        async with Bus(RedisSettings(url=redis_url, partitions=1, partition_length=BOUND)) as bus:
            await bus.client.flushall()
            made: list[ForkEvent] = [
                messages.utterance("c", number)
                if kind == "audio"
                else CallOpened(f"c{number}", "b", 1.0, ())
                if kind == "open"
                else CallClosed(f"c{number}", 2.0, 1.0, "bye")
                for number, kind in enumerate(kinds)
            ]
            await write(bus, made)
            kept = await stood(bus)
            calls = [event.call_id for event in made if not isinstance(event, Utterance)]
            heard = [event.sequence for event in made if isinstance(event, Utterance)]
            assert [e.call_id for e in kept if not isinstance(e, Utterance)] == calls[-4 * BOUND :]
            left = [event.sequence for event in kept if isinstance(event, Utterance)]
            assert left == heard[len(heard) - len(left) :]
            assert len(left) >= min(len(heard), BOUND - len(calls))
            assert len(kept) <= max(BOUND, min(len(calls), 4 * BOUND) + 1)

    asyncio.run(run())


async def test_a_batch_whose_answer_was_lost_stands_once(tmp_path: Path) -> None:
    """The bridge tries again, and nothing is doubled: no word, no opening, no closing."""
    server = PrivateRedis(tmp_path)
    server.start()
    async with link(server.socket) as network, Bus(RedisSettings(url=network.url, partitions=1)) as bus:
        writer = ForkWriter(bus)
        running = asyncio.create_task(writer.run())
        writer.publish(CallOpened("c", "b", 1.0, ()))
        assert await writer.flush(10)
        network.swallow(2)
        writer.publish(messages.utterance("c"))
        writer.publish(CallClosed("c", 2.0, 1.0, "bye"))
        assert await writer.flush(10)
        assert network.swallowed == 2
        assert [type(event) for event in await stood(bus)] == [CallOpened, Utterance, CallClosed]
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    server.stop()


async def test_a_writer_that_is_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    """In the middle of a batch that Redis may have or not: what runs next writes it, once, before all else."""
    server = PrivateRedis(tmp_path)
    server.start()
    async with link(server.socket) as network, Bus(RedisSettings(url=network.url, partitions=1)) as bus:
        writer = ForkWriter(bus)
        events = [messages.utterance("c", number) for number in range(4)]
        for swallowed, event in enumerate(events[:3]):
            running = asyncio.create_task(writer.run())
            assert await writer.flush(10)
            network.swallow(1_000)
            writer.publish(event)
            while network.swallowed <= swallowed * 2:
                await asyncio.sleep(0.01)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            network.swallow(0)
        writer.publish(events[3])
        running = asyncio.create_task(writer.run())
        assert await writer.flush(10)
        assert [event.sequence for event in await stood(bus) if isinstance(event, Utterance)] == [0, 1, 2, 3]
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    server.stop()


async def test_a_bridge_that_redis_forgot_tells_its_calls_anew(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether Redis has come back empty or the bridge was taken for dead: those that are open, and only then."""
    monkeypatch.setattr(presence, "BEAT_SECONDS", 0.1)
    async with Bus(RedisSettings(url=redis_url, partitions=1)) as bus:
        writer = ForkWriter(bus)
        running = asyncio.create_task(writer.run())
        writer.publish(CallOpened("over", "b", 1.0, ()))
        writer.publish(CallClosed("over", 2.0, 1.0, "bye"))
        writer.publish(CallOpened("open", "b", 1.0, ()))
        assert await writer.flush(5)
        await asyncio.sleep(0.4)
        assert len(await stood(bus)) == 3
        (instance,) = await bus.client.zrange(bus.keys.bridges, 0, -1)
        for all_is_lost in (True, False):
            await bus.client.delete(bus.keys.forks(0))
            await (bus.client.flushall() if all_is_lost else bus.client.zrem(bus.keys.bridges, instance))
            async with asyncio.timeout(60):
                while not (told := await stood(bus)):
                    await asyncio.sleep(0.02)
            assert [(type(event), event.call_id) for event in told] == [(CallOpened, "open")]
            while not await bus.client.zcard(bus.keys.bridges):
                await asyncio.sleep(0.02)
        running.cancel()
