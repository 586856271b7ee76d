"""A call with events in hand, in order."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TypeVar

from analysis.call.conversation import Conversation
from analysis.call.recording_state import Recordings
from analysis.call.succession import Step, step
from analysis.words.language import Spoken
from analysis.words.passage import Shed
from analysis.words.recognition import ERROR, OVERLOAD, UNHEARD, Recognition
from callbus import Utterance
from callbus.messages.wire import NAMES
from callbus.redis.delivery import Delivery
from service.faults import survived

log = logging.getLogger(__name__)

T = TypeVar("T")


class Abandoned(Exception):
    """Somebody cancelled what the call waited for, though not the call's own work: that is a fault like another."""


@dataclass(slots=True, eq=False)
class Job:
    """One event of a call."""

    delivery: Delivery
    step: Step | None = None
    """Its effect on the call; None before the call's state is read, or if computing it failed."""
    recognition: asyncio.Task[Recognition] | None = None
    """Starts when the event arrives, regardless of earlier events; only for utterances that are heard."""
    is_shed: bool = False
    """Whether too much is in hand; its words are then no longer awaited."""
    _asking: asyncio.Task[object] | None = None
    """What its call is waiting for now, besides the recognition."""

    @property
    def audio_bytes(self) -> int:
        """Size of its audio."""
        event = self.delivery.event
        return len(event.pcm) if isinstance(event, Utterance) else 0

    def let_go_of_audio(self) -> None:
        """Drop the audio: it has been recognized, or never will be."""
        if isinstance(event := self.delivery.event, Utterance):
            self.delivery = replace(self.delivery, event=replace(event, pcm=b""))
        if self.step:
            told = (replace(each, pcm=b"") if isinstance(each, Utterance) else each for each in self.step.events)
            self.step = replace(self.step, events=tuple(told))

    def shed(self) -> None:
        """Give up its words and any score its call is waiting for."""
        self.is_shed = True
        self.give_up()
        self.let_go_of_audio()

    def give_up(self) -> None:
        """Cancel its running tasks."""
        for task in (self.recognition, self._asking):
            if task:
                task.cancel()

    async def heard(self) -> Recognition | None:
        """What was recognized in it; None if there was nothing to recognize."""
        if self.is_shed:
            return Recognition(dropped=OVERLOAD)
        if self.recognition is None:
            return None
        try:
            return await self._outcome(self.recognition)
        except Shed:
            return Recognition(dropped=OVERLOAD)
        except Exception:
            survived("utterance", log, self.delivery.event.call_id)
            return Recognition(dropped=ERROR)

    async def answer(self, asking: asyncio.Task[T]) -> T:
        """The result of a task that the event waits for. Raises Shed if it is shed meanwhile, and Abandoned."""
        self._asking = asking
        if self.is_shed:
            asking.cancel()
        try:
            return await self._outcome(asking)
        finally:
            self._asking = None

    async def _outcome(self, task: asyncio.Task[T]) -> T:
        try:
            outcome = await task
        except asyncio.CancelledError:
            if (own := asyncio.current_task()) and own.cancelling():
                raise
            if self.is_shed:
                raise Shed from None
            raise Abandoned from None
        if self.is_shed:
            raise Shed
        return outcome


@dataclass(slots=True)
class Lane:
    """A call being processed."""

    partition: int
    jobs: deque[Job] = field(default_factory=deque)
    task: asyncio.Task[None] | None = None
    is_restored: bool = False
    spoken: Spoken = UNHEARD
    """What is known of its language, as last committed; utterances in hand may know more."""
    queue: str = ""
    """The call's, as last committed."""
    _begun: int = 0
    """How many jobs, from the first on, have their step."""
    _recordings: Recordings | None = None
    """After those jobs, even while they wait for their words."""

    def __len__(self) -> int:
        return len(self.jobs)

    def restore(self, call: Conversation | None) -> None:
        """Start from the state stored in Redis."""
        self._recordings = call.recordings if call else None
        self.learn(call)
        self.is_restored = True

    def learn(self, call: Conversation | None) -> None:
        """Take over what is known of the call's language and queue."""
        self.spoken, self.queue = (call.spoken, call.queue) if call else (UNHEARD, "")

    def begin(self) -> Iterator[tuple[Job, Step]]:
        """Compute each new event's effect on the call, in order; nothing before `restore`."""
        while self.is_restored and self._begun < len(self.jobs):
            job = self.jobs[self._begun]
            self._begun += 1
            event = job.delivery.event
            try:
                job.step = step(self._recordings, event, job.delivery.at)
            except Exception:
                survived(NAMES[type(event)], log, event.call_id)
                continue
            self._recordings = job.step.recordings
            yield job, job.step

    def finished(self) -> Job:
        """Remove the first job: it is committed or given up."""
        self._begun -= 1
        return self.jobs.popleft()
