"""A bridge while analysis says that it is overloaded: real SIP by testcall, and a real Redis."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from callbus.redis.bus import Bus
from callbus.redis.leases import Leases
from callbus.redis.overload import tell
from callbus.redis.settings import RedisSettings
from testcall.metadata import CallFacts
from tests.conftest import PrivateRedis
from tests.sip_bridge.recording import ANNA, recording
from tests.sip_bridge.running import WAIT_SECONDS, RunningBridge, bridge, recorder

REFUSING = "callvane_forks_refused_for_analysis"


async def until_refusing(running: RunningBridge, value: int) -> None:
    """Wait until the bridge has heard it."""
    deadline = time.monotonic() + WAIT_SECONDS
    while running.metric(REFUSING) != value:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


@asynccontextmanager
async def overloaded(redis_url: str, *workers: str, of: int) -> AsyncIterator[None]:
    """These of so many workers say that they are overloaded, for as long as this lasts."""

    async def say() -> None:
        async with Bus(RedisSettings(url=redis_url)) as bus:
            living = [Leases(bus, f"worker-{number}") for number in range(of)]
            while True:
                for worker in living:
                    await worker.balance()
                for name in workers:
                    await tell(bus, name, True)
                await asyncio.sleep(0.3)

    saying = asyncio.create_task(say())
    try:
        yield
    finally:
        saying.cancel()
        await asyncio.wait([saying])


async def attempt(running: RunningBridge, name: str) -> tuple[int, str, str]:
    """A new call: the answer, and when to try again."""
    async with recorder(running, name) as placed:
        response = await placed.invite(placed.offer(""))
        if response.status == 200:
            await placed.ask("BYE")
        return response.status, response.reason, response.first("retry-after")


async def test_new_calls_are_refused_and_running_ones_are_not_touched(redis_url: str) -> None:
    """503 with Retry-After for a new call; a re-INVITE and another recording of a known call are taken; it ends by
    itself once nobody says so any more."""
    facts = CallFacts(agent_name="Anna", agent_aor=ANNA)
    with bridge(redis_url) as running:
        async with recording(running, facts=facts) as held:
            async with overloaded(redis_url, "worker-0", of=1):
                await until_refusing(running, 1)
                assert await attempt(running, "new") == (503, "Analysis Overloaded", "10")
                assert (await held.ask()).status == 200
                async with recording(running, facts=facts):
                    pass
                assert running.metric("callvane_calls_active") == 1
            await until_refusing(running, 0)
            assert (await attempt(running, "later"))[0] == 200
        assert running.metric('callvane_forks_total{outcome="refused_analysis"}') == 1
        assert running.events("new") == []


async def test_some_overloaded_workers_are_not_all(redis_url: str) -> None:
    """One of two: the other takes calls too, so the bridge does."""
    with bridge(redis_url) as running:
        async with overloaded(redis_url, "worker-0", of=2):
            await asyncio.sleep(2.5)
            assert (await attempt(running, "new"))[0] == 200


async def test_it_can_be_switched_off(redis_url: str) -> None:
    """`refuse_while_overloaded = false`: analysis leaves words out, and all calls are taken."""
    with bridge(redis_url, refuse_while_overloaded="false") as running:
        async with overloaded(redis_url, "worker-0", of=1):
            await asyncio.sleep(2.5)
            assert (await attempt(running, "new"))[0] == 200


@pytest.mark.timeout(120)
async def test_without_redis_calls_are_taken_as_usual(private_redis: PrivateRedis) -> None:
    """What nobody can say does not hold."""
    with bridge(private_redis.url) as running:
        async with overloaded(private_redis.url, "worker-0", of=1):
            await until_refusing(running, 1)
            private_redis.stop()
        await until_refusing(running, 0)
        assert (await attempt(running, "new"))[0] == 200
        private_redis.start()
