"""What keeps Redis from doing what it is asked: a real one in each of its moods."""

from __future__ import annotations

import asyncio
import logging
import os

import pytest
from redis.exceptions import DataError, ResponseError, TimeoutError

from callbus.redis import bus as bus_module
from callbus.redis import connections
from callbus.redis.bus import CONNECTED, TROUBLE, Bus
from callbus.redis.settings import RedisSettings
from callbus.redis.trouble import Trouble, trouble_of
from tests.callbus import sample_messages as messages
from tests.conftest import PrivateRedis
from tests.network import link
from tests.redis_moods import FROZEN, MOODS


@pytest.fixture(autouse=True)
def short_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    """What only people can mend is tried again soon."""
    monkeypatch.setattr(bus_module, "SLOW_DELAY_SECONDS", 0.3)


def shown() -> list[str]:
    """The kinds of trouble that /metrics shows."""
    return [kind for kind in Trouble if TROUBLE.labels(kind)._value.get()]


@pytest.mark.parametrize("trouble", MOODS)
async def test_each_mood_is_told_and_outlived(
    kept_redis: PrivateRedis, trouble: Trouble, caplog: pytest.LogCaptureFixture
) -> None:
    """A commit waits until Redis takes it: /readyz, a metric and one line of the log say what for; then all is well."""
    caplog.set_level(logging.INFO, "callbus.redis.bus")
    # Redis shuts the door right after it has said that it is crowded, which may go under.
    told_as = {each.said: each for each in {trouble, Trouble.AWAY if trouble is Trouble.CROWDED else trouble}}
    async with Bus(RedisSettings(url=kept_redis.url)) as bus:
        for number in range(20):
            await bus.client.xadd(bus.keys.transcripts, {"m": os.urandom(2_000)})
            await bus.client.set(f"key {number}", os.urandom(2_000))
        await bus.check()
        async with MOODS[trouble](kept_redis):
            publishing = asyncio.create_task(messages.publish(bus, messages.call_state("c"), messages.alert("c")))
            async with asyncio.timeout(60):
                while bus.unready not in told_as:
                    await asyncio.sleep(0.01)
            assert shown() == [told_as[bus.unready]]
            assert CONNECTED._value.get() == 0
            await asyncio.sleep(1)
            assert not publishing.done()
        async with asyncio.timeout(60):
            await publishing
        assert (bus.unready, bus.connected, shown()) == ("", True, [])
        assert await bus.client.xlen(bus.keys.calls) == 1
        assert await bus.client.xlen(bus.keys.alerts) == 1
    told = [record.message for record in caplog.records if record.message.startswith(tuple(told_as))]
    assert len(told) == 1
    assert caplog.records[-1].message == "redis works again"


async def test_a_frozen_redis_is_away(kept_redis: PrivateRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that holds its connections and answers nothing is given up after a while, and used again."""
    monkeypatch.setattr(connections, "SILENCE_SECONDS", 0.5)
    async with Bus(RedisSettings(url=kept_redis.url)) as bus:
        await bus.check()
        async with FROZEN(kept_redis):
            checking = asyncio.create_task(bus.check())
            async with asyncio.timeout(60):
                while bus.unready != Trouble.AWAY.said:
                    await asyncio.sleep(0.01)
        async with asyncio.timeout(60):
            await checking


@pytest.mark.parametrize("answers", [1, 2])
async def test_a_lost_answer_doubles_nothing(kept_redis: PrivateRedis, answers: int) -> None:
    """A commit that Redis did, and whose answer never came, is tried again and stands once in each stream."""
    async with link(kept_redis.socket) as network, Bus(RedisSettings(url=network.url)) as bus:
        await messages.publish(bus, messages.call_state("c"))
        network.swallow(answers)
        await messages.publish(bus, messages.call_state("c"), messages.alert("c"), messages.transcript("c"))
        assert network.swallowed == answers
        assert [await bus.client.xlen(name) for name in (bus.keys.calls, bus.keys.alerts, bus.keys.transcripts)] == [
            2,
            1,
            1,
        ]


async def test_more_commits_than_connections_wait_for_one_another(kept_redis: PrivateRedis) -> None:
    """Four hundred at once are done, and Redis is never said to be away."""
    async with Bus(RedisSettings(url=kept_redis.url)) as bus:
        await bus.check()
        troubles: list[str] = []

        async def watch() -> None:
            while True:
                troubles.extend(filter(None, [bus.unready]))
                await asyncio.sleep(0.001)

        watching = asyncio.create_task(watch())
        await asyncio.gather(
            *(bus.persist(lambda n=n: bus.client.xadd(bus.keys.alerts, {"n": n})) for n in range(400))  # type: ignore[misc]
        )
        watching.cancel()
        assert await bus.client.xlen(bus.keys.alerts) == 400
        assert troubles == []


def test_what_is_ours_to_mend_is_raised() -> None:
    """A value that cannot be sent, or a fault of the program, is no trouble of Redis'."""
    for error in (DataError("no bytes"), TypeError("ours")):
        with pytest.raises(type(error)):
            trouble_of(error)
    assert trouble_of(ResponseError("ERR whatever")) is Trouble.REFUSED


@pytest.mark.parametrize(
    ("error", "words"), [(TimeoutError("slow"), " (TimeoutError: slow): "), (TimeoutError(), " (TimeoutError): ")]
)
async def test_trouble_without_words_is_told_by_its_kind(
    error: Exception, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    """No colon comes before nothing."""
    async with Bus(RedisSettings()) as bus:
        bus.note(object(), error)
    assert words in caplog.text
