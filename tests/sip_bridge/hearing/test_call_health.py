"""What is the matter with a call: as tables, then at a running bridge with real SIP and RTP."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import msgspec
import pytest

from callbus import CallEvent, ConditionKind, Role, Unit
from callbus.messages.wire import ForkEvent
from sip_bridge.hearing.call_health import MOST_BEGUN, CallHealth
from sip_bridge.hearing.heard_call import Call
from sip_bridge.hearing.leg import Leg
from sip_bridge.hearing.segmenter import FRAME_BYTES
from sip_bridge.settings import BridgeSettings
from testcall import ulaw
from testcall.recorder import Recorder
from tests.conftest import PrivateRedis
from tests.sip_bridge.recording import heard, recording, send, talk
from tests.sip_bridge.running import RunningBridge, bridge, until, utterances
from tests.sip_bridge.speaking import sentence

LOSS, JITTER = ConditionKind.LOSS, ConditionKind.JITTER
PAUSED, ONE_WAY = ConditionKind.PAUSED, ConditionKind.ONE_WAY
UNDECODABLE, NEAR_SILENT = ConditionKind.UNDECODABLE, ConditionKind.NEAR_SILENT


class Heard:
    """A call of two legs to which silence is played, and its health."""

    def __init__(self, one_way_seconds: float = 0) -> None:
        self.now = 1_000.0
        self.legs = [
            Leg(leg_id, role, "", BridgeSettings().speech, 2, lambda: self.now)
            for leg_id, role in (("1", Role.CUSTOMER), ("2", Role.AGENT))
        ]
        for leg in self.legs:
            leg.start_at(0)
        self.call = Call("c", "b", self.legs, 0.0)
        self.health = CallHealth(one_way_seconds)

    def listen(self, seconds: int = 1) -> None:
        """Let time pass: the legs that are not paused are fed."""
        for _ in range(10 * seconds):
            self.now += 0.1
            for leg in self.legs:
                leg.ring.inlet.put(bytes(5 * FRAME_BYTES), self.now)
        assert not list(self.call.utterances())

    def look(self, seconds: int = 1) -> list[tuple[str, str, str, float]]:
        """After some time, what is told: whether it began, what, of which leg, at which call time."""
        self.listen(seconds)
        return [
            ("began" if each.began else "ended", each.condition.kind, each.condition.leg_id, each.at_seconds)
            for each in self.health.events(self.call)
        ]


def test_a_fault_is_told_when_it_begins_and_when_it_ends() -> None:
    """Once each, with its call time, its role and its measured value."""
    call = Heard()
    assert call.look() == []
    call.legs[0].faults = {LOSS: 0.12}
    call.listen()
    (event,) = call.health.events(call.call)
    condition = event.condition
    assert (event.began, event.at_seconds, condition.role, condition.value) == (True, 2.0, Role.CUSTOMER, 0.12)
    assert condition.unit is Unit.SHARE
    assert call.look() == []
    call.legs[0].faults = {}
    assert call.look() == [("ended", LOSS, "1", 4.0)]
    assert call.look() == []


def test_a_pause_of_all_legs_is_one_of_the_call() -> None:
    """From where it began to where the legs are fed again, however late that is found out; its value is its length."""
    call = Heard()
    call.listen(2)
    for leg in call.legs:
        leg.pause(call.now)
    assert call.look() == [("began", PAUSED, "", 2.0)]
    assert call.look(6) == []
    for leg in call.legs:
        leg.resume(call.now)
    call.listen(3)
    (event,) = call.health.events(call.call)
    assert (event.began, event.at_seconds) == (False, 9.0)
    assert (event.condition.since_seconds, event.condition.value) == (2.0, 7.0)


def test_one_leg_alone_may_be_paused() -> None:
    """It is told of at the second look: the first may have come between the two legs of one pause."""
    call = Heard()
    call.legs[1].pause(call.now)
    assert call.look() == []
    assert call.look() == [("began", PAUSED, "2", 0.0)]
    call.legs[0].pause(call.now)
    assert call.look() == [("ended", PAUSED, "2", 0.0), ("began", PAUSED, "", 2.0)]


def test_a_leg_that_nobody_decodes_is_just_that() -> None:
    """Told with its payload type; that nothing is heard of it, or how it sounded, is no news beside that."""
    call = Heard(one_way_seconds=5)
    customer, agent = call.legs
    agent.sound.take(500, 1e12, 0)
    assert call.look() == []
    customer.faults = {UNDECODABLE: 18.0}
    customer.sound.take(500, 0.0, 0)
    customer.sound.level = NEAR_SILENT, -80.0
    agent.sound.take(500, 1e12, 0)
    call.listen()
    (event,) = call.health.events(call.call)
    condition = event.condition
    assert (event.began, condition.kind, condition.leg_id, condition.value) == (True, UNDECODABLE, "1", 18.0)
    assert condition.unit is Unit.PAYLOAD_TYPE
    customer.faults = {}
    customer.sound.level = None
    customer.sound.take(10, 1e9, 0)
    assert call.look() == [("ended", UNDECODABLE, "1", 3.0)]


def test_a_call_tells_of_so_much_and_no_more() -> None:
    """Past the bound nothing begins any more; what stands still ends."""
    call = Heard()
    told = []
    for _ in range(3 * MOST_BEGUN):
        call.legs[0].faults = {LOSS: 0.5} if not call.legs[0].faults else {}
        told += call.look(0)
    assert len(told) == 2 * MOST_BEGUN
    assert told[-1][0] == "ended"


@pytest.fixture(scope="module")
def running(shared_redis: PrivateRedis) -> Iterator[RunningBridge]:
    """One bridge for all these calls."""
    with bridge(shared_redis.url, shutdown_seconds=1, one_way_seconds=1, jitter_seconds=0.025) as started:
        yield started


def health(events: list[ForkEvent]) -> list[CallEvent]:
    """What was told of the call's health."""
    return [event for event in events if isinstance(event, CallEvent)]


