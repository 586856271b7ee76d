"""An analysis worker: reads what bridges wrote, keeps each call's order, works on many calls at once.

Every event is committed in one step with what it led to (transcript, alert, call state, detector state), so that a
worker may die at any moment: another one takes over from the last commit. A call's state is read from Redis whenever
the call has been quiet, never trusted from memory, since its partition may have been elsewhere meanwhile.

What is in hand is bounded by the queues before the features and the model: they shed past their limits, which lets
the calls behind them move on. A call waits for the score of its turn; the others do not.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import aclosing
from dataclasses import replace

from prometheus_client import Counter, Gauge, Histogram

from analysis.analyst import Analyst, Outcome, Question
from analysis.conversation import Conversation, StateError, decode, encode
from analysis.ear import ERROR, Ear, Hearing
from analysis.figures import count
from analysis.lane import Job, Lane
from analysis.scoring import Scoring
from analysis.succession import RESUME_SECONDS, TakenOver
from callbus import CallClosed, CallEvent, CallOpened, Utterance
from callbus.fork_reader import Delivery, ForkReader, LeaseLost
from callbus.wire import ForkEvent

log = logging.getLogger(__name__)

CALLS = Gauge("callvane_analysis_calls_active", "Calls that this worker follows.")
STATES_UNREADABLE = Counter(
    "callvane_call_states_unreadable_total", "Stored call states that could not be used; the call began anew."
)
LEASES_LOST = Counter("callvane_leases_lost_total", "Times that work was given up: another worker held the partition.")
ARRIVAL_SECONDS = Histogram(
    "callvane_arrival_seconds",
    "Time from the end of speech to a worker taking the utterance: hangover, bridge, Redis.",
    buckets=(0.1, 0.2, 0.3, 0.4, 0.45, 0.5, 0.6, 0.8, 1, 1.5, 2.5, 5, 10),
)
DECISION_SECONDS = Histogram(
    "callvane_decision_seconds",
    "Time that the decision about an utterance's words took: guards passed, turn, score, detector.",
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
PUBLISH_SECONDS = Histogram(
    "callvane_publish_seconds",
    "Time that Redis took to publish and commit an utterance's outcome.",
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
)

FORGET_SECONDS = 3_600.0
"""A call without an event for so long is not counted as active any more."""


class Worker:
    """Belongs to one event loop."""

    def __init__(self, reader: ForkReader, ear: Ear, scoring: Scoring, analyst: Analyst) -> None:
        self._reader = reader
        self._ear = ear
        self._scoring = scoring
        self._analyst = analyst
        self._lanes: dict[str, Lane] = {}
        self._seen: dict[str, tuple[int, float]] = {}
        """Partition and latest event (monotonic) of the calls that are active."""

    async def run(self, stopping: asyncio.Event, drain_seconds: float) -> None:
        """Work until `stopping`; then read no more, and finish what is in hand for at most `drain_seconds`."""
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(self._read(group), name="read")
            await stopping.wait()
            reading.cancel()
            working = [lane.task for lane in self._lanes.values() if lane.task]
            if working:
                await asyncio.wait(working, timeout=drain_seconds)
            for call_id, lane in list(self._lanes.items()):
                log.warning("%d events stay unfinished; another worker takes them", len(lane), extra=_of(call_id))
                self._drop(call_id, lane)

    async def _read(self, group: asyncio.TaskGroup) -> None:
        async with aclosing(self._reader.deliveries()) as batches:
            async for batch in batches:
                for delivery in batch:
                    self._take(delivery, group)
                self._count_calls()

    def _take(self, delivery: Delivery, group: asyncio.TaskGroup) -> None:
        event = delivery.event
        if isinstance(event, Utterance):
            ARRIVAL_SECONDS.observe(max(0.0, time.time() - event.ended_at))
        lane = self._lanes.get(event.call_id)
        if lane is None:
            lane = self._lanes[event.call_id] = Lane(delivery.partition)
            lane.task = group.create_task(self._work(event.call_id, lane, group))
        lane.arrived.append(delivery)
        self._begin(event.call_id, lane, group)

    def _begin(self, call_id: str, lane: Lane, group: asyncio.TaskGroup) -> None:
        """Find out what each event is to its call, and listen at once to what is to be heard."""
        for job in lane.begin():
            if job.step.recordings.heard is None:
                self._seen.pop(call_id, None)
            else:
                self._seen[call_id] = (lane.partition, time.monotonic())
            if job.step.events and isinstance(utterance := job.step.events[-1], Utterance):
                job.hearing = group.create_task(self._ear.listen(utterance))

    async def _work(self, call_id: str, lane: Lane, group: asyncio.TaskGroup) -> None:
        """A call's events one after the other, until none is in hand."""
        try:
            call = await self._restored(call_id, lane.partition)
            lane.restore(call)
            self._begin(call_id, lane, group)
            while lane.jobs:
                call = await self._finish(lane.jobs[0], call)
                lane.jobs.popleft()
        except LeaseLost:
            LEASES_LOST.inc()
            log.warning("partition %d belongs to another worker now", lane.partition)
            for other, held in list(self._lanes.items()):
                if held.partition == lane.partition and held is not lane:
                    self._drop(other, held)
            lane.task = None
            self._drop(call_id, lane)
        else:
            del self._lanes[call_id]

    async def _restored(self, call_id: str, partition: int) -> Conversation | None:
        stored = await self._reader.state(call_id, partition)
        if stored is None:
            return None
        try:
            return decode(stored)
        except StateError as error:
            STATES_UNREADABLE.inc()
            log.warning("the call begins anew, its stored state cannot be used: %s", error, extra=_of(call_id))
            return None

    async def _finish(self, job: Job, call: Conversation | None) -> Conversation | None:
        """Decide and commit; the call after it. Raises LeaseLost."""
        hearing = await job.hearing if job.hearing else None
        step, event = job.step, job.delivery.event
        began = time.monotonic()
        outcomes: list[Outcome] = []
        after = None if step.is_new else call
        for told in step.events:
            outcomes.append(await self._decided(told, after, hearing))
            after = outcomes[-1].call
        decided = time.monotonic()
        after = replace(after, recordings=step.recordings) if after else None
        await self._reader.commit(
            job.delivery,
            state=encode(after) if after and after != call else None,
            state_seconds=RESUME_SECONDS if step.is_over else None,
            publications=[publication for outcome in outcomes for publication in outcome.publications],
        )
        if hearing:
            DECISION_SECONDS.observe(decided - began)
            PUBLISH_SECONDS.observe(time.monotonic() - decided)
        count(event.call_id, step, hearing, outcomes)
        return after

    async def _decided(
        self, told: ForkEvent | TakenOver, call: Conversation | None, hearing: Hearing | None
    ) -> Outcome:
        now = time.time()
        match told:
            case CallOpened() as event:
                return self._analyst.opened(event, call, now)
            case TakenOver() as event:
                return self._analyst.taken_over(event, call, now)
            case CallEvent() as event:
                return self._analyst.told(event, call, now)
            case CallClosed() as event:
                shown = None if call else await self._reader.shown(event.call_id)
                return self._analyst.closed(event, call, now, shown)
            case Utterance() as event:
                try:
                    heard = self._analyst.heard(event, call, hearing or Hearing(dropped=ERROR), now)
                    if not isinstance(heard, Question):
                        return heard
                    score = await self._scoring.score(heard.turn, heard.history)
                    return self._analyst.answered(heard, score, time.time())
                except Exception:
                    # One call's words must not end the work on all the others.
                    log.exception("analysis broke on utterance %d", event.sequence, extra=_of(event.call_id))
                    return self._analyst.failed(event, call, now)

    def _drop(self, call_id: str, lane: Lane) -> None:
        """Forget a call's events in hand: they are not acknowledged, so that somebody will get them again."""
        self._lanes.pop(call_id, None)
        self._seen.pop(call_id, None)
        for job in lane.jobs:
            if job.hearing:
                job.hearing.cancel()
        if lane.task:
            lane.task.cancel()

    def _count_calls(self) -> None:
        held, now = self._reader.held, time.monotonic()
        gone = [
            call_id
            for call_id, (partition, at) in self._seen.items()
            if partition not in held or now - at > FORGET_SECONDS
        ]
        for call_id in gone:
            del self._seen[call_id]
        CALLS.set(len(self._seen))


def _of(call_id: str) -> dict[str, str]:
    return {"call_id": call_id}
