"""A rolling upgrade: a call moves from a newer worker to this one in mid-call, through a real Redis."""

from __future__ import annotations

import asyncio
import signal

import msgspec

from callbus import Alert, Transcript
from callbus.redis.bus import Bus
from callbus.redis.settings import RedisSettings
from testcall import scenario
from tests.analysis.process import analysis, publish, whole_call
from tests.published import published, until_ended

CALL = "upgraded"


async def test_a_call_that_a_newer_worker_has_stored_goes_on(redis_url: str) -> None:
    """With words and fields that are not known here, it keeps its baseline and its numbering, and has its alerts."""
    events = whole_call("turns_angry", CALL)
    middle = len(events) // 2
    async with Bus(RedisSettings(url=redis_url)) as bus:
        async with analysis(redis__url=redis_url) as worker:
            await publish(bus, events[:middle])
            async with asyncio.timeout(60):
                while sum(isinstance(each, Transcript) for each in await published(bus)) < middle - 1:
                    await asyncio.sleep(0.05)
            worker.signal(signal.SIGTERM)
            assert await worker.ended() == 0
        key = bus.keys.state(CALL)
        whole = msgspec.msgpack.decode(await bus.client.get(key))
        call = whole["call"]
        call["mediation"] = {"since": 5.0}
        call["turns"][0]["turn"]["role"] = "interpreter"
        for party in call["parties"].values():
            party["now"] |= {"mood": "bored", "run_kind": "wavers", "heard": True}
        await bus.client.set(key, msgspec.msgpack.encode(whole))
        async with analysis(redis__url=redis_url) as worker:
            await publish(bus, events[middle:])
            told = await until_ended(bus, CALL)
            assert await worker.metric("callvane_call_states_unreadable_total") == 0
    transcripts = [each.sequence for each in told if isinstance(each, Transcript)]
    assert transcripts == list(range(len(scenario.load("turns_angry").turns)))
    assert [each.tier for each in told if isinstance(each, Alert)] == ["mark", "interruption"]
