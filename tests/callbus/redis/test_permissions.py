"""A user of Redis who may not do something, and a commit that fails halfway."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress

import pytest

from callbus.redis.bus import Bus
from callbus.redis.delivery import Delivery
from callbus.redis.fork_reader import ForkReader
from callbus.redis.fork_writer import ForkWriter
from callbus.redis.settings import RedisSettings
from callbus.redis.subscription import Event, Subscription
from callbus.redis.trouble import Trouble
from tests.callbus import sample_messages as messages
from tests.conftest import PrivateRedis

WAIT_SECONDS = 60


@pytest.fixture
async def limited(private_redis: PrivateRedis) -> AsyncIterator[tuple[Bus, Bus]]:
    """An operator's bus, and that of a user whom the operator may limit."""
    async with Bus(RedisSettings(url=private_redis.url, partitions=1)) as operator:
        await operator.client.execute_command("ACL", "SETUSER", "cv", "on", ">pw", "~*", "&*", "+@all")
        url = private_redis.url.replace("unix://", "unix://cv:pw@")
        async with Bus(RedisSettings(url=url, partitions=1)) as bus:
            yield operator, bus


async def until_forbidden(bus: Bus) -> None:
    """Wait until the bus says that it may not do something."""
    async with asyncio.timeout(WAIT_SECONDS):
        while bus.unready != Trouble.FORBIDDEN.said:
            await asyncio.sleep(0.05)


async def given(operator: Bus, reader: ForkReader) -> Delivery:
    """An utterance in the hand of a worker."""
    writer = ForkWriter(operator, "bridge")
    writing = asyncio.create_task(writer.run())
    writer.publish(messages.utterance("c"))
    assert await writer.flush(WAIT_SECONDS)
    writing.cancel()
    await asyncio.wait([writing])
    async with aclosing(reader.deliveries()) as batches, asyncio.timeout(WAIT_SECONDS):
        async for batch in batches:
            if batch:
                return batch[0]
    raise AssertionError("the reader ended")


async def test_a_subscription_that_is_denied_is_told_once(
    limited: tuple[Bus, Bus], caplog: pytest.LogCaptureFixture
) -> None:
    """The cause stands in one line and in /readyz, it is retried slowly, and all that was missed comes afterwards."""
    operator, bus = limited
    await operator.client.execute_command("ACL", "SETUSER", "cv", "resetchannels")
    found: list[Event] = []

    async def follow() -> None:
        async for event in Subscription(bus, [bus.keys.alerts]).events():
            found.extend([event] if event else [])

    caplog.set_level(logging.DEBUG)
    following = asyncio.create_task(follow())
    await until_forbidden(bus)
    await messages.publish(operator, messages.alert("c", "missed"))
    await asyncio.sleep(2)
    assert len([each for each in caplog.records if each.name.startswith("callbus")]) == 1
    await operator.client.execute_command("ACL", "SETUSER", "cv", "allchannels")
    async with asyncio.timeout(WAIT_SECONDS):
        while not found or bus.unready:
            await asyncio.sleep(0.05)
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following
    assert len(found) == 1


@pytest.mark.parametrize("command", ["publish", "xadd", "expire", "xack", "xdel", "hset", "set"])
async def test_a_commit_that_is_denied_is_whole_once_it_is_allowed(limited: tuple[Bus, Bus], command: str) -> None:
    """Nothing of it is done while one of its commands is denied, and everything once afterwards."""
    operator, bus = limited
    reader = ForkReader(bus, "worker")
    delivery = await given(operator, reader)
    await operator.client.execute_command("ACL", "SETUSER", "cv", f"-{command}")
    said = (messages.transcript("c"), messages.call_state("c"))
    committing = asyncio.create_task(reader.commit(delivery, state=b"state", publications=said))
    await until_forbidden(bus)
    assert await operator.client.xlen(bus.keys.transcripts) == 0
    assert await operator.client.get(bus.keys.committed("c")) is None
    await operator.client.execute_command("ACL", "SETUSER", "cv", f"+{command}")
    async with asyncio.timeout(WAIT_SECONDS):
        await committing
    assert await operator.client.xlen(bus.keys.transcripts) == 1
    assert await operator.client.xlen(bus.keys.calls) == 1
    assert await operator.client.xlen(bus.keys.forks(0)) == 0


async def test_a_commit_goes_on_where_it_failed(limited: tuple[Bus, Bus]) -> None:
    """What is in its stream is not put there again."""
    operator, bus = limited
    reader = ForkReader(bus, "worker")
    delivery = await given(operator, reader)
    await operator.client.set(bus.keys.committed("c"), delivery.entry_id + b" 1")
    await reader.commit(delivery, publications=(messages.transcript("c"), messages.call_state("c")))
    await reader.commit(delivery, publications=(messages.transcript("c"), messages.call_state("c")))
    assert await operator.client.xlen(bus.keys.transcripts) == 0
    assert await operator.client.xlen(bus.keys.calls) == 1
    assert await operator.client.get(bus.keys.committed("c")) == delivery.entry_id
