"""The listening thread: order, one call's fault, and its end."""

from __future__ import annotations

import time

from callbus import CallClosed, CallOpened, Role, Utterance
from callbus.messages.wire import ForkEvent
from sip_bridge.hearing.heard_call import Call
from sip_bridge.hearing.leg import Leg
from sip_bridge.hearing.listener import Listener
from sip_bridge.hearing.ring import FRAMES_RECEIVED, Entry
from sip_bridge.hearing.segmenter import Segment
from sip_bridge.settings import BridgeSettings
from tests.sip_bridge.packets import LINE, stream


def call(name: str) -> Call:
    """A call of one silent leg."""
    return Call(name, "bridge", [Leg("1", Role.CUSTOMER, "", BridgeSettings().speech, 2)], 1.0)


class Broken(Leg):
    """A leg whose audio cannot be cut."""

    def hear(self, entry: Entry) -> list[Segment]:
        """Fails."""
        raise RuntimeError("broken")


def test_calls_open_and_close_in_the_order_asked() -> None:
    """Every call's opening comes before its end, and the thread ends after all that was asked."""
    events: list[ForkEvent] = []
    listener = Listener(events.append, clock=lambda: 2.0)
    calls = [call(str(number)) for number in range(20)]
    listener.start()
    for each in calls:
        listener.open(each)
    for each in calls:
        listener.close(each, "bye")
    assert listener.stop(10)
    assert [event.call_id for event in events if isinstance(event, CallOpened)] == [each.call_id for each in calls]
    assert [event.call_id for event in events if isinstance(event, CallClosed)] == [each.call_id for each in calls]


def test_when_the_last_round_ended_is_known() -> None:
    """While there is a call, the last round is of just now; without one its time tells how long ago it was."""
    listener = Listener(lambda event: None)
    begun = time.monotonic()
    listener.start()
    listener.open(held := call("held"))
    while listener.rounded_at < begun + 0.1:
        assert time.monotonic() < begun + 60
        time.sleep(0.01)
    listener.close(held, "bye")
    assert listener.stop(10)
    assert begun + 0.1 <= listener.rounded_at <= time.monotonic()


def test_a_broken_call_deafens_no_other() -> None:
    """Where one call cannot be listened to, the others go on."""
    events: list[ForkEvent] = []
    listener = Listener(events.append)
    listener.start()
    broken = Broken("1", Role.CUSTOMER, "", BridgeSettings().speech, 2)
    listener.open(Call("broken", "bridge", [broken], 1.0))
    listener.open(sound := call("sound"))
    for leg in (broken, *sound.legs):
        for packet in stream(LINE):
            leg.ring.inlet.receive(0, packet.number, packet.timestamp, 7, packet.payload, time.time())
    deadline = time.monotonic() + 60
    while not any(isinstance(event, Utterance) for event in events):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    listener.close(sound, "bye")
    assert listener.stop(10)
    assert [event.call_id for event in events if isinstance(event, Utterance)] == ["sound"]
    assert isinstance(events[-1], CallClosed)
    assert events[-1].call_id == "sound"


def test_what_the_last_call_counted_is_told() -> None:
    """There are no rounds without a call: the metrics are brought up to date when one ends."""
    before = FRAMES_RECEIVED._value.get()
    listener = Listener(lambda event: None)
    listener.start()
    listener.open(last := call("last"))
    for packet in stream(LINE[:7]):
        last.legs[0].ring.inlet.receive(0, packet.number, packet.timestamp, 7, packet.payload, time.time())
    listener.close(last, "bye")
    assert listener.stop(10)
    assert FRAMES_RECEIVED._value.get() - before == 7


def test_time_passes_for_every_leg() -> None:
    """Speech whose packets have stopped is published without another packet, of each of many calls."""
    events: list[ForkEvent] = []
    listener = Listener(events.append)
    listener.start()
    calls = [call(str(number)) for number in range(23)]
    for each in calls:
        listener.open(each)
        for packet in stream(LINE[60:120]):
            each.legs[0].ring.inlet.receive(0, packet.number, packet.timestamp, 7, packet.payload, time.time())
    deadline = time.monotonic() + 60
    while sum(isinstance(event, Utterance) for event in events) < len(calls):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    for each in calls:
        listener.close(each, "bye")
    assert listener.stop(10)
    assert {event.call_id for event in events if isinstance(event, Utterance)} == {each.call_id for each in calls}


def test_an_utterance_is_told_ahead_of_its_end() -> None:
    """It is the same in all, comes first, and takes no number."""
    events: list[ForkEvent] = []
    listener = Listener(events.append, foretell=events.append)
    spoken = call("spoken")
    listener.start()
    listener.open(spoken)
    begun = time.time()
    for packet in stream(LINE):
        time.sleep(max(0.0, begun + packet.at / 20 - time.time()))
        at = begun + packet.at
        spoken.legs[0].ring.inlet.receive(0, packet.number, packet.timestamp, 7, packet.payload, at)
    deadline = time.monotonic() + 60
    while sum(isinstance(event, Utterance) for event in events) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    listener.close(spoken, "bye")
    assert listener.stop(10)
    *ahead, utterance = (event for event in events if isinstance(event, Utterance))
    assert ahead[-1] == utterance
    assert utterance.sequence == 0
