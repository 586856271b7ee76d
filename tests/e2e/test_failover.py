"""A bridge, a worker and a console whose Redis fails over to its replica: real SIP, RTP, Whisper and servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from callbus import Alert, CallState, Mood, Phase, Tier, Transcript
from callbus.messages.wire import Publication
from callbus.redis.bus import Bus
from callbus.redis.settings import RedisSettings
from callbus.redis.trouble import Trouble
from testcall.metadata import CallFacts
from tests.analysis.process import analysis
from tests.conftest import PrivateRedis
from tests.console.running import RunningConsole
from tests.e2e.test_redis_moods import Callvane, check_nothing_lost_or_doubled, say
from tests.failover import Pair, pair
from tests.published import published, until_ended
from tests.sip_bridge.recording import ANNA, recording
from tests.sip_bridge.running import bridge

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

FAILOVER_SECONDS = 20.0
"""The scenario's second at which it begins."""
APART_SECONDS = 6.0
"""How long clients still write to a primary that is none any more."""
CLOSED_SECONDS = 60.0
"""Within so long the board is right again whatever was lost."""


@asynccontextmanager
async def running(servers: Pair) -> AsyncIterator[Callvane]:
    """All three, ready, each by way of the address that moves. Whoever ends by itself fails the test."""
    async with AsyncExitStack() as stack:
        url = servers.address.url
        worker = await stack.enter_async_context(analysis(redis__url=url))
        answering = await asyncio.to_thread(stack.enter_context, bridge(url, rtp_timeout_seconds=600))
        console = await stack.enter_async_context(RunningConsole(url))
        made = Callvane(servers.address, answering, worker, console)
        await made.until_ready()
        yield made
        await made.until_ready()
        assert await asyncio.to_thread(answering.stop) == 0
        assert await console.stop() == 0
        for trouble in Trouble:
            assert max(*made.said(trouble.said), console.log.count(trouble.said)) <= 1, trouble


async def calling(callvane: Callvane, meanwhile: Awaitable[None]) -> str:
    """The id of a call that turns angry while something else happens."""
    facts = CallFacts(agent_name="Anna", agent_aor=ANNA)
    async with recording(callvane.bridge, facts=facts) as recorder:
        await asyncio.gather(say(recorder), meanwhile)
        assert await asyncio.to_thread(callvane.bridge.metric, "callvane_calls_active") == 1
    return facts.session_id


async def ended(server: PrivateRedis, call_id: str, seconds: float = 90) -> list[Publication]:
    """What stands in a server of a call, once it has ended there."""
    async with Bus(RedisSettings(url=server.url)) as bus:
        found = await until_ended(bus, call_id, seconds=seconds)
    return [each for each in found if each.call_id == call_id]


@pytest.mark.parametrize("connections", ["end", "stay"])
async def test_a_planned_failover_loses_nothing(tmp_path: Path, connections: str) -> None:
    """The address moves to the replica once that has all, whether or not connections to the old primary end."""
    async with pair(tmp_path) as servers, running(servers) as callvane:

        async def fails_over() -> None:
            await asyncio.sleep(FAILOVER_SECONDS)
            await servers.hand_over()
            await asyncio.sleep(1)
            servers.move()
            if connections == "end":
                servers.address.drop()
            await callvane.until_ready()

        call_id = await calling(callvane, fails_over())
        check_nothing_lost_or_doubled(await ended(servers.replica, call_id))


async def test_a_failover_loses_what_the_replica_had_not(tmp_path: Path) -> None:
    """What was acknowledged and not replicated, and that alone; the call keeps its baseline, and the board is right."""
    async with pair(tmp_path) as servers, running(servers) as callvane:
        ending = CallFacts(agent_name="Anna", agent_aor=ANNA)
        beginning = CallFacts(agent_name="Anna", agent_aor=ANNA)
        apart: list[float] = []
        only_old: list[Publication] = []
        shown: dict[str, float] = {}

        async def fails_over() -> None:
            await asyncio.sleep(FAILOVER_SECONDS - 5)
            loop = asyncio.get_running_loop()
            async with Bus(RedisSettings(url=servers.primary.url)) as old, AsyncExitStack() as stack:
                async with recording(callvane.bridge, facts=ending):
                    await asyncio.sleep(5)
                    await servers.promote()
                    apart.append(loop.time())
                # its end and the next one's beginning are told to the old primary alone
                await stack.enter_async_context(recording(callvane.bridge, facts=beginning))
                await asyncio.sleep(APART_SECONDS)
                only_old.extend(await published(old))
                servers.primary.stop()
                servers.move()
                servers.address.drop()
                moved_at = loop.time()
                async with Bus(RedisSettings(url=servers.replica.url)) as new:
                    async with asyncio.timeout(2 * CLOSED_SECONDS):
                        while len(shown) < 2:
                            await asyncio.sleep(0.1)
                            for state in await published(new):
                                if isinstance(state, CallState) and (
                                    (state.call_id, state.phase) == (ending.session_id, Phase.ENDED)
                                    or (state.call_id == beginning.session_id and state.legs)
                                ):
                                    shown.setdefault(state.call_id, loop.time() - moved_at)

        call_id = await calling(callvane, fails_over())
        told = await ended(servers.replica, call_id)
    print(f"the board shows the lost end after {shown[ending.session_id]:.1f} s", end=", ")
    print(f"the lost beginning after {shown[beginning.session_id]:.1f} s")
    before = {(each.sequence) for each in only_old if isinstance(each, Transcript) and each.call_id == call_id}
    transcripts = [each for each in told if isinstance(each, Transcript)]
    numbers = [each.sequence for each in transcripts]
    print(f"{len(numbers)} transcripts, {sorted(before - set(numbers))} lost in {APART_SECONDS:g} s")
    assert numbers == sorted(set(numbers))
    assert not [each.dropped for each in transcripts if each.dropped in ("overload", "error")]
    missing = set(range(max(numbers) + 1)) - set(numbers)
    assert 0 < len(missing) <= APART_SECONDS
    assert [each.tier for each in told if isinstance(each, Alert)] == [Tier.MARK, Tier.INTERRUPTION]
    states = [each for each in told if isinstance(each, CallState)]
    assert len({state.opened_at for state in states}) == 1
    assert [state.phase for state in states].count(Phase.ENDED) == 1
    assert states[-1].mood is Mood.WORSENED
    assert max(shown.values()) < CLOSED_SECONDS
