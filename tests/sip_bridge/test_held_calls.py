"""Many short calls beside held ones: no call is ended by anything but its own peer."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from testcall.campaign import allow_many_sockets, line_to
from testcall.metadata import load_dialect
from testcall.placed_call import Ending, PlacedCall
from testcall.target import parse_target
from tests.conftest import PrivateRedis
from tests.sip_bridge.running import RunningBridge, bridge, recorder, until
from tests.sip_bridge.speaking import short_scenario

HELD, SHORT, AT_ONCE = 100, 1_500, 150

pytestmark = pytest.mark.timeout(600)


async def test_no_call_is_ended_by_another(private_redis: PrivateRedis, tmp_path: Path) -> None:
    """A hundred held calls live through 1,500 short ones, each of which is answered and ends by its own BYE."""
    allow_many_sockets()
    limits = {"max_calls": 2_000, "new_forks_per_second": 0, "rtp_timeout_seconds": 0}
    with bridge(private_redis.url, **limits) as running:
        async with AsyncExitStack() as stack:
            held = [await stack.enter_async_context(recorder(running, f"held-{each}", "udp")) for each in range(HELD)]
            for placed in held:
                assert (await placed.invite(placed.offer(""))).status == 200
            assert await short_calls(running, tmp_path) == {Ending.COMPLETED: SHORT}
            await active(running, HELD)
            assert not any(placed.received for placed in held)
            for placed in held:
                assert (await placed.ask("BYE")).status == 200
        await active(running, 0)
        assert running.metric('callvane_calls_ended_total{reason="bye"}') == HELD + SHORT


async def short_calls(running: RunningBridge, folder: Path) -> Counter[Ending]:
    """How calls of a sentence ended. Each that ends is followed by another, so that a busy machine is not flooded."""
    target = parse_target(f"sip:127.0.0.1:{running.address[1]}")
    scenario, dialect = short_scenario(folder), load_dialect("rfc7865")
    numbers, endings = iter(range(SHORT)), Counter[Ending]()
    async with line_to(target, "tcp") as (endpoint, sender), asyncio.TaskGroup() as group:

        async def one_after_the_other() -> None:
            for number in numbers:
                placed = await PlacedCall(scenario, target, endpoint, sender, dialect, number).run()
                endings[placed.ending] += 1

        for _ in range(AT_ONCE):
            group.create_task(one_after_the_other())
    return endings


async def active(running: RunningBridge, calls: int) -> None:
    """Wait until so many are held."""
    await asyncio.to_thread(until, lambda: running.metric("callvane_calls_active") == calls, running.lines)
