"""Calls that are recorded more than once."""

from __future__ import annotations

import asyncio
import dataclasses
import re
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest

from callbus import CallClosed, Role
from sip_bridge.calls.recordings import RESUME_SECONDS, Recording, Recordings
from sip_bridge.hearing.heard_call import Call
from sip_bridge.hearing.leg import Leg
from sip_bridge.request.invite import Invite, OfferedLeg
from sip_bridge.request.metadata import Participant
from sip_bridge.settings import BridgeSettings
from testcall import ulaw
from testcall.metadata import new_id
from tests.conftest import PrivateRedis
from tests.sip_bridge.recording import BEN, agent_changes, heard, recording, talk, words_of
from tests.sip_bridge.running import RunningBridge, bridge, opened, until, utterances


def said(session: str, *users: str, group: str = "", customer: str = "") -> Invite:
    """What an INVITE says of its parties, who are all agents but the customer."""
    parties = [Participant(user, (f"sip:{user}@x",)) for user in users]
    legs = [
        OfferedLeg(place, str(place), Role.CUSTOMER if party.participant_id == customer else Role.AGENT, party=party)
        for place, party in enumerate(parties)
    ]
    return Invite(session, "", tuple(legs), "", parties=" ".join(sorted(users)), group=group)


def up(*offers: Invite) -> tuple[Recordings, Recording]:
    """A recording that has said all this."""
    recordings, one = Recordings(), Recording(Call("c", "bridge", [], 0.0))
    for offer in offers:
        recordings.told(one, offer)
    return recordings, one


def test_a_recording_is_found_by_its_session_and_parties() -> None:
    """Neither alone is enough, unknown parties are nobody's, and what has ended is not found."""
    recordings, one = up(said("session", "anna"))
    assert recordings.find(said("session", "anna")) is one
    others = [said("session", "ben"), said("other", "anna"), said("session")]
    assert [recordings.find(other) for other in others] == [None] * 3
    recordings.remove(one, 0.0)
    assert recordings.find(said("session", "anna")) is None


OPEN = said("one", "cust", "anna", group="g", customer="cust")


@pytest.mark.parametrize(
    ("offer", "same", "goes_on"),
    [
        pytest.param(said("two", "cust", "anna", group="g", customer="cust"), True, True, id="the parties again"),
        pytest.param(said("two", "cust", "dora", group="g", customer="cust"), False, True, id="a transfer"),
        pytest.param(said("two", "cust", "dora", group="g"), False, True, id="a transfer that knows no customer"),
        pytest.param(said("one", "cust", "dora"), False, True, id="the session again"),
        pytest.param(said("two", "anna", "dora", group="g", customer="anna"), False, False, id="a consultation"),
        pytest.param(said("two", "cust", "dora", group="h", customer="cust"), False, False, id="another group"),
        pytest.param(said("two", "cust", "dora", customer="cust"), False, False, id="no group"),
        pytest.param(said("two", group="g"), False, False, id="nobody named"),
    ],
)
def test_what_goes_on_after_a_transfer(offer: Invite, same: bool, goes_on: bool) -> None:
    """The same session or group, and the customer takes part: the call goes on; two agents of its group are another."""
    recordings, one = up(OPEN)
    assert (recordings.find(offer) is one) is same
    assert (recordings.before(offer) is one) is goes_on


def test_callers_without_a_number_are_told_apart() -> None:
    """Two anonymous callers are two customers, though a recorder gives both the same group."""
    first = said("one", "anonymous", "anna", group="g", customer="anonymous")
    recordings, _ = up(first)
    for agent in ("dora", "anna"):
        second = said("two", "anonymous", agent, group="g", customer="anonymous")
        assert (recordings.find(second), recordings.before(second)) == (None, None)


def test_where_no_customer_is_known_anybody_is_enough() -> None:
    """A recording whose roles are unknown goes on with whoever is still there."""
    recordings, one = up(said("one", "a", "b", group="g"))
    assert recordings.before(said("two", "b", "c", group="g")) is one
    assert recordings.before(said("two", "c", "d", group="g")) is None


def test_a_new_session_id_is_a_further_name() -> None:
    """A dialog whose session has changed is found by both ids, and by none once it has ended."""
    later = said("two", "cust", "dora", group="g", customer="cust")
    recordings, one = up(OPEN, later)
    standby = said("two", "cust", "dora", customer="cust")
    assert recordings.find(standby) is one
    recordings.remove(one, 0.0)
    assert [recordings.find(each) for each in (OPEN, later, standby)] == [None] * 3


