"""What a worker does about faults of its own: on one event, in a part that it needs, and behind a slow scorer."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from callbus import CallClosed, CallEvent, Condition, ConditionKind, Role, Transcript, Utterance
from callbus.messages.conditions import UNITS
from callbus.messages.wire import ForkEvent
from callbus.redis.bus import Bus
from callbus.redis.settings import Keys, RedisSettings
from testcall import scenario
from tests.analysis.process import analysis, publish, utterances, whole_call
from tests.published import until_ended

KEYS = Keys("callvane")

FAULTY = """
import asyncio, signal, sys, time
from analysis import __main__ as program
from analysis.lanes import lane
from analysis.lanes import worker
from analysis.call.analyst import Analyst
from analysis.words.batcher import Batcher
from analysis.words.recognition import Recognizer
from analysis.scorers.scoring import Threaded
from analysis.settings import AnalysisSettings
from callbus.redis.fork_reader import ForkReader
from service.process import main

fault, struck = sys.argv[1], []
signal.signal(signal.SIGUSR1, lambda *_: struck.append(1))

def no(): raise RuntimeError("a fault in our own code")

def breaks(owner, name, of):
    work = getattr(owner, name)
    def faulty(*arguments, **options):
        return no() if of(*arguments, **options) else work(*arguments, **options)
    setattr(owner, name, faulty)

def breaks_later(owner, name, of):
    work = getattr(owner, name)
    async def faulty(*arguments, **options):
        return no() if of(*arguments, **options) else await work(*arguments, **options)
    setattr(owner, name, faulty)

def broken(event): return event.call_id == "broken"
def told(self, event, *rest): return broken(event)
def kept(self, event, call, *rest): return broken(event) and call is not None
def published(self, delivery, publications=(), **rest): return any(map(broken, publications))

match fault:
    case "call_opened": breaks(Analyst, "opened", told)
    case "utterance": breaks(Analyst, "heard", told)
    case "call_event": breaks(Analyst, "told", told)
    case "call_closed": breaks(Analyst, "closed", told)
    case "what is known of the call":
        for name in ("opened", "heard", "told", "closed", "failed"): breaks(Analyst, name, kept)
    case "the step": breaks(lane, "step", lambda known, event, at: broken(event))
    case "the state": breaks(worker, "encode", broken)
    case "the stored state": breaks_later(ForkReader, "state", lambda self, call_id, partition: call_id == "broken")
    case "the recognition": breaks_later(Recognizer, "listen", told)
    case "the guards": breaks(Recognizer, "_guard", lambda self, words, seconds: seconds > 4)
    case "the counting": breaks(worker, "count", lambda call_id, *rest: call_id == "broken")
    case "the score": breaks_later(lane.Job, "answer", lambda self, asking: broken(self.delivery.event))
    case "all of the commit": breaks_later(ForkReader, "commit", published)
    case "the reader":
        breaks_later(ForkReader, "_read", lambda self: struck)
    case "the batcher": breaks(Batcher, "_take", lambda self: struck)
    case "slow":
        work = Threaded.__init__
        def slow(self, scores):
            def late(asked):
                time.sleep(0.05 if struck else 1.0)
                return scores(asked)
            work(self, late)
        Threaded.__init__ = slow
if fault == "the watch":
    watch = program._watch
    class Watched:
        def __init__(self, bus): self.bus = bus
        unready = property(lambda self: no() if struck else self.bus.unready)
    program._watch = lambda bus, process: watch(Watched(bus), process)
sys.exit(main("analysis", "", AnalysisSettings, program.work, 0, []))
"""
"""A worker with a fault in one place: for the call `broken`, or from SIGUSR1 on."""


@pytest.fixture
async def bus(redis_url: str) -> AsyncIterator[Bus]:
    """The bridge's side."""
    async with Bus(RedisSettings(url=redis_url, lease_seconds=1.0, partition_length=4_096)) as opened:
        yield opened


def of(bus: Bus, **more: str) -> dict[str, str]:
    """Settings of a worker on that bus."""
    return {"redis__url": bus.settings.url, "redis__lease_seconds": "1.0", **more}


async def left(bus: Bus) -> int:
    """Events that nobody has acknowledged."""
    return sum([int(await bus.client.xlen(KEYS.forks(partition))) for partition in range(bus.settings.partitions)])


