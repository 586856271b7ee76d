"""The whole way of what is the matter with a call, and of an agent who changes: real SIP, RTP, Redis and Whisper."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec
import pytest

from callbus import Alert, CallState, Condition, ConditionKind, Phase, Role, Transcript
from callbus.messages.wire import Publication
from callbus.redis.bus import Bus
from callbus.redis.settings import RedisSettings
from callbus.redis.subscription import Subscription
from testcall import scenario, ulaw
from testcall.campaign import line_to
from testcall.metadata import CallFacts, Party, load_dialect, new_id
from testcall.recorder import Recorder
from testcall.stack import Stack
from testcall.target import parse_target
from tests.e2e.test_scenarios import READING
from tests.published import until_followed

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

WAIT_SECONDS = 60.0
"""A busy machine is no failure."""
SETTINGS = {**READING, "CALLVANE_BRIDGE__ONE_WAY_SECONDS": "3"}
SILENCE = (bytes([ulaw.SILENCE]) * 160,)

T = TypeVar("T")


@dataclass
class Told:
    """Everything that was published, by call, in its order."""

    of: dict[str, list[Publication]] = field(default_factory=lambda: defaultdict(list))

    def all(self, call_id: str, kind: type[T]) -> list[T]:
        """Of one call and one type."""
        return [message for message in self.of[call_id] if isinstance(message, kind)]

    def conditions(self, call_id: str, kind: ConditionKind) -> list[tuple[Condition, ...]]:
        """What stood of one kind, state by state, without repeats."""
        stood = [tuple(c for c in s.health if c.kind is kind) for s in self.all(call_id, CallState)]
        return [now for now, before in zip(stood, [None, *stood], strict=False) if now != before]


async def until(found: Callable[[], T]) -> T:
    """What `found` gives, once that is something."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not (result := found()):
            await asyncio.sleep(0.1)
    return result


@asynccontextmanager
async def recording(stack: Stack) -> AsyncIterator[Recorder]:
    """A recorded call that is up; its BYE is sent at the end."""
    facts = CallFacts(agent_name="Peter", agent_aor="sip:peter@example.com", sip_call_id=f"{new_id()}@e2e.example.com")
    target = parse_target(stack.target)
    async with line_to(target, "tcp") as (endpoint, sender):
        await endpoint.transport.connect()
        recorder = Recorder(endpoint, sender, load_dialect("rfc7865"), facts, target)
        assert (await recorder.ask()).status == 200
        try:
            yield recorder
            assert (await recorder.hang_up()).status == 200
        finally:
            recorder.close()


async def say(recorder: Recorder, name: str, begin: float, end: float, *parties: Party) -> None:
    """Play these seconds of a scenario; who is not among the parties, if any are named, is silent."""
    spoken = scenario.load(name)
    packets = slice(round(begin * 50), round(end * 50))
    quiet = SILENCE * round(50 * (end - begin))
    voices: dict[str, tuple[bytes, ...]] = {
        party: spoken.payloads(party)[packets] if not parties or party in parties else quiet
        for party in scenario.PARTIES
    }
    await recorder.play({line: voices[line.voice] for line in recorder.lines})


async def silent_leg(stack: Stack, told: Told) -> str:
    """A call whose agent is not heard at first."""
    async with recording(stack) as recorder:
        call_id = recorder.facts.session_id
        await say(recorder, "turns_and_recovers", 6.0, 11.5, "customer")
        await until(lambda: any(told.conditions(call_id, ConditionKind.ONE_WAY)))
        await say(recorder, "turns_and_recovers", 1.0, 4.0, "agent")
        await until(lambda: told.conditions(call_id, ConditionKind.ONE_WAY)[-1] == ())
    return call_id


async def paused(stack: Stack, told: Told) -> str:
    """A call that is paused while both go on talking: the words of the pause are those of a card number's."""
    async with recording(stack) as recorder:
        call_id, form = recorder.facts.session_id, recorder.dialect.sdp
        await say(recorder, "turns_and_recovers", 1.0, 11.5)
        recorder.dialect = msgspec.structs.replace(
            recorder.dialect, sdp=msgspec.structs.replace(form, direction="inactive")
        )
        assert (await recorder.ask()).status == 200
        await until(lambda: any(told.conditions(call_id, ConditionKind.PAUSED)))
        await say(recorder, "turns_and_recovers", 11.5, 21.5)
        recorder.dialect = msgspec.structs.replace(recorder.dialect, sdp=form)
        assert (await recorder.ask()).status == 200
        await say(recorder, "turns_and_recovers", 21.5, 30.4)
        await until(lambda: told.all(call_id, CallState)[-1].gaps)
    return call_id