@pytest.mark.parametrize(
    ("offer", "after", "resumes"),
    [
        (OPEN, 0.0, True),
        (OPEN, RESUME_SECONDS, True),
        (OPEN, RESUME_SECONDS + 1, False),
        (said("two", "cust", "dora", group="g", customer="cust"), 5.0, True),
        (said("two", "other", "anna", group="g", customer="other"), 5.0, False),
        (said("one", "other", "anna", customer="other"), 5.0, False),
        (said("three", "cust", "anna", customer="cust"), 5.0, False),
        (said("one"), 5.0, False),
    ],
)
def test_a_call_that_is_over_goes_on(offer: Invite, after: float, resumes: bool) -> None:
    """A recorder may hang up and call again: of the same session or group, with the customer in it, soon, and once."""
    recordings, one = up(OPEN)
    recordings.remove(one, 100.0)
    assert (recordings.resumed(offer, 100.0 + after) is one) is resumes
    assert recordings.resumed(offer, 100.0 + after) is None


def test_legs_of_one_call_have_ids_of_their_own() -> None:
    """A label that another leg has already is told apart."""
    several = Recording(Call("c", "bridge", [], 0.0))
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


async def test_a_transfer_to_another_session_is_the_same_call(running: RunningBridge) -> None:
    """A dialog of the same group with the customer and another agent is heard at once, as the same call and legs."""
    async with AsyncExitStack() as longer:
        async with recording(running) as first:
            await talk(first)
            facts = dataclasses.replace(first.facts, session=new_id(), agent_name="Ben", agent_aor=BEN, agent=new_id())
            second = await longer.enter_async_context(recording(running, facts=facts))
            await asyncio.to_thread(running.logged, f"{re.escape(first.facts.session_id)}.*fork takes over")
            await asyncio.gather(talk(first), talk(second))  # the customer is still in both
        await talk(second)
    events = await heard(running, first)
    assert (words_of(events, "1"), words_of(events, "2")) == (3, 3)
    assert [[leg.name for leg in message.legs] for message in opened(events)] == [["", "Anna"], ["", "Ben"]]
    assert not running.events(second.facts.session_id)


async def test_a_consultation_is_another_call(running: RunningBridge) -> None:
    """Two agents who talk within the same group have a call of their own, and the customer's goes on."""
    async with recording(running) as first:
        facts = dataclasses.replace(
            first.facts,
            session=new_id(),
            customer=new_id(),
            customer_aor=first.facts.agent_aor,
            agent_name="Ben",
            agent_aor=BEN,
            agent=new_id(),
        )
        async with recording(running, facts=facts) as second:
            await asyncio.gather(talk(first), talk(second))
        await heard(running, second)
        await talk(first)
    events = await heard(running, first)
    assert (words_of(events, "1"), words_of(events, "2")) == (2, 2)
    assert len(opened(events)) == 1


async def test_a_new_session_in_the_same_dialog_is_the_same_call(running: RunningBridge) -> None:
    """A re-INVITE after a transfer may bring another session id: the call keeps its own, and a standby finds it."""
    async with recording(running) as recorder:
        old = recorder.facts
        agent_changes(recorder)
        recorder.facts = dataclasses.replace(recorder.facts, session=new_id())
        assert (await recorder.ask()).status == 200
        async with recording(running, facts=recorder.facts) as standby:
            await asyncio.gather(talk(recorder), talk(standby))
    events = await asyncio.to_thread(running.closed, old.session_id)
    assert (words_of(events, "1"), words_of(events, "2")) == (1, 1)
    assert [message.legs[1].name for message in opened(events)] == ["Anna", "Ben"]
    assert not running.events(recorder.facts.session_id)


async def test_a_recorder_that_calls_again_is_heard_as_the_same_call(running: RunningBridge) -> None:
    """It hangs up and comes back within a minute, as after a failover: the same id, opened and closed twice."""
    async with recording(running) as first:
        await talk(first)
    await asyncio.to_thread(running.closed, first.facts.session_id)
    async with recording(running, facts=first.facts) as second:
        await talk(second)

    def closings() -> list[CallClosed]:
        events = running.events(first.facts.session_id)
        return [event for event in events if isinstance(event, CallClosed)]

    await asyncio.to_thread(until, lambda: len(closings()) == 2, running.lines)
    events = running.events(first.facts.session_id)
    assert [message.opened_at < closings()[0].closed_at for message in opened(events)] == [True, False]
    assert (words_of(events, "1"), words_of(events, "2")) == (2, 2)
