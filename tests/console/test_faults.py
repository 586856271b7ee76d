"""What a console does about faults of its own: on one message, and in a part that it needs."""

from __future__ import annotations

import asyncio
import signal

import httpx
import pytest

from tests.console.events import events
from tests.console.made_up import alert, call_state, transcript
from tests.console.running import Publisher, RunningConsole

FAULTY = """
import asyncio, signal, sys
from console import server
from service.http_server import HttpServer
from console.live.board import Board
from console.live.follower import Follower
from console.settings import Settings
from service.process import main

fault, struck = sys.argv[1], asyncio.Event()
begin = server.work

async def work(settings, process):
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, struck.set)
    await begin(settings, process)

def no(): raise RuntimeError("a fault in our own code")

def strikes(owner, name, how):
    part = getattr(owner, name)
    async def struck_part(*arguments, **options):
        working = asyncio.ensure_future(part(*arguments, **options))
        await asyncio.wait([working, asyncio.ensure_future(struck.wait())], return_when="FIRST_COMPLETED")
        if struck.is_set():
            working.cancel()
            how()
        else:
            working.result()
    setattr(owner, name, struck_part)

how = (lambda: None) if sys.argv[2] == "returns" else no
match fault:
    case "the follower": strikes(Follower, "_follow", how)
    case "the watch over redis": strikes(Follower, "_watch", how)
    case "the sweep": strikes(Follower, "_sweep", how)
    case "the heartbeats": strikes(Follower, "_beat", how)
    case "the page's server": strikes(HttpServer, "main_loop", how)
    case "the board":
        take = Board.take
        Board.take = lambda self, message, now: no() if message.call_id == "broken" else take(self, message, now)
sys.exit(main("console", "", Settings, work, 0, []))
"""
"""A console with a fault in one place: on the messages of the call `broken`, or from SIGUSR1 on."""

PARTS = ("the follower", "the watch over redis", "the sweep", "the heartbeats", "the page's server")


@pytest.mark.parametrize("how", ["raises", "returns"])
@pytest.mark.parametrize("part", PARTS)
async def test_a_part_that_dies_ends_the_console(redis_url: str, part: str, how: str) -> None:
    """Open pages see their stream end, the log says what died, and the status is 1: it is started anew."""
    async with RunningConsole(redis_url, "-c", FAULTY, part, how) as console:
        await console.ready()
        assert console.process is not None
        async with events(console.url) as page:
            await page.next("snapshot")
            console.process.send_signal(signal.SIGUSR1)
            await asyncio.wait_for(console.process.wait(), 30)
        status = await console.stop()
    assert status == 1
    named = f"{part} died of RuntimeError: a fault in our own code" if how == "raises" else f"{part} ended unexpectedly"
    assert f"{named}; stopping" in console.log
    assert console.log.splitlines()[-1].endswith(f"console ended: {named}")


async def test_a_message_that_breaks_hides_no_other(redis_url: str, publisher: Publisher) -> None:
    """Neither when the board is read at the start, nor as it is published."""
    await publisher.publish(call_state("broken"), call_state("first"))
    async with RunningConsole(redis_url, "-c", FAULTY, "the board", "") as console, httpx.AsyncClient() as client:
        await console.ready()
        await publisher.publish(call_state("broken"), transcript("broken"), alert("broken"), call_state("second"))
        async with asyncio.timeout(60):
            while True:
                shown = (await client.get(f"{console.url}/api/calls")).json()["calls"]
                if {call["state"]["call_id"] for call in shown} == {"first", "second"}:
                    break
                await asyncio.sleep(0.05)
        assert await console.metric('callvane_faults_total{type="call_state"}') >= 2
        assert await console.metric('callvane_faults_total{type="alert"}') == 1
        assert await console.stop() == 0