async def another_agent(stack: Stack, told: Told) -> str:
    """A call that has turned when Ben takes over from Peter, and recovers with him."""
    async with recording(stack) as recorder:
        call_id = recorder.facts.session_id
        await say(recorder, "turns_and_recovers", 0.0, 35.4)
        await until(lambda: told.all(call_id, Alert))
        recorder.facts = dataclasses.replace(
            recorder.facts, agent_name="Ben", agent_aor="sip:ben@example.com", agent=new_id()
        )
        assert (await recorder.ask()).status == 200
        await say(recorder, "turns_and_recovers", 35.4, 60.5)
        await until(lambda: len(told.all(call_id, Alert)) == 2)
    return call_id


@dataclass(frozen=True)
class Calls:
    """The three calls' ids, and all that was published."""

    told: Told
    silent_leg: str
    paused: str
    another_agent: str


async def place_all() -> Calls:
    """All of them at once on a fresh Callvane."""
    told = Told()
    async with Stack(print, SETTINGS) as stack, Bus(RedisSettings(url=stack.redis_url)) as bus:

        async def follow() -> None:
            async for event in Subscription(bus, [bus.keys.alerts, bus.keys.transcripts, bus.keys.calls]).events():
                if event is not None:
                    told.of[event.message.call_id].append(event.message)

        following = asyncio.create_task(follow())
        await until_followed(bus, bus.keys.alerts, bus.keys.transcripts, bus.keys.calls)
        ids = await asyncio.gather(silent_leg(stack, told), paused(stack, told), another_agent(stack, told))
        await until(lambda: all(told.all(each, CallState)[-1].phase is Phase.ENDED for each in ids))
        following.cancel()
        await asyncio.wait([following])
    return Calls(told, *ids)


@pytest.fixture(scope="module")
def calls() -> Calls:
    """Placed once for this module: the longest takes its minute."""
    return asyncio.run(place_all())


def test_a_silent_leg_stands_in_the_calls_state(calls: Calls) -> None:
    """From when the other side has talked for so long until it is heard; which leg, whose, and how long."""
    stood = calls.told.conditions(calls.silent_leg, ConditionKind.ONE_WAY)
    first = next(conditions for conditions in stood if conditions)
    assert [(condition.leg_id, condition.role) for condition in first] == [("2", Role.AGENT)]
    assert 3 <= first[0].value < 8
    assert stood[-1] == ()


def test_a_pause_is_a_gap(calls: Calls) -> None:
    """It stands while it lasts, and leaves its gap in every later state, to the end of the call."""
    stood = calls.told.conditions(calls.paused, ConditionKind.PAUSED)
    assert [len(conditions) for conditions in stood] == [0, 1, 0]
    (pause,) = stood[1]
    assert (pause.leg_id, pause.since_seconds > 9) == ("", True)
    ended = calls.told.all(calls.paused, CallState)[-1]
    (gap,) = ended.gaps
    assert gap.from_seconds == pause.since_seconds
    assert 9.5 < gap.to_seconds - gap.from_seconds < WAIT_SECONDS


def test_nothing_of_a_pause_is_transcribed(calls: Calls) -> None:
    """No words lie within the gap, and none that were said in it are heard anywhere."""
    (gap,) = calls.told.all(calls.paused, CallState)[-1].gaps
    said = calls.told.all(calls.paused, Transcript)
    within = [t for t in said if t.end_seconds > gap.from_seconds + 0.3 and t.start_seconds < gap.to_seconds - 0.5]
    assert within == []
    words = " ".join(t.text.lower() for t in said)
    assert "machine" in words, words
    assert "annoying" in words, words
    assert "miller" not in words, words


def test_alerts_go_on_under_another_agent(calls: Calls) -> None:
    """One call: its first alert names Peter, its second, measured from the first, names Ben; the history is one."""
    worsened, recovered = calls.told.all(calls.another_agent, Alert)
    names = [[leg.name for leg in alert.legs if leg.role is Role.AGENT] for alert in (worsened, recovered)]
    assert (worsened.kind, recovered.kind) == ("worsened", "recovered")
    assert names == [["Peter"], ["Ben"]]
    assert worsened.turn < recovered.turn
    assert {quote.text for quote in recovered.before} & {quote.text for quote in worsened.after}
    states = calls.told.all(calls.another_agent, CallState)
    assert len({state.opened_at for state in states}) == 1
    assert [state.turns for state in states] == sorted(state.turns for state in states)
