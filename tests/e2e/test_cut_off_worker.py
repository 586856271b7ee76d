"""A worker that is cut off from Redis for far longer than its lease, and comes back: real processes, Redis, network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from callbus import Alert, CallState, Mood, Phase, Transcript
from callbus.messages.wire import ForkEvent
from callbus.redis.bus import Bus
from callbus.redis.fork_writer import ForkWriter
from callbus.redis.settings import RedisSettings
from callbus.redis.trouble import Trouble
from testcall import scenario
from tests.analysis.process import analysis, whole_call
from tests.conftest import PrivateRedis
from tests.e2e.test_takeover import call_in, held, until_shared
from tests.network import link
from tests.published import published, until_ended

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

SCENARIO = "turns_angry"
CUT_SECONDS = 40.0


@asynccontextmanager
async def living_bridge(bus: Bus) -> AsyncIterator[Callable[[Sequence[ForkEvent]], Awaitable[None]]]:
    """A bridge that holds its calls all the while; writes events, and waits until Redis has them."""
    writer = ForkWriter(bus)
    writing = asyncio.create_task(writer.run())

    async def write(events: Sequence[ForkEvent]) -> None:
        for event in events:
            writer.publish(event)
        assert await writer.flush(20)

    try:
        yield write
    finally:
        writing.cancel()
        await asyncio.wait([writing])


async def test_a_worker_cut_off_for_long_gets_work_again(private_redis: PrivateRedis) -> None:
    """The other takes its partitions over; what it had in hand it commits no more, and then it gets its share again."""
    async with (
        Bus(RedisSettings(url=private_redis.url)) as bus,
        link(private_redis.socket) as network,
        analysis(redis__url=network.url) as away,
        analysis(redis__url=private_redis.url) as other,
        living_bridge(bus) as write,
    ):
        await until_shared(bus, away, other)
        partitions = sorted(await held(bus, away))
        calls = [call_in(bus, each, "spoken") for each in partitions[:3]]
        told = {call_id: whole_call(SCENARIO, call_id) for call_id in calls}
        middle = len(told[calls[0]]) // 2
        for call_id in calls:
            await write(told[call_id][:middle])
        # Cut while it has events in hand, so that there is something that it would commit late.
        async with asyncio.timeout(60):
            while not any(isinstance(each, Transcript) for each in await published(bus)):
                await asyncio.sleep(0.002)
        network.cut()
        in_hand = await away.metric("callvane_events_in_hand")
        cut_off = asyncio.create_task(asyncio.sleep(CUT_SECONDS))
        async with asyncio.timeout(60):
            while len(await held(bus, other)) < bus.settings.partitions:
                await asyncio.sleep(0.05)
        for call_id in calls[:2]:
            await write(told[call_id][middle:])
        ended = await until_ended(bus, *calls[:2])
        async with asyncio.timeout(CUT_SECONDS):
            while await away.unready() != Trouble.AWAY.said:
                await asyncio.sleep(0.05)
        await cut_off
        before = {each.call_id for each in ended}
        network.mend()
        await until_shared(bus, away, other)
        async with asyncio.timeout(60):  # another operation may wait for its next try
            while await away.unready():
                await asyncio.sleep(0.05)
        lost = await away.metric("callvane_leases_lost_total")
        after = call_in(bus, min(await held(bus, away)), "after")
        await write(whole_call(SCENARIO, after))
        await write(told[calls[2]][middle:])
        found = await until_ended(bus, *calls, after)
        assert await away.metric("callvane_analysis_calls_active") == 0
        assert await away.metric("callvane_events_in_hand") == 0
        said = sum(Trouble.AWAY.said in line for line in away.lines)
    print(f"in hand when cut off: {in_hand:.0f}; work given up: {lost:.0f}")
    assert before == set(calls)
    assert in_hand > 0
    assert lost > 0
    assert said == 1
    for call_id in (*calls, after):
        of_call = [each for each in found if each.call_id == call_id]
        transcripts = [each for each in of_call if isinstance(each, Transcript)]
        assert [each.sequence for each in transcripts] == list(range(len(scenario.load(SCENARIO).turns))), call_id
        assert all(each.text for each in transcripts)
        assert [each.tier for each in of_call if isinstance(each, Alert)] == ["mark", "interruption"], call_id
        states = [each for each in of_call if isinstance(each, CallState)]
        assert [each.phase for each in states].count(Phase.ENDED) == 1
        assert (states[-1].mood, len({each.opened_at for each in states})) == (Mood.WORSENED, 1)
