"""A worker one of whose threads hangs: it is shown, bounded, and ends nothing but itself."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import replace

import pytest

from analysis.lanes.in_hand import CALL_EVENTS
from callbus import CallClosed, Role, Transcript, Utterance
from callbus.redis.bus import Bus
from callbus.redis.settings import RedisSettings
from tests.analysis.process import Analysis, analysis, publish, utterances, whole_call
from tests.published import published, until_ended

HANGING = """
import signal, sys, threading
from analysis import __main__ as program
from analysis.scorers.scoring import Threaded
from analysis.settings import AnalysisSettings
from analysis.words import recognition
from analysis.words.transcriber import Transcriber
from service.process import main

kind, free = sys.argv[1], threading.Event()
free.set()
signal.signal(signal.SIGUSR1, lambda *_: free.clear())
signal.signal(signal.SIGUSR2, lambda *_: free.set())
program.STALL_SECONDS = dict.fromkeys(program.STALL_SECONDS, 1.0)
program.ENDING_SECONDS = 1.0

def hangs(work):
    def hanging(*arguments, **options):
        free.wait()
        return work(*arguments, **options)
    return hanging

match kind:
    case "scorer":
        begin = Threaded.__init__
        Threaded.__init__ = lambda self, scores, **options: begin(self, hangs(scores), **options)
    case "model": Transcriber.transcribe = hangs(Transcriber.transcribe)
    case "features": recognition.hear = hangs(recognition.hear)
sys.exit(main("analysis", "", AnalysisSettings, program.work, 0, []))
"""
"""A worker of whose threads one kind hangs from SIGUSR1 to SIGUSR2."""

MANY = 80
"""Utterances of a call: more than it may hold."""
KINDS = ["scorer", "model", "features"]


async def until_told(worker: Analysis, path: str, complaint: str) -> None:
    """Wait until one of its pages says this; empty is well."""
    async with asyncio.timeout(40):
        while await worker.complaint(path) != complaint:
            await asyncio.sleep(0.05)


def line(said: Utterance, call_id: str, number: int) -> Utterance:
    """Three seconds of an utterance as one of another call, after so many others of it."""
    start = 9.0 * number
    return replace(
        said, call_id=call_id, sequence=number, start_seconds=start, end_seconds=start + 3, pcm=said.pcm[:48_000]
    )


async def transcripts(bus: Bus) -> list[Transcript]:
    """Those published so far."""
    return [each for each in await published(bus) if isinstance(each, Transcript)]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_thread_that_hangs_is_told(redis_url: str, kind: str) -> None:
    """At /healthz and /readyz, and as a metric, until it goes on; then the call has all its words."""
    async with (
        Bus(RedisSettings(url=redis_url)) as bus,
        analysis("-c", HANGING, kind, redis__url=redis_url) as worker,
    ):
        busy = f'callvane_thread_busy_seconds{{kind="{kind}"}}'
        assert await worker.metric(busy) == 0
        worker.signal(signal.SIGUSR1)
        events = whole_call("turns_angry", "held")
        await publish(bus, events)
        for path in ("/healthz", "/readyz"):
            await until_told(worker, path, f"the {kind} thread hangs")
        assert await worker.metric(busy) > 1
        worker.signal(signal.SIGUSR2)
        for path in ("/healthz", "/readyz"):
            await until_told(worker, path, "")
        told = await until_ended(bus, "held")
    heard = [each.sequence for each in told if isinstance(each, Transcript) and each.text]
    assert heard == list(range(len(events) - 2))


async def test_calls_behind_a_scorer_that_hangs_move_on(redis_url: str) -> None:
    """Past what a call may hold its utterances say `overload`, and its end comes when it is said."""
    said = [each for each in utterances("turns_angry", "", 1_000_000.0) if each.role is Role.CUSTOMER]
    calls = [f"call-{number}" for number in range(2)]
    async with (
        Bus(RedisSettings(url=redis_url, partition_length=4_096)) as bus,
        analysis("-c", HANGING, "scorer", redis__url=redis_url) as worker,
    ):
        worker.signal(signal.SIGUSR1)
        for call_id in calls:
            await publish(bus, [line(said[number % 2], call_id, number) for number in range(MANY)])
        async with asyncio.timeout(60):
            while len(await transcripts(bus)) < (MANY - CALL_EVENTS) * len(calls):
                await asyncio.sleep(0.05)
        assert await worker.metric("callvane_events_in_hand") <= CALL_EVENTS * len(calls)
        await publish(bus, [CallClosed(call_id, 1.0, 9.0 * MANY, "bye") for call_id in calls])
        await until_told(worker, "/healthz", "the scorer thread hangs")
        assert {each.dropped for each in await transcripts(bus)} == {"overload"}
        worker.signal(signal.SIGUSR2)
        told = await until_ended(bus, *calls)
    numbers = {(each.call_id, each.sequence) for each in told if isinstance(each, Transcript)}
    assert numbers == {(call_id, number) for call_id in calls for number in range(MANY)}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_worker_whose_thread_hangs_ends_when_told_to(redis_url: str, kind: str) -> None:
    """It gives its partitions back and leaves the thread behind; another worker has the call."""
    events = whole_call("turns_angry", "handed-over")
    own = {"redis__url": redis_url, "redis__lease_seconds": "2"}
    async with Bus(RedisSettings(url=redis_url)) as bus:
        async with analysis("-c", HANGING, kind, **own) as worker:
            worker.signal(signal.SIGUSR1)
            await publish(bus, events)
            await until_told(worker, "/healthz", f"the {kind} thread hangs")
            worker.signal(signal.SIGTERM)
            assert await worker.ended(60) == 0
            assert not await bus.client.exists(*map(bus.keys.lease, range(bus.settings.partitions)))
        async with analysis(**own):
            told = await until_ended(bus, "handed-over")
    heard = [each.sequence for each in told if isinstance(each, Transcript) and each.text]
    assert heard == list(range(len(events) - 2))
