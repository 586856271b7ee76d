"""A bridge that is to go: it drains, or is killed, or has a Redis that takes nothing."""

from __future__ import annotations

import asyncio
import time

import pytest

from callbus import CallClosed
from callbus.redis import housekeeping
from callbus.redis.bus import Bus
from callbus.redis.housekeeping import Housekeeping
from callbus.redis.settings import RedisSettings
from tests.conftest import PrivateRedis
from tests.sip_bridge.running import WAIT_SECONDS, RunningBridge, bridge, recorder, utterances
from tests.sip_bridge.speaking import sentence


def ending(running: RunningBridge, call_id: str) -> str:
    """Why a call that has ended did."""
    last = running.events(call_id)[-1]
    assert isinstance(last, CallClosed)
    return last.reason


async def test_a_draining_bridge_lets_its_calls_come_to_their_end(redis_url: str) -> None:
    """SIGTERM: new forks get 503, /readyz says so, the running call is heard until its BYE; then exit 0."""
    with bridge(redis_url, drain_seconds=600) as draining:
        async with recorder(draining, "runs-on") as placed, recorder(draining, "comes-late") as late:
            response = await placed.invite(placed.offer(""))
            draining.process.terminate()
            draining.logged(r"draining: 1 calls may continue for up to 600 s")
            refused = await late.invite(late.offer(""))
            assert (refused.status, refused.reason) == (503, "Shutting Down")
            assert draining.get("/readyz") == (503, "draining\n")
            await placed.play(response, sentence("customer"))
            assert (await placed.ask("BYE")).status == 200
            assert await asyncio.to_thread(draining.process.wait, WAIT_SECONDS) == 0
        assert ending(draining, "runs-on") == "bye"
        assert utterances(draining.events("runs-on"))
        assert draining.events("comes-late") == []


async def test_draining_ends_at_its_deadline(redis_url: str) -> None:
    """A call that goes on past drain_seconds is hung up, as `shutdown`, and the exit status is 0."""
    with bridge(redis_url, drain_seconds=1) as draining:
        async with recorder(draining, "too-long") as placed:
            await placed.invite(placed.offer(""))
            draining.process.terminate()
            assert await asyncio.to_thread(draining.process.wait, WAIT_SECONDS) == 0
            assert [request.method for request in placed.received] == ["BYE"]
        assert ending(draining, "too-long") == "shutdown"


async def test_a_second_signal_ends_the_wait_in_order(redis_url: str) -> None:
    """The operator has no more time: the call is hung up and closed at once, the exit status is 0 all the same."""
    with bridge(redis_url, drain_seconds=600) as draining:
        async with recorder(draining, "cut-short") as placed:
            await placed.invite(placed.offer(""))
            draining.process.terminate()
            draining.logged("draining: 1 calls")
            draining.process.terminate()
            assert await asyncio.to_thread(draining.process.wait, WAIT_SECONDS) == 0
        assert ending(draining, "cut-short") == "shutdown"


async def test_an_idle_bridge_does_not_wait(redis_url: str) -> None:
    """Without a call there is nothing to drain."""
    with bridge(redis_url, drain_seconds=600) as idle:
        assert idle.stop() == 0


async def test_calls_of_a_killed_bridge_are_closed(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGKILL, right after the call was opened: the sweeper closes it as `bridge_lost`."""
    monkeypatch.setattr(housekeeping, "UNHELD_SECONDS", 1.0)
    monkeypatch.setattr(housekeeping, "DEAD_SECONDS", 1.0)
    with bridge(redis_url) as killed:
        async with recorder(killed, "left-behind") as placed:
            await placed.invite(placed.offer(""))
            while not killed.events("left-behind"):
                await asyncio.sleep(0.02)
            killed.process.kill()
            killed.process.wait()
            async with Bus(RedisSettings(url=redis_url)) as bus:
                deadline = time.monotonic() + WAIT_SECONDS
                while len(killed.events("left-behind")) < 2 and time.monotonic() < deadline:
                    await Housekeeping(bus).sweep()
                    await asyncio.sleep(0.3)
        assert ending(killed, "left-behind") == "bridge_lost"


async def test_with_a_full_backlog_no_new_forks_are_taken(
    private_redis: PrivateRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While Redis is away and its backlog nearly full, 503; once Redis is back and has taken it, 200."""
    monkeypatch.setenv("CALLVANE_REDIS__BACKLOG_EVENTS", "16")
    with bridge(private_redis.url) as full:
        private_redis.stop()

        async def attempt(number: int) -> tuple[int, str]:
            async with recorder(full, f"call-{number}") as placed:
                response = await placed.invite(placed.offer(""))
                if response.status == 200:
                    await placed.ask("BYE")
                await asyncio.sleep(0.3)
                return response.status, response.reason

        answers = [await attempt(number) for number in range(12)]
        assert answers[:6] == [(200, "OK")] * 6
        assert answers[-1] == (503, "Messages Waiting")
        private_redis.start()
        deadline = time.monotonic() + WAIT_SECONDS
        while (await attempt(99))[0] != 200:
            assert time.monotonic() < deadline
        assert full.metric('callvane_forks_total{outcome="refused_backlog"}') >= 1
        assert full.metric('callvane_fork_events_dropped_total{type="call"}') == 0
