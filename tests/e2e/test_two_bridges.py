"""One session at two bridges, one after the other and at once: real SIP, RTP, Redis and Whisper."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import AsyncExitStack

import pytest

from callbus import CallState, Mood, Phase, Role, Transcript
from callbus.redis.bus import Bus
from callbus.redis.settings import RedisSettings
from testcall import scenario
from testcall.metadata import CallFacts
from testcall.recorder import Recorder
from tests.analysis.process import analysis
from tests.published import published
from tests.sip_bridge.recording import ANNA, recording
from tests.sip_bridge.running import RunningBridge, bridge

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

SCENARIO = "turns_angry"
MOVE_SECONDS, BOTH_SECONDS = 26.0, 46.0
"""The scenario's second at which the recorder goes to the other bridge, and until which both record."""


async def say(recorder: Recorder, begin: float, end: float) -> None:
    """Play these seconds of the scenario."""
    spoken, packets = scenario.load(SCENARIO), slice(round(begin * 50), round(end * 50))
    await recorder.play({line: spoken.payloads(line.voice)[packets] for line in recorder.lines})


async def moves(a: RunningBridge, b: RunningBridge) -> str:
    """Recorded by A, then by B to the end."""
    facts = CallFacts(agent_name="Anna", agent_aor=ANNA)
    async with recording(a, facts=facts) as recorder:
        await say(recorder, 0.0, MOVE_SECONDS)
    async with recording(b, facts=facts) as recorder:
        await say(recorder, MOVE_SECONDS, 62.0)
    return facts.session_id


async def both(a: RunningBridge, b: RunningBridge) -> str:
    """Recorded by both, by A not to the end."""
    facts = CallFacts(agent_name="Anna", agent_aor=ANNA)
    async with AsyncExitStack() as second:
        async with recording(a, facts=facts) as first:
            other = await second.enter_async_context(recording(b, facts=facts))
            whole = asyncio.create_task(say(other, 0.0, 62.0))
            await say(first, 0.0, BOTH_SECONDS)
        await whole
    return facts.session_id


async def test_a_session_at_two_bridges_is_one_call(redis_url: str) -> None:
    """Its words are heard once, in one time; it turns angry as at one bridge; and only its last end ends it."""
    async with Bus(RedisSettings(url=redis_url)) as bus, analysis(redis__url=redis_url) as worker:
        with bridge(redis_url, bridge_id="A") as a, bridge(redis_url, bridge_id="B") as b:
            ids = await asyncio.gather(moves(a, b), both(a, b))
        async with asyncio.timeout(60):
            while await worker.metric("callvane_analysis_calls_active"):
                await asyncio.sleep(0.1)
        duplicates = await worker.metric('callvane_utterances_analysed_total{outcome="duplicate"}')
        told = await published(bus)
    found = [[each for each in told if each.call_id == call_id] for call_id in ids]
    assert duplicates > 3
    spoken = scenario.load_manifest().scenarios[SCENARIO].turns
    # Whether A says that its recording is over before B says that one has begun is for the bridges' own speed.
    for publications, ends in zip(found, ({1, 2}, {1}), strict=True):
        said = [p for p in publications if isinstance(p, Transcript) and p.role is Role.CUSTOMER and p.text]
        for turn in (turn for turn in spoken if turn.party == "customer"):
            heard = [p for p in said if p.start_seconds < turn.end_seconds - 0.3 and p.end_seconds > turn.start_seconds]
            assert heard, turn
            assert all(before.end_seconds <= p.start_seconds + 0.01 for before, p in itertools.pairwise(heard))
        numbers = [p.sequence for p in publications if isinstance(p, Transcript)]
        assert numbers == list(range(len(numbers)))
        states = [p for p in publications if isinstance(p, CallState)]
        assert len({state.opened_at for state in states}) == 1
        assert [state.phase for state in states].count(Phase.ENDED) in ends
        assert (states[-1].phase, states[-1].mood) == (Phase.ENDED, Mood.WORSENED)