async def told(running: RunningBridge, recorder: Recorder, kind: ConditionKind, began: bool = True) -> CallEvent:
    """The first word that something began or ended, once it has come."""

    def found() -> CallEvent | None:
        events = health(running.events(recorder.facts.session_id))
        return next((each for each in events if (each.condition.kind, each.began) == (kind, began)), None)

    return await asyncio.to_thread(until, found, running.lines)


async def test_a_silent_leg(running: RunningBridge) -> None:
    """Told with the leg's role and the others' speech meanwhile, counted, and over as soon as the leg is heard."""
    before = running.metric('callvane_call_events_total{kind="one_way"}')
    async with recording(running) as recorder:
        customer, agent = recorder.lines
        quiet = (bytes([ulaw.SILENCE]) * 160,) * 200
        await recorder.play({customer: sentence("customer", 3.5), agent: quiet})
        began = await told(running, recorder, ONE_WAY)
        await recorder.play({agent: sentence("agent", 0.8), customer: quiet[:60]})
        ended = await told(running, recorder, ONE_WAY, began=False)
    assert (began.condition.leg_id, began.condition.role, began.condition.unit) == ("2", Role.AGENT, Unit.SECONDS)
    assert 1 <= began.condition.value < 4
    assert ended.condition == began.condition
    assert running.metric('callvane_call_events_total{kind="one_way"}') == before + 1


async def test_a_pause_and_its_end(running: RunningBridge) -> None:
    """Of the whole recording, in the order of the utterances around it, from its beginning to its end."""
    async with recording(running) as recorder:
        form = recorder.dialect.sdp
        paused = msgspec.structs.replace(form, direction="inactive")
        await talk(recorder)
        recorder.dialect = msgspec.structs.replace(recorder.dialect, sdp=paused)
        await recorder.ask()
        await told(running, recorder, PAUSED)
        recorder.dialect = msgspec.structs.replace(recorder.dialect, sdp=form)
        await recorder.ask()
        await talk(recorder)
    events = await heard(running, recorder)
    began, ended = (each for each in health(events) if each.condition.kind is PAUSED)
    assert (began.began, began.condition.leg_id, ended.began) == (True, "", False)
    assert ended.condition.value == pytest.approx(ended.at_seconds - began.at_seconds)
    starts = [each.start_seconds for each in utterances(events)]
    assert not [start for start in starts if began.at_seconds + 0.1 < start < ended.at_seconds - 0.1]
    order = [type(each).__name__ for each in events[1:-1]]
    assert order.index("CallEvent") > order.index("Utterance")


async def test_lost_packets(running: RunningBridge) -> None:
    """A leg that loses a fifth of its packets is told of with that share; the other leg is well."""
    async with recording(running) as recorder:
        customer, agent = recorder.lines
        words = (sentence("customer", 2.0) * 5)[:450]
        whole, holed = (recorder.stream(line, words, lambda: None) for line in (agent, customer))
        both = [(stream, number, number) for number in range(len(words)) for stream in (whole, holed)]
        await send([packet for packet in both if packet[0] is whole or packet[1] % 5])
        event = await told(running, recorder, LOSS)
    assert (event.condition.leg_id, event.condition.role) == ("1", Role.CUSTOMER)
    assert event.condition.value == pytest.approx(0.2, abs=0.05)
    lossy = [each.condition for each in health(await heard(running, recorder)) if each.condition.kind is LOSS]
    assert {condition.leg_id for condition in lossy} == {"1"}


async def test_packets_in_bursts(running: RunningBridge) -> None:
    """Packets that come ten at a time are told of by their jitter: some 36 ms, as RFC 3550 counts."""
    async with recording(running) as recorder:
        customer = recorder.lines[0]
        stream = recorder.stream(customer, (sentence("customer", 2.0) * 5)[:450], lambda: None)
        await send([(stream, number, number // 10 * 10) for number in range(450)])
        event = await told(running, recorder, JITTER)
    assert (event.condition.leg_id, event.condition.unit) == ("1", Unit.SECONDS)
    assert 0.025 <= event.condition.value < 0.06
