"""Fork events through a real Redis: leases, acknowledgement, take-over, dead letters."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from redis import asyncio as redis

from callbus import CallClosed, CallOpened, Phase, Utterance
from callbus.messages.wire import decode_publication
from callbus.redis.bus import Bus
from callbus.redis.commits import LeaseLost
from callbus.redis.delivery import DEAD_LETTERS, Delivery
from callbus.redis.fork_reader import ForkReader
from callbus.redis.fork_writer import ForkWriter
from callbus.redis.partition import partition_of
from callbus.redis.scripts.fork_stream import FORGET
from callbus.redis.settings import RedisSettings
from tests.callbus import sample_messages as messages
from tests.conftest import PrivateRedis
from tests.network import link


@pytest.fixture
def settings(redis_url: str) -> RedisSettings:
    """Few partitions and short leases."""
    return RedisSettings(url=redis_url, partitions=4, lease_seconds=0.6)


@pytest.fixture
async def bus(settings: RedisSettings) -> AsyncIterator[Bus]:
    """An open bus."""
    async with Bus(settings) as opened:
        yield opened


async def write(bus: Bus, *events: object) -> None:
    """Write events as a bridge does."""
    writer = ForkWriter(bus, "bridge")
    running = asyncio.create_task(writer.run())
    for event in events:
        writer.publish(event)  # type: ignore[arg-type]
    assert await writer.flush(5)
    running.cancel()


def of_bridge(event: Utterance) -> Utterance:
    """As `write` has written it."""
    return replace(event, recording_id="bridge")


async def read(reader: ForkReader, count: int, timeout_seconds: float = 10) -> list[Delivery]:
    """The next `count` deliveries."""
    found: list[Delivery] = []
    async with asyncio.timeout(timeout_seconds):
        async for deliveries in reader.deliveries():
            found += deliveries
            if len(found) >= count:
                break
    return found


async def test_events_of_a_call_arrive_in_order(bus: Bus) -> None:
    """Opening, utterances and closing of every call come in the order of their writing."""
    calls = {f"call-{n}": [messages.utterance(f"call-{n}", i) for i in range(20)] for n in range(6)}
    for number in range(20):
        await write(bus, *(events[number] for events in calls.values()))
    found = await read(ForkReader(bus, "w"), 120)
    for call_id, events in calls.items():
        assert [d.event for d in found if d.event.call_id == call_id] == [of_bridge(event) for event in events]


async def test_events_name_their_recording(bus: Bus) -> None:
    """Each bridge that runs puts a name of its own on all its events, which Redis gives the time that it took them."""
    two = [ForkWriter(bus), ForkWriter(bus)]
    running = [asyncio.create_task(writer.run()) for writer in two]
    for writer in two:
        writer.publish(CallOpened("c", "bridge", 1.0, ()))
        writer.publish(messages.utterance("c"))
        writer.publish(CallClosed("c", 2.0, 1.0, "bye"))
        assert await writer.flush(5)
    for task in running:
        task.cancel()
    found = await read(ForkReader(bus, "w"), 6)
    names = [delivery.event.recording_id for delivery in found]
    assert names == [names[0]] * 3 + [names[3]] * 3
    assert names[0] != names[3]
    assert all(names)
    assert all(abs(delivery.at - time.time()) < 60 for delivery in found)


async def test_uncommitted_work_goes_to_the_next_worker(bus: Bus) -> None:
    """A worker that dies without a word leaves its unacknowledged events, oldest first, to its successor."""
    await write(bus, *(messages.utterance("c", i) for i in range(3)))
    first = ForkReader(bus, "first")
    deliveries = await read(first, 3)
    await first.commit(deliveries[0])
    await write(bus, messages.utterance("c", 3))
    found = await read(ForkReader(bus, "second"), 3)
    assert [d.event.sequence for d in found if isinstance(d.event, Utterance)] == [1, 2, 3]


async def test_what_redis_gave_out_in_a_lost_answer_comes_again(private_redis: PrivateRedis) -> None:
    """Each event once, in its call's order, though answers to reads are lost; what is in hand does not come twice."""
    async with link(private_redis.socket) as network:
        near = RedisSettings(url=private_redis.url, partitions=2)
        far = near.model_copy(update={"url": network.url, "lease_seconds": 0.6})
        async with Bus(near) as bridges, Bus(far) as workers:
            reader = ForkReader(workers, "w")
            found: list[Delivery] = []

            async def work() -> None:
                async for deliveries in reader.deliveries():
                    found.extend(deliveries)

            reading = asyncio.create_task(work())
            for number in range(12):
                if number % 3 == 1:
                    network.swallow(1, b"XREADGROUP")
                await write(bridges, messages.utterance("c", number))
                async with asyncio.timeout(60):
                    while len(found) <= number:
                        await asyncio.sleep(0.01)
                if number % 2:
                    await reader.commit(found[-1])
            await asyncio.sleep(1)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            assert [each.event.sequence for each in found if isinstance(each.event, Utterance)] == list(range(12))
            assert network.swallowed == 4


