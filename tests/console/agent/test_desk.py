"""Agents' views of a running console, over real sockets and a real Redis."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from callbus import Phase
from console.agent.desk import SERVED
from console.agent.link import path
from console.live.watchers import MOST_OF_A_CALL
from tests.console.made_up import alert, call_state, transcript
from tests.console.practised import practice
from tests.console.running import Publisher, RunningConsole

KEY = "a key of sixteen bytes or more"
CREDENTIAL = "correct horse"


@pytest.fixture
async def signing(redis_url: str) -> AsyncIterator[RunningConsole]:
    """A console with a password for supervisors and a key for agents' links, neither of which its log may hold."""
    settings = {"agent_key": KEY, "password": CREDENTIAL, "heartbeat_seconds": 0.3, "ended_seconds": 3_600}
    async with RunningConsole(redis_url, **settings) as console:
        await console.ready()
        yield console
        assert await console.stop() == 0, console.log
    assert KEY not in console.log
    assert "signature=" not in console.log


def link(call_id: str = "call-1", seconds: int = 600, start: str = "/agent-events/") -> str:
    """Path and query of a link."""
    return path(KEY.encode(), call_id, int(time.time()) + seconds).replace("/agent/", start, 1)


class View:
    """An open view."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.aiter_lines()

    async def next(self) -> Any:
        """The next event."""
        async with asyncio.timeout(60):
            async for line in self._lines:
                if line.startswith("data: "):
                    return json.loads(line.removeprefix("data: "))
        raise EOFError

    async def until(self, holds: Any) -> Any:
        """The next event for which something holds."""
        while not holds(told := await self.next()):
            pass
        return told


@asynccontextmanager
async def view(console: RunningConsole, place: str) -> AsyncIterator[View]:
    """Open a view's events."""
    async with httpx.AsyncClient(timeout=30) as client, client.stream("GET", console.url + place) as response:
        response.raise_for_status()
        yield View(response)


async def get(console: RunningConsole, place: str) -> httpx.Response:
    """Ask without a password."""
    async with httpx.AsyncClient(timeout=30) as client:
        return await client.get(console.url + place)


async def test_a_call_from_before_its_start_to_its_end(signing: RunningConsole, publisher: Publisher) -> None:
    """A link that is opened while the call rings waits; then it shows the intake, the shift, and the end."""
    async with view(signing, link()) as agent:
        told = await agent.next()
        assert (told["call"], told["over"], told["stale_since"]) == (None, False, None)
        await publisher.publish(call_state(practice=practice()))
        told = await agent.until(lambda told: told["call"])
        assert told["call"]["intake"]["urgency"] == "The wedding is on Friday."
        assert told["call"]["shift"] is None
        await publisher.publish(alert(), transcript(text="secret words"))
        told = await agent.until(lambda told: told["call"]["shift"])
        assert told["call"]["shift"]["kind"] == "worsened"
        now = time.time()
        await publisher.publish(call_state(phase=Phase.ENDED, closed_at=now))
        told = await agent.until(lambda told: told["call"]["closed_at"])
        await publisher.publish(call_state(phase=Phase.ENDED, closed_at=now - 601, turns=9))
        assert await agent.until(lambda told: told["over"]) is not None
        with pytest.raises(EOFError):
            await agent.next()
    answered = await get(signing, link(start="/agent/"))
    assert (answered.status_code, answered.text) == (403, "this call is over\n")


async def test_other_calls_do_not_show(signing: RunningConsole, publisher: Publisher) -> None:
    """Their states, alerts and words change nothing in a view."""
    await publisher.publish(call_state(practice=practice()))
    async with view(signing, link()) as agent:
        first = (await agent.until(lambda told: told["call"]))["call"]
        await publisher.publish(call_state("call-2"), alert("call-2"), transcript("call-2"))
        for _ in range(4):
            assert (await agent.next())["call"] == first


async def test_a_link_expires_while_it_is_open(signing: RunningConsole, publisher: Publisher) -> None:
    """Its stream ends by itself, and it opens nothing afterwards."""
    await publisher.publish(call_state())
    place = link(seconds=2)
    async with view(signing, place) as agent:
        told = await agent.until(lambda told: told["over"])
        assert told["call"] is None
    answered = await get(signing, place)
    assert (answered.status_code, answered.text) == (403, "this link has expired\n")


async def test_nothing_else_is_reached(signing: RunningConsole) -> None:
    """The page needs no password and has its own files; no link opens any other path, nor another call's."""
    page = await get(signing, link(start="/agent/"))
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert page.headers["referrer-policy"] == "no-referrer"
    for name in SERVED:
        assert (await get(signing, f"/agent-files/{name}")).status_code == 200
    for name in ("main.js", "index.html", "agent.html", "../settings.py", "%2e%2e/settings.py", ""):
        assert (await get(signing, f"/agent-files/{name}")).status_code in (404, 401), name
    signed = link().partition("?")[2]
    for place in (
        "/",
        "/events",
        "/api/calls",
        "/api/alerts",
        "/debriefs",
        "/api/calls/call-1/debrief",
        "/page/main.js",
    ):
        assert (await get(signing, f"{place}?{signed}")).status_code == 401, place
    for place in ("/agent/call-2", "/agent-events/call-2", "/agent/", "/agent-events/", "/agent/call-1/x"):
        assert (await get(signing, f"{place}?{signed}")).status_code == 403, place
    async with httpx.AsyncClient() as client:
        assert (await client.post(signing.url + link())).status_code == 405
    assert await signing.metric('callvane_console_requests_refused_total{reason="link"}') == 5


@pytest.mark.parametrize("call_id", ["a/b", "x?y#z", "50%2f", "\u00fc \u202e", "a\nb", "<script>", "W" * 128, "//x"])
async def test_any_id(signing: RunningConsole, publisher: Publisher, call_id: str) -> None:
    """Whatever a call's id holds, its link leads to it."""
    await publisher.publish(call_state(call_id))
    assert (await get(signing, link(call_id, start="/agent/"))).status_code == 200
    async with view(signing, link(call_id)) as agent:
        assert await agent.until(lambda told: told["call"])


async def test_few_views_of_a_call(signing: RunningConsole, publisher: Publisher) -> None:
    """The fifth view of one call is told to wait; another call's is served; one that leaves makes room."""
    await publisher.publish(call_state())
    views = [view(signing, link()) for _ in range(MOST_OF_A_CALL)]
    for each in views:
        await each.__aenter__()
    crowded = await get(signing, link())
    assert (crowded.status_code, crowded.headers["retry-after"]) == (503, "5")
    async with view(signing, link("call-2")):
        pass
    for each in views:
        await each.__aexit__(None, None, None)
    async with asyncio.timeout(30):
        while True:
            try:
                async with view(signing, link()):
                    break
            except httpx.HTTPStatusError:
                await asyncio.sleep(0.1)


async def test_off_by_default(console: RunningConsole) -> None:
    """Without a key there is nothing, whatever is signed by whatever."""
    for place in (link(), link(start="/agent/"), "/agent-files/agent.js", "/agent/x"):
        assert (await get(console, place)).status_code == 404


async def test_a_foreign_host(redis_url: str) -> None:
    """The Host check holds for agents, too."""
    async with RunningConsole(redis_url, agent_key=KEY) as console, httpx.AsyncClient() as client:
        answered = await client.get(console.url + link(start="/agent/"), headers={"Host": "evil.example"})
        assert answered.status_code == 421
