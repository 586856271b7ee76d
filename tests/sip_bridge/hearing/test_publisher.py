"""The hand-over between the listener's thread and the event loop."""

from __future__ import annotations

import asyncio

from callbus import CallOpened, Utterance
from callbus.messages.wire import ForkEvent
from callbus.redis.bus import Bus
from callbus.redis.fork_writer import ForkWriter
from callbus.redis.settings import RedisSettings
from sip_bridge.hearing import publisher as publisher_module
from sip_bridge.hearing.publisher import FORETOLD, HANDOVER_EVENTS, Publisher
from tests.breaking import Counted
from tests.callbus import sample_messages as messages


async def test_a_loop_that_stands_still_loses_the_oldest_audio_only() -> None:
    """What is handed over meanwhile is bounded: utterances go, oldest first and counted; openings stay; order holds."""
    taken: list[ForkEvent] = []

    class Writer(ForkWriter):
        def publish(self, event: ForkEvent) -> None:
            taken.append(event)

    async with Bus(RedisSettings()) as bus:
        publisher = Publisher(Writer(bus), asyncio.get_running_loop())
        before = publisher_module.HANDOVER_DROPPED.labels("utterance")._value.get()
        opening = CallOpened("c", "bridge", 1.0, ())
        publisher.publish(opening)
        for number in range(HANDOVER_EVENTS + 9):
            publisher.publish(messages.utterance("c", number))
        async with asyncio.timeout(60):
            while not taken:
                await asyncio.sleep(0.01)
    assert isinstance(taken[0], CallOpened)
    assert [event.sequence for event in taken if isinstance(event, Utterance)] == list(range(10, HANDOVER_EVENTS + 9))
    assert publisher_module.HANDOVER_DROPPED.labels("utterance")._value.get() - before == 10


async def test_what_is_told_ahead_is_bounded_and_costs_no_event() -> None:
    """What comes beyond the bound is not told; events beside it all go on, in their order."""
    taken: list[ForkEvent] = []
    told: list[Utterance] = []

    class Writer(ForkWriter):
        def publish(self, event: ForkEvent) -> None:
            taken.append(event)

        def foretell(self, utterance: Utterance) -> None:
            told.append(utterance)

    async with Bus(RedisSettings()) as bus:
        publisher = Publisher(Writer(bus), asyncio.get_running_loop())
        for number in range(FORETOLD + 9):
            publisher.foretell(messages.utterance("c", number))
            publisher.publish(messages.utterance("c", number))
        async with asyncio.timeout(60):
            while not taken:
                await asyncio.sleep(0.01)
    assert [each.sequence for each in told] == list(range(FORETOLD))
    assert [each.sequence for each in taken if isinstance(each, Utterance)] == list(range(FORETOLD + 9))


async def test_a_fault_in_telling_ahead_costs_no_event() -> None:
    """It is counted; what comes with it is handed over."""
    taken: list[ForkEvent] = []

    class Writer(ForkWriter):
        def publish(self, event: ForkEvent) -> None:
            taken.append(event)

        def foretell(self, utterance: Utterance) -> None:
            raise RuntimeError("broken")

    async with Bus(RedisSettings()) as bus:
        publisher, faults = Publisher(Writer(bus), asyncio.get_running_loop()), Counted()
        publisher.foretell(messages.utterance("c"))
        publisher.publish(messages.utterance("c"))
        async with asyncio.timeout(60):
            while not faults.kinds:
                await asyncio.sleep(0.01)
    assert len(taken) == 1
    assert faults.kinds == {"publishing": 1}