async def test_what_comes_after_its_call_has_gone_on_is_let_go(bus: Bus) -> None:
    """An event older than the latest that was committed of its call publishes nothing, stores nothing, and is gone."""
    await write(bus, messages.utterance("c", 0), messages.utterance("c", 1))
    reader = ForkReader(bus, "w")
    older, later = await read(reader, 2)
    await reader.commit(later, state=b"later", publications=[messages.transcript("c", 1)])
    await reader.commit(older, state=b"older", publications=[messages.transcript("c", 0), messages.call_state("c")])
    assert await bus.client.get(bus.keys.state("c")) == b"later"
    assert await bus.client.xlen(bus.keys.transcripts) == 1
    assert await bus.client.hlen(bus.keys.live) == 0
    assert await bus.client.xlen(bus.keys.forks(older.partition)) == 0


async def test_who_has_something_pending_stays_in_the_group(bus: Bus) -> None:
    """One that reads on after its pending entries were taken over keeps what it reads, until that is taken over too."""
    await write(bus, messages.utterance("c", 0))
    (first,) = await read(ForkReader(bus, "late"), 1)
    stream, forget = bus.keys.forks(first.partition), bus.client.register_script(FORGET)
    assert await forget(keys=[stream], args=["analysis", "late"]) == 0
    assert (await bus.client.xpending(stream, "analysis"))["pending"] == 1
    await bus.client.xack(stream, "analysis", first.entry_id)
    assert await forget(keys=[stream], args=["analysis", "late"]) == 1
    assert await bus.client.xinfo_consumers(stream, "analysis") == []


async def test_late_worker_cannot_commit(bus: Bus) -> None:
    """A worker whose lease has passed to another publishes nothing and stores nothing."""
    await write(bus, messages.utterance("c"))
    late = ForkReader(bus, "late")
    (delivery,) = await read(late, 1)
    await bus.client.set(bus.keys.lease(delivery.partition), "other")
    with pytest.raises(LeaseLost):
        await late.commit(delivery, state=b"stale", publications=[messages.alert("c")])
    assert await late.state("c", delivery.partition) is None
    assert await bus.client.xlen(bus.keys.alerts) == 0


async def test_commit_is_all_or_nothing_and_removes_the_audio(bus: Bus) -> None:
    """A commit publishes, stores the state and leaves no audio behind."""
    await write(bus, messages.utterance("c"))
    reader = ForkReader(bus, "w")
    (delivery,) = await read(reader, 1)
    await reader.commit(
        delivery,
        state=b"state",
        publications=[messages.call_state("c"), messages.alert("c")],
    )
    assert await bus.client.get(bus.keys.state("c")) == await reader.state("c", delivery.partition) == b"state"
    assert await bus.client.xlen(bus.keys.forks(delivery.partition)) == 0
    assert decode_publication(await bus.client.hget(bus.keys.live, "c")) == messages.call_state("c")
    ended = messages.call_state("c", Phase.ENDED)
    await reader.commit(
        replace(delivery, entry_id=b"9999999999999-0"), state=b"over", state_seconds=7, publications=[ended]
    )
    assert await reader.state("c", delivery.partition) == b"over"
    assert 0 < await bus.client.ttl(bus.keys.state("c")) <= 7
    assert await bus.client.hlen(bus.keys.live) == 0


async def test_alert_is_published_once(bus: Bus) -> None:
    """The same alert committed twice stands once in the stream."""
    await write(bus, messages.utterance("c"))
    reader = ForkReader(bus, "w")
    (delivery,) = await read(reader, 1)
    for _ in range(2):
        await reader.commit(delivery, publications=[messages.alert("c")])
    assert await bus.client.xlen(bus.keys.alerts) == 1


