"""What is told ahead of an utterance's end, on a real Redis: to whom, and what is given up first."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

import pytest

from callbus import CallOpened, Utterance
from callbus.messages.wire import encode_fork_event
from callbus.redis import foretelling
from callbus.redis.bus import Bus
from callbus.redis.foretelling import DROPPED, OUTCOMES, SENT, TOLD_AHEAD, UNHEARD, WAITING, AheadReader
from callbus.redis.fork_writer import ForkWriter
from callbus.redis.settings import RedisSettings
from tests.callbus import sample_messages as messages
from tests.conftest import PrivateRedis
from tests.published import until_followed

SECONDS = 20.0


@pytest.fixture
async def bus(redis_url: str) -> AsyncIterator[Bus]:
    """An open bus with one partition."""
    async with Bus(RedisSettings(url=redis_url, partitions=1)) as opened:
        yield opened


@asynccontextmanager
async def writing(bus: Bus) -> AsyncIterator[ForkWriter]:
    """A bridge's writer, at work and known to Redis."""
    writer = ForkWriter(bus, "bridge")
    running = asyncio.create_task(writer.run())
    writer.publish(CallOpened("c", "b", 1.0, ()))
    assert await writer.flush(SECONDS)
    try:
        yield writer
    finally:
        running.cancel()
        await asyncio.wait([running])


@asynccontextmanager
async def listening(bus: Bus, held: Collection[int] = (0,)) -> AsyncIterator[list[Utterance]]:
    """What a worker that holds these partitions hears."""
    heard: list[Utterance] = []

    async def listen() -> None:
        async for utterance in AheadReader(bus, lambda: held).utterances():
            heard.append(utterance)

    running = asyncio.create_task(listen())
    try:
        await until_followed(bus, *map(bus.keys.ahead, held))
        yield heard
    finally:
        running.cancel()
        await asyncio.wait([running])


def told() -> dict[str, float]:
    """What has become of all that was told."""
    return {name: TOLD_AHEAD.labels(name)._value.get() for name in OUTCOMES}


async def until(before: dict[str, float], **expected: int) -> None:
    """Wait until this many have come to this, and no other to anything."""
    async with asyncio.timeout(SECONDS):
        while {name: told()[name] - before[name] for name in OUTCOMES} != {**dict.fromkeys(OUTCOMES, 0), **expected}:
            await asyncio.sleep(0.01)


async def test_a_worker_hears_what_a_bridge_tells(bus: Bus) -> None:
    """With the recording's id; it stands in no stream, so nobody owes an answer to it."""
    before, utterance = told(), messages.utterance("c")
    async with listening(bus) as heard, writing(bus) as writer:
        stream = await bus.client.xlen(bus.keys.forks(0))
        writer.foretell(utterance)
        await until(before, **{SENT: 1})
        async with asyncio.timeout(SECONDS):
            while not heard:
                await asyncio.sleep(0.01)
        assert await bus.client.xlen(bus.keys.forks(0)) == stream
    assert [(each.recording_id, each.pcm) for each in heard] == [("bridge", utterance.pcm)]


async def test_nothing_more_is_told_where_nobody_listens(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until it is tried again after a while: an older worker, or one with a speech server, costs next to nothing."""
    before = told()
    async with writing(bus) as writer:
        writer.foretell(messages.utterance("c"))
        await until(before, **{UNHEARD: 1})
        sent = await _published(bus)
        for number in range(9):
            writer.foretell(messages.utterance("c", number))
        await until(before, **{UNHEARD: 10})
        assert await _published(bus) == sent
        monkeypatch.setattr(foretelling, "time", _Later())
        async with listening(bus):
            writer.foretell(messages.utterance("c"))
            await until(before, **{UNHEARD: 10, SENT: 1})


async def _published(bus: Bus) -> int:
    stats = await bus.client.info("commandstats")
    return int(stats.get("cmdstat_publish", {}).get("calls", 0))


class _Later:
    """A clock that is ahead of the machine's."""

    @staticmethod
    def monotonic() -> float:
        """Monotonic seconds."""
        return time.monotonic() + foretelling.DEAF_SECONDS


async def test_too_many_are_not_told(bus: Bus) -> None:
    """What comes while the bound is reached is dropped; no event is."""
    before = told()
    async with listening(bus), writing(bus) as writer:
        for number in range(WAITING + 9):
            writer.foretell(messages.utterance("c", number))
        await until(before, **{SENT: WAITING, DROPPED: 9})


async def test_while_redis_is_away_nothing_is_told(private_redis: PrivateRedis) -> None:
    """What was to be told meanwhile is dropped, and the events are written when it is back."""
    async with Bus(RedisSettings(url=private_redis.url, partitions=1)) as bus, writing(bus) as writer:
        before = told()
        private_redis.stop()
        writer.foretell(messages.utterance("c"))
        await until(before, **{DROPPED: 1})
        writer.publish(messages.utterance("c"))
        private_redis.start()
        assert await writer.flush(SECONDS)
        assert await bus.client.xlen(bus.keys.forks(0)) == 1


async def test_a_worker_hears_only_what_it_holds_and_can_read(bus: Bus) -> None:
    """Rubbish is passed over; partitions that it no longer holds are not listened to."""
    held = {0, 1}
    async with listening(bus, held) as heard:
        await bus.client.publish(bus.keys.ahead(0), b"\x93rubbish")
        await bus.client.publish(bus.keys.ahead(0), encode_fork_event(CallOpened("c", "b", 1.0, ())))
        await bus.client.publish(bus.keys.ahead(1), encode_fork_event(messages.utterance("c", 1)))
        held.discard(1)
        async with asyncio.timeout(SECONDS):
            while await bus.client.publish(bus.keys.ahead(1), encode_fork_event(messages.utterance("c", 2))):
                await asyncio.sleep(0.05)
        await bus.client.publish(bus.keys.ahead(0), encode_fork_event(messages.utterance("c", 3)))
        async with asyncio.timeout(SECONDS):
            while not heard or heard[-1].sequence != 3:
                await asyncio.sleep(0.01)
    assert {each.sequence for each in heard} == {1, 2, 3}


async def test_a_worker_listens_again_after_redis_was_away(
    private_redis: PrivateRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However it went: nothing but time is lost."""
    monkeypatch.setattr(foretelling, "RETRY_SECONDS", 0.05)
    async with Bus(RedisSettings(url=private_redis.url, partitions=1)) as bus, listening(bus) as heard:
        private_redis.stop()
        private_redis.start()
        payload = encode_fork_event(messages.utterance("c"))
        async with asyncio.timeout(SECONDS):
            while not heard:
                await bus.persist(lambda: bus.client.publish(bus.keys.ahead(0), payload))
                await asyncio.sleep(0.05)
