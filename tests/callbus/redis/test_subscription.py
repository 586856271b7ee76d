"""Following what analysis publishes."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from callbus import Alert, Phase
from callbus.redis import subscription
from callbus.redis.bus import Bus
from callbus.redis.commits import ALERTS_UNHEARD
from callbus.redis.settings import RedisSettings
from callbus.redis.subscription import Event, Subscription
from tests.callbus import sample_messages as messages
from tests.conftest import PrivateRedis
from tests.published import until_followed

RUBBISH = [
    b"",
    b"\xff",
    b"[]",
    b"[" * 2_000,
    b'{"stream_id":' + b"[" * 2_000,
    b'{"version":1,"type":"alert"}',
    *(
        b'{"stream_id":"%s"}' % stream_id
        for stream_id in (
            b"x-y",
            b"1",
            b"\xc2\xb2-1",
            b"9" * 19 + b"-1",
            b"9" * 20 + b"-1",
            b"9" * 5_000 + b"-1",
            b"-",
            b"+",
        )
    ),
]
"""What anybody may publish; an id far ahead of the stream's own would hide all that follows."""


async def follow(subscription: Subscription, found: list[Event]) -> None:
    """Collect events until cancelled."""
    async for event in subscription.events():
        if event is not None:
            found.append(event)


async def until_found(found: list[Event], count: int) -> None:
    """Wait for so many."""
    async with asyncio.timeout(60):
        while len(found) < count:
            await asyncio.sleep(0.01)


async def test_feed_delivers_live_in_order(redis_url: str) -> None:
    """Publications reach a follower in order, each with its place in the stream."""
    async with Bus(RedisSettings(url=redis_url)) as bus:
        found: list[Event] = []
        following = asyncio.create_task(follow(Subscription(bus, [bus.keys.alerts]), found))
        await until_followed(bus, bus.keys.alerts)
        for number in range(5):
            await messages.publish(bus, messages.alert("c", f"a{number}"))
        await until_found(found, 5)
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
        assert [e.message.alert_id for e in found if isinstance(e.message, Alert)] == [f"a{n}" for n in range(5)]
        assert [e.stream_id for e in found] == [i.decode() for i, _ in await bus.client.xrange(bus.keys.alerts)]


async def test_feed_catches_up_after_a_break(redis_url: str) -> None:
    """What was published while the follower's connection was cut arrives once it is back, and only once."""
    async with Bus(RedisSettings(url=redis_url)) as bus, Bus(RedisSettings(url=redis_url)) as other:
        found: list[Event] = []
        following = asyncio.create_task(follow(Subscription(bus, [bus.keys.alerts]), found))
        await until_followed(bus, bus.keys.alerts)
        await messages.publish(other, messages.alert("c", "before"))
        await until_found(found, 1)
        await other.client.client_kill_filter(_type="pubsub")
        await messages.publish(other, messages.alert("c", "between"))
        await until_found(found, 2)
        await messages.publish(other, messages.alert("c", "after"))
        await until_found(found, 3)
        await asyncio.sleep(0.2)
        following.cancel()
        ids = [e.message.alert_id for e in found if isinstance(e.message, Alert)]
        assert ids == ["before", "between", "after"]


async def test_feed_catches_up_with_all_that_it_missed(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much was published during a break, all of it arrives, in order."""
    monkeypatch.setattr(subscription, "PAGE", 10)
    async with Bus(RedisSettings(url=redis_url)) as bus, Bus(RedisSettings(url=redis_url)) as other:
        found: list[Event] = []
        following = asyncio.create_task(follow(Subscription(bus, [bus.keys.alerts]), found))
        await until_followed(bus, bus.keys.alerts)
        await other.client.client_kill_filter(_type="pubsub")
        await messages.publish(other, *(messages.alert("c", f"a{number}") for number in range(35)))
        await until_found(found, 35)
        following.cancel()
        assert [e.message.alert_id for e in found if isinstance(e.message, Alert)] == [f"a{n}" for n in range(35)]


async def test_feed_goes_on_when_redis_forgot_everything(private_redis: PrivateRedis) -> None:
    """A Redis that comes back empty is followed from its first new publication on."""
    async with Bus(RedisSettings(url=private_redis.url)) as bus:
        found: list[Event] = []
        following = asyncio.create_task(follow(Subscription(bus, [bus.keys.alerts]), found))
        await until_followed(bus, bus.keys.alerts)
        await messages.publish(bus, messages.alert("c", "before"))
        await until_found(found, 1)
        private_redis.stop()
        private_redis.start()
        await messages.publish(bus, messages.alert("c", "after"))
        await until_found(found, 2)
        following.cancel()


async def test_live_calls_are_those_not_ended(redis_url: str) -> None:
    """The snapshot holds each active call's latest state and no ended call."""
    async with Bus(RedisSettings(url=redis_url)) as bus:
        await messages.publish(bus, *(messages.call_state(c) for c in "abc"), messages.call_state("b", Phase.ENDED))
        assert {s.call_id for s in await Subscription(bus, [bus.keys.calls]).live_calls()} == {"a", "c"}


async def test_alert_without_subscriber_is_counted(redis_url: str) -> None:
    """An alert that nobody subscribed to is counted as unheard, and can still be fetched."""
    async with Bus(RedisSettings(url=redis_url)) as bus:
        before = ALERTS_UNHEARD._value.get()
        await messages.publish(bus, messages.alert("c"))
        assert ALERTS_UNHEARD._value.get() == before + 1
        (event,) = await Subscription(bus, [bus.keys.alerts]).recent(bus.keys.alerts, 10)
        assert event.message == messages.alert("c")


async def test_foreign_message_on_the_channel_is_skipped(redis_url: str) -> None:
    """Rubbish on a channel or in a stream neither ends the subscription nor reaches its reader."""
    async with Bus(RedisSettings(url=redis_url)) as bus:
        found: list[Event] = []
        following = asyncio.create_task(follow(Subscription(bus, [bus.keys.alerts]), found))
        await until_followed(bus, bus.keys.alerts)
        for rubbish in RUBBISH:
            await bus.client.publish(bus.keys.alerts, rubbish)
            await bus.client.xadd(bus.keys.alerts, {"m": rubbish})
        await messages.publish(bus, messages.alert("c"))
        await until_found(found, 1)
        following.cancel()
        assert [e.message for e in found] == [messages.alert("c")]


async def test_a_debrief_has_a_channel_of_its_own(redis_url: str) -> None:
    """It lies in its own stream, and in no other."""
    async with Bus(RedisSettings(url=redis_url)) as bus:
        await messages.publish(bus, messages.transcript("c"), messages.debrief("c"))
        (event,) = await Subscription(bus, [bus.keys.debriefs]).recent(bus.keys.debriefs, 10)
        assert event.message == messages.debrief("c")
        assert await bus.client.xlen(bus.keys.transcripts) == 1