async def test_two_workers_share_the_partitions(bus: Bus, settings: RedisSettings) -> None:
    """A second worker gets half of the partitions, and no event goes to both."""
    first, second = ForkReader(bus, "first"), ForkReader(bus, "second")
    found: dict[str, list[str]] = {"first": [], "second": []}

    async def work(reader: ForkReader, name: str) -> None:
        async for deliveries in reader.deliveries():
            for delivery in deliveries:
                await reader.commit(delivery)
                found[name].append(delivery.event.call_id)

    async def until_held(owners: dict[bytes, int]) -> None:
        leases = [bus.keys.lease(partition) for partition in range(settings.partitions)]
        async with asyncio.timeout(60):
            while Counter(await bus.client.mget(leases)) != owners:
                await asyncio.sleep(0.05)

    tasks = [asyncio.create_task(work(first, "first"))]
    await until_held({b"first": 4})
    tasks.append(asyncio.create_task(work(second, "second")))
    await until_held({b"first": 2, b"second": 2})
    calls = [f"call-{n}" for n in range(40)]
    assert {partition_of(call, settings.partitions) for call in calls} == {0, 1, 2, 3}
    await write(bus, *(messages.utterance(call) for call in calls))
    async with asyncio.timeout(60):
        while len(found["first"]) + len(found["second"]) < len(calls):
            await asyncio.sleep(0.05)
    for task in tasks:
        task.cancel()
    assert sorted(found["first"] + found["second"]) == sorted(calls)
    assert found["first"]
    assert found["second"]


@pytest.mark.parametrize(("payload", "reason"), [(b"\x81\xa7version\x09", "version"), (b"noise", "malformed")])
async def test_unreadable_event_becomes_a_dead_letter(bus: Bus, payload: bytes, reason: str) -> None:
    """A broken event, or one of another version, is set aside and counted; the next is read all the same."""
    before = DEAD_LETTERS.labels(reason)._value.get()
    await bus.client.xadd(bus.keys.forks(partition_of("c", 4)), {"m": payload})
    await write(bus, messages.utterance("c"))
    (delivery,) = await read(ForkReader(bus, "w"), 1)
    assert delivery.event == of_bridge(messages.utterance("c"))
    ((_, letter),) = await bus.client.xrange(bus.keys.dead_letters)
    assert letter[b"reason"] == reason.encode()
    assert DEAD_LETTERS.labels(reason)._value.get() == before + 1


async def test_event_trimmed_while_it_was_pending_is_let_go(bus: Bus) -> None:
    """What a full stream dropped before a successor could read it is no dead letter; the rest is delivered."""
    await write(bus, messages.utterance("c", 0), messages.utterance("c", 1))
    (first, _) = await read(ForkReader(bus, "dies"), 2)
    stream = bus.keys.forks(first.partition)
    await bus.client.xdel(stream, first.entry_id)
    (delivery,) = await read(ForkReader(bus, "successor"), 1)
    assert delivery.event == of_bridge(messages.utterance("c", 1))
    assert await bus.client.xlen(bus.keys.dead_letters) == 0
    assert (await bus.client.xpending(stream, "analysis"))["pending"] == 1


async def test_a_redis_emptied_at_any_moment_ends_no_reader(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even between making a group and the search in it for what other workers left: it is made again."""
    reader = ForkReader(bus, "w")
    search, emptied = reader._claim, asyncio.Event()

    async def emptied_before(partition: int) -> bool:
        if not emptied.is_set():
            emptied.set()
            await bus.client.flushall()
            await write(bus, messages.utterance("c"))
        return await search(partition)

    monkeypatch.setattr(reader, "_claim", emptied_before)
    (delivery,) = await read(reader, 1)
    assert delivery.event.call_id == "c"


async def test_redis_lost_and_back_loses_no_backlog(private_redis: PrivateRedis) -> None:
    """What a bridge says while Redis is away arrives when it is back, even if that Redis forgot everything."""
    async with Bus(RedisSettings(url=private_redis.url, partitions=2, lease_seconds=0.6)) as bus:
        writer, reader = ForkWriter(bus), ForkReader(bus, "w")
        running = asyncio.create_task(writer.run())
        found: list[int] = []

        async def work() -> None:
            async for deliveries in reader.deliveries():
                for delivery in deliveries:
                    await reader.commit(delivery)
                    found.append(delivery.event.sequence)  # type: ignore[union-attr]

        reading = asyncio.create_task(work())
        writer.publish(messages.utterance("c", 0))
        async with asyncio.timeout(60):
            while found != [0]:
                await asyncio.sleep(0.02)
            private_redis.stop()
            for number in range(1, 10):
                writer.publish(messages.utterance("c", number))
                await asyncio.sleep(0.02)
            private_redis.start()
            while len(found) < 10:
                await asyncio.sleep(0.02)
        assert found == list(range(10))
        running.cancel()
        reading.cancel()


async def test_release_frees_the_partitions_at_once(bus: Bus) -> None:
    """A worker that leaves in order does not make the next one wait for its leases."""
    first = ForkReader(bus, "first")
    await write(bus, messages.utterance("c"))
    await read(first, 1)
    await first.release()
    client: redis.Redis = bus.client
    assert await client.keys(f"{bus.settings.prefix}:lease:*") == []
