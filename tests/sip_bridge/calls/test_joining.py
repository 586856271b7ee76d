"""Plain forks, a dialog for each direction, become one call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from callbus import CallClosed, CallOpened, Role, Utterance
from callbus.messages.wire import ForkEvent
from testcall import scenario
from testcall.endpoint import Endpoint
from tests.conftest import PrivateRedis
from tests.sip_bridge.running import Recorder, RunningBridge, bridge, multipart, recorder, until

SPEECH = {
    "customer": scenario.load("turns_angry").payloads("customer")[340:540],
    "agent": scenario.load("turns_angry").payloads("agent")[50:250],
}


@pytest.fixture(scope="module")
def running(shared_redis: PrivateRedis) -> Iterator[RunningBridge]:
    """One bridge for all these calls."""
    with bridge(shared_redis.url, shutdown_seconds=1) as started:
        yield started


class Fork:
    """One dialog, and its audio."""

    def __init__(self, placed: Recorder) -> None:
        self.placed = placed
        self.status = 0

    async def speak(self, party: str) -> None:
        """Say the party's sentence."""
        await self.placed.play(self.answer, SPEECH[party])

    async def up(self, *headers: tuple[str, str]) -> Fork:
        """Place it."""
        self.answer = await self.placed.invite(self.placed.offer(""), "application/sdp", *headers)
        self.status = self.answer.status
        return self

    async def end(self) -> None:
        """Hang up."""
        assert (await self.placed.ask("BYE")).status == 200


@asynccontextmanager
async def fork(running: RunningBridge, sip_call_id: str, call_id: str, leg: str = "") -> AsyncIterator[Fork]:
    """A fork of a call's leg, up."""
    async with recorder(running, sip_call_id) as placed:
        headers = (("X-Call-ID", call_id), *((("X-Leg", leg),) if leg else ()))
        yield await Fork(placed).up(*headers)


def opened(running: RunningBridge, name: str, calls: int) -> list[str]:
    """The ids of the calls of this name that have opened, once they are so many."""
    events = [event for event in running.events() if event.call_id.partition("~")[0] == name]
    found = [event.call_id for event in events if isinstance(event, CallOpened)]
    return found if len(found) >= calls else []


def legs(events: list[ForkEvent]) -> list[list[tuple[str, Role]]]:
    """Each opening's legs."""
    return [[(leg.leg_id, leg.role) for leg in event.legs] for event in events if isinstance(event, CallOpened)]


def spoken(events: list[ForkEvent]) -> list[Utterance]:
    """What was said."""
    return [event for event in events if isinstance(event, Utterance)]


CUSTOMER, AGENT = ("customer", Role.CUSTOMER), ("agent", Role.AGENT)


async def test_two_dialogs_are_one_call(running: RunningBridge) -> None:
    """A dialog for each direction: one call with both legs, each with its role and its words."""
    async with fork(running, "two-1", "two", "customer") as customer, fork(running, "two-2", "two", "agent") as agent:
        await asyncio.gather(customer.speak("customer"), agent.speak("agent"))
        await asyncio.gather(customer.end(), agent.end())
    events = running.closed("two")
    assert legs(events) == [[CUSTOMER], [CUSTOMER, AGENT]]
    assert {utterance.role for utterance in spoken(events)} == {Role.CUSTOMER, Role.AGENT}
    assert [utterance.sequence for utterance in spoken(events)] == list(range(len(spoken(events))))
    assert [event.reason for event in events if isinstance(event, CallClosed)] == ["bye"]


async def test_a_late_leg_begins_where_the_call_is(running: RunningBridge) -> None:
    """What the second leg says is told in the call's time, not in its own."""
    async with fork(running, "late-1", "late", "customer") as customer:
        await customer.speak("customer")
        async with fork(running, "late-2", "late", "agent") as agent:
            await agent.speak("agent")
            await agent.end()
        await customer.end()
    by_agent = [utterance for utterance in spoken(running.closed("late")) if utterance.role is Role.AGENT]
    assert by_agent
    assert by_agent[0].start_seconds > 3.5


@pytest.mark.parametrize("first", ["customer", "agent"])
async def test_the_call_goes_on_with_one_leg(running: RunningBridge, first: str) -> None:
    """Whichever dialog ends first, its last words are told and the other is heard on; the last one closes the call."""
    other = {"customer": "agent", "agent": "customer"}[first]
    name = f"one-{first}"
    async with fork(running, f"{name}-1", name, first) as one, fork(running, f"{name}-2", name, other) as two:
        await one.speak(first)
        await one.end()
        await two.speak(other)
        assert not any(isinstance(event, CallClosed) for event in running.events(name))
        await two.end()
    events = running.closed(name)
    assert [utterance.role for utterance in spoken(events)][:1] == [first]
    assert spoken(events)[-1].role == other
    assert sum(isinstance(event, CallClosed) for event in events) == 1


