"""A worker whose Redis has lost the end of a call that the worker knows to be over."""

from __future__ import annotations

import asyncio
import time

from callbus import CallClosed, CallState, Phase
from callbus.messages.call import BRIDGE_LOST
from callbus.messages.wire import encode_publication
from callbus.redis.bus import Bus
from callbus.redis.settings import RedisSettings
from tests.analysis.process import analysis, publish, whole_call
from tests.published import published, until_ended


async def test_a_call_that_is_over_leaves_the_board(redis_url: str) -> None:
    """Once its end is made up for; one that the board does not show ends no second time."""
    async with Bus(RedisSettings(url=redis_url)) as bus, analysis(redis__url=redis_url):
        await publish(bus, whole_call("turns_angry", "over"))
        told = [each for each in await until_ended(bus, "over") if isinstance(each, CallState)]
        active = [each for each in told if each.phase is Phase.ACTIVE]
        await publish(bus, [CallClosed("over", time.time(), 0.0, BRIDGE_LOST)])
        await bus.client.hset(bus.keys.live, "over", encode_publication(active[-1]))  # as a replica had it
        await publish(bus, [CallClosed("over", time.time(), 0.0, BRIDGE_LOST)])
        async with asyncio.timeout(60):
            while await bus.client.hlen(bus.keys.live):
                await asyncio.sleep(0.05)
        last = [each for each in await published(bus) if isinstance(each, CallState)][len(told) :]
    assert [(each.phase, each.mood, each.turns) for each in last] == [(Phase.ENDED, active[-1].mood, active[-1].turns)]
