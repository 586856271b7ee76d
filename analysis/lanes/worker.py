"""An analysis worker: reads what bridges wrote, keeps each call in order, works on many calls at once.

Every event is committed in one step with its results (transcript, alert, call state, detector state), so a worker may
die at any moment: another one resumes from the last commit. After a quiet period a call's state is read from Redis
again, never trusted from memory, since another worker may have held its partition meanwhile.

The events in hand are bounded (`in_hand`, and the queues before the features and the model), so a call moves on
however long its words or its score take. A call waits for its turn's score; other calls do not.

A fault costs only the outcome of the event that raised it. Less of that event is committed, so that it does not come
back and break the next worker.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import aclosing
from dataclasses import replace
from functools import partial

from prometheus_client import Counter, Histogram

from analysis.call.analyst import Outcome
from analysis.call.conversation import Conversation
from analysis.call.decision import Decisions, broke
from analysis.call.stored_state import decode, encode
from analysis.call.succession import RESUME_SECONDS, Step
from analysis.call.written import Wrote
from analysis.lanes.active import Active
from analysis.lanes.agents import Agents
from analysis.lanes.counting import count
from analysis.lanes.in_hand import InHand
from analysis.lanes.lane import Job, Lane
from analysis.words.recognition import ERROR, OVERLOAD, Recognition, Recognizer
from callbus import CallClosed, CallOpened, CallState, Contact, Utterance
from callbus.messages.wire import ForkEvent
from callbus.redis.commits import LeaseLost
from callbus.redis.contacts import Contacts
from callbus.redis.delivery import Delivery
from callbus.redis.foretelling import AheadReader
from callbus.redis.fork_reader import ForkReader
from service.faults import survived

log = logging.getLogger(__name__)

STATES_UNREADABLE = Counter(
    "callvane_call_states_unreadable_total", "Unreadable stored call states; the call started afresh."
)
LEASES_LOST = Counter("callvane_leases_lost_total", "Times work was dropped because another worker held the partition.")
ARRIVAL_SECONDS = Histogram(
    "callvane_arrival_seconds",
    "Time from the end of speech until a worker takes the utterance: hangover, bridge, Redis.",
    buckets=(0.1, 0.2, 0.3, 0.4, 0.45, 0.5, 0.6, 0.8, 1, 1.5, 2.5, 5, 10),
)
DECISION_SECONDS = Histogram(
    "callvane_decision_seconds",
    "Time to decide on an utterance's words, after the guards: turn, score, detector.",
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
PUBLISH_SECONDS = Histogram(
    "callvane_publish_seconds",
    "Time Redis takes to publish and commit an utterance's outcome.",
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
)


class Worker:
    """Belongs to one event loop. `read` until told to stop, then `finish`."""

    def __init__(
        self,
        reader: ForkReader,
        recognizer: Recognizer,
        decisions: Decisions,
        in_hand: InHand,
        contacts: Contacts,
        agents: Agents | None = None,
    ) -> None:
        """`agents`: None if nobody's load is kept."""
        self._reader = reader
        self._contacts = contacts
        self._agents = agents
        self._ear = recognizer
        self._decisions = decisions
        self._in_hand = in_hand
        self._lanes: dict[str, Lane] = {}
        self._active = Active()

    async def read(self) -> None:
        """Take events and work on them until cancelled; work in hand then continues."""
        async with aclosing(self._reader.deliveries()) as batches:
            async for batch in batches:
                for delivery in batch:
                    try:
                        self._take(delivery)
                    except Exception:
                        broke(delivery.event)
                self._active.count(self._reader.held)

    async def read_ahead(self, told: AheadReader) -> None:
        """Start to read what bridges tell ahead of its end, until cancelled. It is outside of the calls' order."""
        async with aclosing(told.utterances()) as utterances:
            async for utterance in utterances:
                try:
                    seen = self._active.find(utterance.call_id)
                    if seen and seen.recording_id == utterance.recording_id:
                        self._ear.read_ahead(utterance, seen.spoken)
                except Exception:
                    survived("ahead", log, utterance.call_id)

    async def finish(self, seconds: float) -> None:
        """Finish what is in hand within this time; the rest is left to another worker."""
        working = [lane.task for lane in self._lanes.values() if lane.task]
        if working:
            await asyncio.wait(working, timeout=seconds)
        left = [lane.task for lane in self._lanes.values() if lane.task]
        for call_id, lane in list(self._lanes.items()):
            log.warning("%d events left unfinished for another worker", len(lane), extra=_of(call_id))
            self._drop(call_id, lane)
        if left:
            await asyncio.wait(left)

    def _take(self, delivery: Delivery) -> None:
        event = delivery.event
        if isinstance(event, Utterance):
            ARRIVAL_SECONDS.observe(max(0.0, time.time() - event.ended_at))
        lane = self._lanes.get(event.call_id)
        if lane is None:
            lane = self._lanes[event.call_id] = Lane(delivery.partition)
            lane.task = asyncio.create_task(self._work(event.call_id, lane))
        self._in_hand.take(Job(delivery), lane)
        self._begin(event.call_id, lane)

    def _begin(self, call_id: str, lane: Lane) -> None:
        """Compute each event's effect on the call, and start recognizing what is to be heard."""
        for job, step in lane.begin():
            if (heard := step.recordings.heard) is None:
                self._active.forget(call_id)
            else:
                self._active.saw(call_id, lane.partition, heard.recording_id, lane.spoken)
            if step.events and isinstance(utterance := step.events[-1], Utterance) and not job.is_shed:
                job.recognition = asyncio.create_task(self._ear.listen(utterance, lane.spoken, lane.queue))
                job.recognition.add_done_callback(partial(self._heard, job))
            elif not job.is_shed:
                self._in_hand.heard(job, has_words=bool(step.events) and isinstance(step.events[-1], Wrote))

    def _heard(self, job: Job, recognition: asyncio.Task[Recognition]) -> None:
        dropped = ERROR if recognition.cancelled() or recognition.exception() else recognition.result().dropped
        self._in_hand.heard(job, has_words=not dropped, is_overload=dropped == OVERLOAD)

    async def _work(self, call_id: str, lane: Lane) -> None:
        """Process a call's events one by one until none is in hand."""
        try:
            call = await self._restored(call_id, lane.partition)
            lane.restore(call)
            self._begin(call_id, lane)
            while lane.jobs:
                try:
                    call = await self._finish(lane.jobs[0], call)
                    lane.learn(call)
                    self._active.learn(call_id, lane.spoken)
                except LeaseLost:
                    raise
                except Exception:  # Redis rejects even the acknowledgement
                    broke(lane.jobs[0].delivery.event)
                self._in_hand.let_go(lane.finished())
        except LeaseLost:
            LEASES_LOST.inc()
            log.warning("partition %d now belongs to another worker", lane.partition)
            for other, held in list(self._lanes.items()):
                if held.partition == lane.partition and held is not lane:
                    self._drop(other, held)
            lane.task = None
            self._drop(call_id, lane)
        else:
            del self._lanes[call_id]

    async def _restored(self, call_id: str, partition: int) -> Conversation | None:
        try:
            stored = await self._reader.state(call_id, partition)
            return None if stored is None else decode(stored)
        except Exception as error:  # whatever is stored, the call continues
            STATES_UNREADABLE.inc()
            log.warning("stored call state is unreadable, the call starts afresh: %.300s", error, extra=_of(call_id))
            return None

    async def _finish(self, job: Job, call: Conversation | None) -> Conversation | None:
        """Commit the results of an event; returns the call after it. Raises LeaseLost.

        On a fault the call's state stays, and only what can be published without the fault is committed; as a last
        resort only the acknowledgement, so that the event does not come back and break the next worker.
        """
        recognition = await job.heard()
        delivery = job.delivery  # its audio is gone once recognized
        if job.step:
            try:
                return await self._commit(delivery, job.step, call, recognition, job)
            except LeaseLost:
                raise
            except Exception:
                broke(delivery.event)
        for known in (call, None):
            try:
                outcome = self._decisions.failed(delivery.event, known)
                await self._reader.commit(delivery, publications=outcome.publications)
            except LeaseLost:
                raise
            except Exception:
                broke(delivery.event)
            else:
                return call
        await self._reader.commit(delivery)
        return call

    async def _commit(
        self, delivery: Delivery, step: Step, call: Conversation | None, recognition: Recognition | None, job: Job
    ) -> Conversation | None:
        began = time.monotonic()
        outcomes: list[Outcome] = []
        after = None if step.is_new else call
        shown, counted = await self._shown(delivery.event, step, after), await self._counted(step, after)
        for told in step.events:
            outcomes.append(await self._decisions.outcome(told, after, recognition, job.answer, shown, counted))
            after = outcomes[-1].call
        if shown and not step.events:
            outcomes.append(await self._decisions.outcome(delivery.event, None, None, job.answer, shown))
        decided = time.monotonic()
        self._in_hand.heard(job, has_words=False)  # waits for nothing more, so it cannot be shed
        after = replace(after, recordings=step.recordings) if after else None
        await self._reader.commit(
            delivery,
            state=encode(after) if after and after != call else None,
            state_seconds=RESUME_SECONDS if step.is_over else None,
            idle_seconds=after.ends_after_seconds if after else None,
            publications=[publication for outcome in outcomes for publication in outcome.publications],
        )
        try:
            if recognition:
                DECISION_SECONDS.observe(decided - began)
                PUBLISH_SECONDS.observe(time.monotonic() - decided)
            count(delivery.event, step, recognition, outcomes)
        except Exception:  # it is committed regardless
            broke(delivery.event)
        if self._agents:
            await self._agents.tell(step.events, after)
        return after

    async def _shown(self, event: ForkEvent, step: Step, call: Conversation | None) -> CallState | None:
        """The call as the board shows it, if it is closed and nothing else is known of it, or it is over already.

        One that is over is still on the board if a replica took over that had not got its end.
        """
        is_over = step.recordings.heard is None and not step.events
        return (
            await self._reader.shown(event.call_id)
            if isinstance(event, CallClosed) and (call is None or is_over)
            else None
        )

    async def _counted(self, step: Step, call: Conversation | None) -> Contact | None:
        """The caller's contacts, if they become known with this event, or could not be counted before."""
        opening = next((each for each in step.events if isinstance(each, CallOpened) and each.caller), None)
        if opening is None or (call and call.contact and call.contact.earlier is not None):
            return None
        return await self._contacts.count(opening.caller, opening.call_id)

    def _drop(self, call_id: str, lane: Lane) -> None:
        """Forget a call's events in hand. They are not acknowledged, so they will be delivered again."""
        self._lanes.pop(call_id, None)
        self._active.forget(call_id)
        while lane.jobs:
            job = lane.finished()
            job.give_up()
            self._in_hand.let_go(job)
        if lane.task:
            lane.task.cancel()


def _of(call_id: str) -> dict[str, str]:
    return {"call_id": call_id}
