"""What Redis' own clock asks for, on a real Redis."""

from __future__ import annotations

import asyncio
import time

import pytest

from callbus import CallClosed, CallOpened, Phase
from callbus.messages.wire import ForkEvent, decode_fork_event
from callbus.redis import housekeeping
from callbus.redis.bus import Bus
from callbus.redis.fork_writer import ForkWriter
from callbus.redis.housekeeping import Housekeeping
from callbus.redis.partition import partition_of
from callbus.redis.settings import RedisSettings
from tests.callbus import sample_messages as messages

DAY_MS = 86_400_000


async def written(bus: Bus, call_id: str) -> list[ForkEvent]:
    """A call's fork events that wait for a worker."""
    stream = bus.keys.forks(partition_of(call_id, bus.settings.partitions))
    events = [decode_fork_event(fields[b"m"]) for _, fields in await bus.client.xrange(stream)]
    return [event for event in events if event.call_id == call_id]


async def test_what_is_old_goes_without_traffic(redis_url: str) -> None:
    """Whatever stream it stands in; what is younger stays, and a stream goes with its last word."""
    async with Bus(RedisSettings(url=redis_url, retention_days=30)) as bus:
        keys = bus.keys
        now = int(time.time() * 1000)
        for stream in (keys.alerts, keys.transcripts, keys.calls, keys.debriefs, keys.dead_letters):
            for age_ms in (60 * DAY_MS, 30 * DAY_MS + 60_000, 30 * DAY_MS - 60_000, 0):
                await bus.client.xadd(stream, {"m": "x"}, id=f"{now - age_ms}-0")
        await Housekeeping(bus).trim()
        for stream in (keys.alerts, keys.transcripts, keys.calls, keys.debriefs, keys.dead_letters):
            kept = [int(entry.partition(b"-")[0]) for entry, _ in await bus.client.xrange(stream)]
            assert kept == [now - 30 * DAY_MS + 60_000, now]
        await messages.publish(
            bus, *(of("c") for of in (messages.alert, messages.call_state, messages.transcript, messages.debrief))
        )
        for stream in (keys.alerts, keys.transcripts, keys.calls, keys.debriefs):
            assert 0 < await bus.client.pttl(stream) <= 30 * DAY_MS + 1_000


async def test_a_stream_keeps_to_its_share_of_memory(redis_url: str) -> None:
    """Beyond `redis.stream_megabytes` the oldest entries go, and hardly more of them than must."""
    async with Bus(RedisSettings(url=redis_url, stream_megabytes=1)) as bus:
        for first in range(0, 6_000, 500):
            pipeline = bus.client.pipeline(transaction=False)
            for number in range(first, first + 500):
                pipeline.xadd(bus.keys.transcripts, {"m": f"{number:0500d}"})
            await pipeline.execute()
        assert await bus.client.memory_usage(bus.keys.transcripts, samples=0) > 2e6
        await Housekeeping(bus).trim()
        assert 0.7e6 < await bus.client.memory_usage(bus.keys.transcripts, samples=0) < 1.1e6
        ((_, newest),) = await bus.client.xrevrange(bus.keys.transcripts, count=1)
        assert int(newest[b"m"]) == 5_999


async def test_a_call_whose_end_was_lost_is_closed(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One on the board that no living bridge holds; not one that a bridge holds, nor one that has just begun."""
    async with Bus(RedisSettings(url=redis_url, partitions=2)) as bus:
        writer, keeper = ForkWriter(bus), Housekeeping(bus)
        running = asyncio.create_task(writer.run())
        writer.publish(CallOpened("held", "b", 1.0, ()))
        assert await writer.flush(5)
        await messages.publish(bus, messages.call_state("held"), messages.call_state("phantom"))
        await keeper.sweep()
        assert await written(bus, "phantom") == []
        monkeypatch.setattr(housekeeping, "UNHELD_SECONDS", 0)
        await keeper.sweep()
        (closed,) = await written(bus, "phantom")
        assert isinstance(closed, CallClosed)
        assert closed.reason == "bridge_lost"
        assert [type(event) for event in await written(bus, "held")] == [CallOpened]
        await messages.publish(bus, messages.call_state("phantom", Phase.ENDED))
        await keeper.sweep()
        assert len(await written(bus, "phantom")) == 1
        running.cancel()


async def test_what_no_bridge_has_written_is_cleared_away(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that are no text, times that are no numbers, ids that no message may have: none harms, none stays."""
    monkeypatch.setattr(housekeeping, "UNHELD_SECONDS", 0)
    async with Bus(RedisSettings(url=redis_url, partitions=1)) as bus:
        client, keys = bus.client, bus.keys
        await client.zadd(keys.bridges, {b"\xfe\xfe": 1_000, "odd": 1_000, "long" * 100: 1_000, "far": -1e300})
        for name in ("odd", "far"):
            await client.hset(
                keys.bridge_calls(name), mapping={"c1": "no number", b"\xff": 1, "x" * 500: 1, "": 1, "c2": "nan"}
            )
        await client.hset(keys.live, mapping={b"\xff\xfe": "x", "y" * 500: "x", "": "x"})
        keeper = Housekeeping(bus)
        await keeper.sweep()
        await keeper.sweep()
        assert await client.exists(keys.bridges, keys.live, keys.unheld, keys.bridge_calls("odd")) == 0
        assert {type(event) for event in await written(bus, "c1")} == {CallClosed}
        for _, fields in await client.xrange(keys.forks(0)):
            assert isinstance(decode_fork_event(fields[b"m"]), CallClosed)


async def test_a_dead_bridge_is_named_with_its_calls(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The log names a dead bridge and counts its calls, and calls whose end was lost; an idle one is no news."""
    monkeypatch.setattr(housekeeping, "UNHELD_SECONDS", 0)
    async with Bus(RedisSettings(url=redis_url, partitions=1)) as bus:
        await bus.client.zadd(bus.keys.bridges, {"idle": 1.0, "one": 2.0, b"two\n\xff": 3.0})
        await bus.client.hset(bus.keys.bridge_calls("one"), "c1", 0.5)
        await bus.client.hset(bus.keys.bridge_calls("").encode() + b"two\n\xff", mapping={"c2": 0.5, "c3": 0.5})
        await messages.publish(bus, messages.call_state("phantom"))
        await Housekeeping(bus).sweep()
        assert await bus.client.exists(bus.keys.bridges) == 0
    assert caplog.messages == [
        "bridge one died; closed its 1 call",
        "bridge two?\N{REPLACEMENT CHARACTER} died; closed its 2 calls",
        "closed 1 call whose end was lost",
    ]


async def test_one_of_many_workers_does_a_round(redis_url: str) -> None:
    """However many run, a dead bridge's call is closed once."""
    async with Bus(RedisSettings(url=redis_url, partitions=1)) as bus:
        await bus.client.zadd(bus.keys.bridges, {"dead": 1.0})
        await bus.client.hset(bus.keys.bridge_calls("dead"), "c", 0.5)
        keeping = [asyncio.create_task(Housekeeping(bus).run()) for _ in range(5)]
        async with asyncio.timeout(60):
            while not await written(bus, "c"):
                await asyncio.sleep(0.02)
        for task in keeping:
            task.cancel()
        await asyncio.gather(*keeping, return_exceptions=True)
        assert len(await written(bus, "c")) == 1
        assert await bus.client.exists(bus.keys.bridges, bus.keys.bridge_calls("dead")) == 0