def eventful(call_id: str) -> list[ForkEvent]:
    """A call with an event of each kind."""
    opened, *said, closed = whole_call("turns_angry", call_id)
    paused = Condition(ConditionKind.PAUSED, "1", Role.AGENT, 1.0, 0.0, UNITS[ConditionKind.PAUSED])
    return [opened, said[0], CallEvent(call_id, 1.0, True, paused), *said[1:], closed]


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("call_opened", "call_opened"),
        ("utterance", "utterance"),
        ("call_event", "call_event"),
        ("call_closed", "call_closed"),
        ("what is known of the call", "call_closed"),
        ("the step", "call_closed"),
        ("the state", "call_closed"),
        ("the stored state", ""),
        ("the recognition", "utterance"),
        ("the guards", "utterance"),
        ("the counting", "call_closed"),
        ("the score", "utterance"),
        ("all of the commit", "utterance"),
    ],
)
async def test_a_fault_costs_no_other_event(bus: Bus, fault: str, kind: str) -> None:
    """It is counted; the struck call ends on the board, another has its alert, and nothing comes again."""
    async with analysis("-c", FAULTY, fault, **of(bus)) as worker:
        both = zip(eventful("broken"), eventful("whole"), strict=True)
        await publish(bus, [event for pair in both for event in pair])
        ending = ["whole"] if fault == "all of the commit" else ["whole", "broken"]
        told = await until_ended(bus, *ending)
        async with asyncio.timeout(60):
            while await left(bus):
                await asyncio.sleep(0.05)
        whole = [each for each in told if each.call_id == "whole"]
        turns = len(scenario.load("turns_angry").turns)
        if fault != "the guards":
            heard = [each for each in whole if isinstance(each, Transcript) and each.text]
            assert len(heard) == turns, [each for each in whole if isinstance(each, Transcript) and not each.text]
        if kind:
            assert await worker.metric(f'callvane_faults_total{{type="{kind}"}}') > 0
        else:
            assert await worker.metric("callvane_call_states_unreadable_total") > 0
        assert await worker.metric("callvane_events_in_hand") == 0
        assert await worker.metric("callvane_audio_in_hand_bytes") == 0
        worker.signal(signal.SIGTERM)
        assert await worker.ended() == 0


@pytest.mark.parametrize("part", ["the reader", "the batcher", "the watch"])
async def test_a_part_that_dies_ends_the_worker(bus: Bus, part: str) -> None:
    """It says what died, gives its partitions back at once and ends with 1; another worker finishes its calls."""
    events = whole_call("turns_angry", "handed-over")
    async with analysis("-c", FAULTY, part, **of(bus, redis__lease_seconds="30")) as first:
        first.signal(signal.SIGUSR1)
        await publish(bus, events)
        assert await first.ended() == 1
        named = f"{part} died of RuntimeError: a fault in our own code"
        assert any(f"{named}; stopping" in line for line in first.lines)
        assert first.lines[-1].endswith(f"analysis ended: {named}")
    async with analysis(**of(bus)):
        told = await until_ended(bus, "handed-over")
    heard = [each.sequence for each in told if isinstance(each, Transcript) and each.text]
    assert heard == list(range(len(events) - 2))


async def test_behind_a_slow_scorer_what_is_in_hand_is_bounded(bus: Bus) -> None:
    """Words of other calls and endings come through; what is too much has a transcript that says `overload`."""
    said = utterances("turns_angry", "", 1_000_000.0)
    angry = [each for each in said if each.role is Role.CUSTOMER]
    calls, many = [f"call-{number}" for number in range(20)], 100
    async with analysis("-c", FAULTY, "slow", **of(bus, analysis__queue_utterances="64")) as worker:
        for number in range(many):
            await publish(bus, [told(angry, call_id, number) for call_id in calls])
            held = await worker.metric("callvane_events_in_hand")
            assert await worker.metric("callvane_audio_in_hand_bytes") < 64e6
            assert held <= 64 * len(calls) + 1_024  # what one reading may bring
        await publish(bus, [CallClosed(call_id, 1.0, 1.0, "bye") for call_id in calls])
        worker.signal(signal.SIGUSR1)  # it has been slow for long enough
        told_all = await until_ended(bus, *calls)
        shed = [each for each in told_all if isinstance(each, Transcript) and each.dropped == "overload"]
        assert shed
        assert await worker.metric('callvane_utterances_shed_total{role="customer"}') == len(shed)
        assert await worker.metric('callvane_utterances_analysed_total{outcome="overload"}') == len(shed)
        transcripts = {(each.call_id, each.sequence) for each in told_all if isinstance(each, Transcript)}
        assert len(transcripts) == many * len(calls)


def told(said: list[Utterance], call_id: str, number: int) -> Utterance:
    """One of the utterances, as that of another call, after so many others of it."""
    start = 3.0 * number
    each = said[number % len(said)]
    seconds = min(2.5, each.end_seconds - each.start_seconds)
    pcm = each.pcm[: 2 * round(seconds * each.sample_rate_hz)]
    return replace(each, call_id=call_id, sequence=number, start_seconds=start, end_seconds=start + seconds, pcm=pcm)
