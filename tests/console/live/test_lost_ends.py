"""A running console, and calls whose ends are lost with Redis' data."""

from __future__ import annotations

import time

from tests.console.events import events
from tests.console.made_up import call_state
from tests.console.running import Publisher, RunningConsole

QUICK = """
import runpy
from console.live import board, follower
board.LOST_SECONDS, follower.RECONCILE_SECONDS = 1.0, 0.2
runpy.run_module("console", run_name="__main__", alter_sys=True)
"""
"""A console of seconds instead of tens of them."""


async def test_a_flushed_call_ends_on_the_board(redis_url: str, publisher: Publisher) -> None:
    """It is shown as ended, also to a page that was away; one that a bridge holds goes on, and so does a live one."""
    bus = publisher.bus
    async with RunningConsole(redis_url, "-c", QUICK) as console:
        await console.ready()
        async with events(console.url) as page:
            await page.next("snapshot")
            await publisher.publish(call_state("lost"), call_state("held"))
            for _ in range(2):
                await page.next("call_state")
            await bus.client.flushall()
            await bus.client.zadd(bus.keys.bridges, {"bridge": time.time()})
            await bus.client.hset(bus.keys.bridge_calls("bridge"), "held", 1.0)
            await publisher.publish(call_state("live"))
            while (state := (await page.next("call_state")).data)["phase"] == "active":
                assert state["call_id"] == "live"
            assert (state["call_id"], state["reason"]) == ("lost", "bridge_lost")
            assert state["closed_at"] >= state["updated_at"]
            cursor = page.cursor
        async with events(console.url, cursor) as returning:
            assert (await returning.next("snapshot", "call_state")).data == state
        async with events(console.url) as new:
            calls = [call["state"] for call in (await new.next("snapshot")).data["calls"]]
        assert {call["call_id"]: call["phase"] for call in calls} == {
            "lost": "ended",
            "held": "active",
            "live": "active",
        }
        assert await console.stop() == 0, console.log