async def test_the_newer_dialog_takes_the_leg_over(running: RunningBridge) -> None:
    """Two dialogs of one leg: the older one stays up unheard, so that nothing is told twice, and ends untold."""
    before = running.metric('callvane_legs_joined_total{kind="taken_over"}')
    async with (
        fork(running, "twice-1", "twice", "customer") as old,
        fork(running, "twice-2", "twice", "customer") as new,
    ):
        await asyncio.gather(old.speak("agent"), new.speak("customer"))
        await new.end()
        closed = running.closed("twice")
        await old.end()
    events = running.events("twice")
    assert events == closed
    assert legs(events) == [[CUSTOMER]]
    assert sum(len(utterance.pcm) for utterance in spoken(events)) <= 2 * 8_000 * 5
    assert running.metric('callvane_legs_joined_total{kind="taken_over"}') == before + 1


async def test_another_agent_goes_on_with_the_leg(running: RunningBridge) -> None:
    """After a transfer the new agent's dialog feeds the agent's leg, later in the call."""
    async with fork(running, "moved-1", "moved", "customer") as customer:
        async with fork(running, "moved-2", "moved", "agent") as anna:
            await anna.speak("agent")
            await anna.end()
        async with fork(running, "moved-3", "moved", "agent") as ben:
            await ben.speak("agent")
            await ben.end()
        await customer.end()
    events = running.closed("moved")
    assert legs(events) == [[CUSTOMER], [CUSTOMER, AGENT]]
    starts = [utterance.start_seconds for utterance in spoken(events) if utterance.role is Role.AGENT]
    assert len(starts) >= 2
    assert starts == sorted(starts)
    assert starts[-1] > 3.5


async def test_a_leg_that_nobody_joins_is_a_call(running: RunningBridge) -> None:
    """One dialog alone is a call of one leg, with the role that it says."""
    async with fork(running, "alone-1", "alone", "agent") as lone:
        await lone.end()
    assert legs(running.closed("alone")) == [[AGENT]]


async def test_after_its_end_a_name_opens_another_call(running: RunningBridge) -> None:
    """A dialog that comes when all others have ended is a call of its own, told apart from the first."""
    for number in range(2):
        async with fork(running, f"again-{number}", "again", "customer") as lone:
            await lone.end()
        running.closed("again")
    calls = await asyncio.to_thread(until, lambda: opened(running, "again", 2), running.lines)
    assert sum(each == "again" for each in calls) == 1
    assert sum(each.startswith("again~") for each in calls) == 1


async def test_legs_without_a_role_are_told_apart(running: RunningBridge) -> None:
    """Dialogs that do not say whose voice they carry are further legs, up to a bound."""
    async with AsyncExitStack() as up:
        forks = [await up.enter_async_context(fork(running, f"many-{number}", "many")) for number in range(9)]
        assert [each.status for each in forks] == [200] * 8 + [488]
        for each in forks[:-1]:
            await each.end()
    assert [leg_id for leg_id, _ in legs(running.closed("many"))[-1]] == [str(number) for number in range(1, 9)]


async def test_nobody_joins_another_peers_call(running: RunningBridge) -> None:
    """The same id from another address is another call: two PBXes may count alike, and nobody takes a leg from afar."""
    async with (
        fork(running, "peer-1", "peer", "customer") as own,
        Endpoint(running.address, "tcp", "127.0.0.2") as afar,
    ):
        await afar.transport.connect()
        other = Recorder(afar, "peer-2")
        assert (await Fork(other).up(("X-Call-ID", "peer"), ("X-Leg", "customer"))).status == 200
        assert (await other.ask("BYE")).status == 200
        other.close()
        await own.end()
    assert legs(running.closed("peer")) == [[CUSTOMER]]
    calls = await asyncio.to_thread(until, lambda: opened(running, "peer", 2), running.lines)
    assert any(each.startswith("peer~") for each in calls)


async def test_siprec_is_not_joined(running: RunningBridge) -> None:
    """Metadata says better what a fork is: its call does not take part, whatever headers it carries."""
    async with fork(running, "named-1", "named", "customer") as plain, recorder(running, "named-2") as placed:
        offer, kind = placed.offer("1", "2"), "application/rs-metadata+xml"
        body = multipart(("application/sdp", offer), (kind, b"<recording/>"))
        response = await placed.invite(body, "multipart/mixed;boundary=b", ("X-Call-ID", "named"), ("X-Leg", "agent"))
        assert response.status == 200
        await placed.ask("BYE")
        await plain.end()
    assert legs(running.closed("named")) == [[CUSTOMER]]


async def test_a_full_bridge_takes_the_second_leg(redis_url: str) -> None:
    """Half a call is no use: what joins a call that is held is taken above max_calls, a new call is not."""
    with bridge(redis_url, max_calls=1) as full:
        async with (
            fork(full, "full-1", "full", "customer") as one,
            fork(full, "full-2", "full", "agent") as two,
            fork(full, "full-3", "other", "agent") as three,
        ):
            assert (one.status, two.status, three.status) == (200, 200, 503)
            await one.end()
            await two.end()
