"""Calls that are recorded more than once."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest

from callbus import Role
from sip_bridge.call import Call
from sip_bridge.leg import Leg
from sip_bridge.recordings import Recording, Recordings
from sip_bridge.settings import BridgeSettings
from testcall import ulaw
from tests.conftest import PrivateRedis
from tests.sip_bridge.recording import heard, recording, talk, words_of
from tests.sip_bridge.running import RunningBridge, bridge, opened, utterances


def test_a_recording_is_found_by_its_session_and_parties() -> None:
    """Neither alone is enough, unknown parties are nobody's, and what has ended is not found."""
    recordings, one = Recordings(), Recording(Call("c", "bridge", [], 0.0), "session", "anna")
    recordings.add(one)
    assert recordings.find("session", "anna") is one
    others = [("session", "ben"), ("other", "anna"), ("session", "")]
    assert [recordings.find(*other) for other in others] == [None] * 3
    recordings.remove(one)
    assert recordings.find("session", "anna") is None


def test_legs_of_one_call_have_ids_of_their_own() -> None:
    """A label that another leg has already is told apart."""
    several = Recording(Call("c", "bridge", [], 0.0), "session", "anna")
    for _ in range(3):
        several.legs.append(Leg(several.leg_id("1"), Role.UNKNOWN, "", BridgeSettings().speech, 2))
    assert [leg.leg_id for leg in several.legs] == ["1", "1#0", "1#1"]


SILENCE = bytes([ulaw.SILENCE]) * 160


@pytest.fixture(scope="module")
def running(shared_redis: PrivateRedis) -> Iterator[RunningBridge]:
    """One bridge for all these calls."""
    with bridge(shared_redis.url, shutdown_seconds=1) as started:
        yield started


async def test_a_call_recorded_twice_is_one_call(running: RunningBridge) -> None:
    """A second dialog of the same session and parties is answered and adds nothing while the first lives."""
    before = running.metric('callvane_forks_total{outcome="duplicate"}')
    async with recording(running) as first:
        async with recording(running, facts=first.facts) as second:
            await asyncio.gather(talk(first), talk(second))
        await talk(first)
    events = await heard(running, first)
    assert (words_of(events, "1"), words_of(events, "2")) == (2, 2)
    assert not [event for event in running.events() if event.call_id.startswith(first.facts.session_id + "~")]
    assert len(opened(events)) == 1
    assert running.metric('callvane_forks_total{outcome="duplicate"}') == before + 1


async def test_the_second_recording_takes_over(running: RunningBridge) -> None:
    """When the dialog that was heard ends, the other one is heard, as the same call with the same legs."""
    async with AsyncExitStack() as longer:
        async with recording(running) as first:
            second = await longer.enter_async_context(recording(running, facts=first.facts))
            await talk(first)
        await asyncio.to_thread(running.logged, f"{re.escape(first.facts.session_id)}.*fork takes over")
        await talk(second)
    events = await heard(running, second)
    assert (words_of(events, "1"), words_of(events, "2")) == (2, 2)
    assert len(opened(events)) == 1
    assert utterances(events)[-1].start_seconds > 2


async def test_a_recording_that_falls_silent_gives_way(running: RunningBridge) -> None:
    """An SBC that dies says no goodbye: after a few seconds the standby's recording of the call is heard."""
    async with recording(running) as dead, recording(running, facts=dead.facts) as standby:
        await talk(dead)
        while not any("fork takes over" in line for line in running.lines if dead.facts.session_id in line):
            await standby.play(dict.fromkeys(standby.lines, (SILENCE,) * 50))
        await talk(standby)
    events = await heard(running, standby)
    assert (words_of(events, "1"), words_of(events, "2")) == (2, 2)
    assert len(opened(events)) == 1
