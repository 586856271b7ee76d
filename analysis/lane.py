"""A call that has events in hand, in their order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from analysis.conversation import Conversation
from analysis.ear import Hearing
from analysis.recordings import Recordings
from analysis.succession import Step, step
from callbus.fork_reader import Delivery


@dataclass(slots=True)
class Job:
    """One event of a call, known for what it is to the call."""

    delivery: Delivery
    step: Step
    hearing: asyncio.Task[Hearing] | None = None
    """Under way since the event came, whatever waits before it in the call; only of utterances that are heard."""


@dataclass(slots=True)
class Lane:
    """A call at work."""

    partition: int
    jobs: deque[Job] = field(default_factory=deque)
    arrived: deque[Delivery] = field(default_factory=deque)
    """Behind the jobs: events that wait for the call's state to be read."""
    task: asyncio.Task[None] | None = None
    is_restored: bool = False
    _recordings: Recordings | None = None
    """After all jobs, those included that wait for their words."""

    def __len__(self) -> int:
        return len(self.jobs) + len(self.arrived)

    def restore(self, call: Conversation | None) -> None:
        """Begin with the state that stands in Redis."""
        self._recordings = call.recordings if call else None
        self.is_restored = True

    def begin(self) -> Iterator[Job]:
        """Jobs of what has arrived, in its order; none before `restore`."""
        while self.is_restored and self.arrived:
            delivery = self.arrived.popleft()
            job = Job(delivery, step(self._recordings, delivery.event, delivery.at))
            self._recordings = job.step.recordings
            self.jobs.append(job)
            yield job
