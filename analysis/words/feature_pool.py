"""The threads that hear utterances before the model reads them: customers' first, agents' not for ever."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, TypeVar

from analysis.words.passage import Shed
from analysis.words.strain import Strain
from analysis.words.waiting import BUSY_SECONDS, PATIENCE_SECONDS, STRAIN_SECONDS
from callbus import Role
from service.work_threads import WorkThreads

T = TypeVar("T")


class FeaturePool:
    """Bounded: of `limit` utterances at most half are agents'. Belongs to one event loop.

    While agents' utterances keep waiting for more than PATIENCE_SECONDS, those that have are left out, oldest first.
    """

    def __init__(self, threads: int, limit: int) -> None:
        self._limit = limit
        self._waiting = 0
        self._agents: dict[asyncio.Future[Any], float] = {}
        """Their work and since when it waits, oldest first."""
        self._strain = Strain(PATIENCE_SECONDS, BUSY_SECONDS, STRAIN_SECONDS)
        self.threads = WorkThreads("features", threads)

    @property
    def waiting(self) -> int:
        """Utterances that are heard now, or wait for it."""
        return self._waiting

    @property
    def seconds_waiting(self) -> float:
        """How long the oldest of the agents' utterances has waited."""
        return time.monotonic() - next(iter(self._agents.values()), time.monotonic())

    async def run(self, work: Callable[[], T], role: Role) -> T:
        """Do the work on an utterance of this role. Raises Shed if there is too much, and what `work` raises."""
        is_agents = role is Role.AGENT
        if self._waiting >= (self._limit // 2 if is_agents else self._limit):
            raise Shed
        self._leave_out()
        job: asyncio.Future[T] = asyncio.ensure_future(self.threads.run(work, rank=int(is_agents)))
        if is_agents:
            self._agents[job] = time.monotonic()
        self._waiting += 1
        try:
            return await job
        except asyncio.CancelledError:
            if (own := asyncio.current_task()) and own.cancelling():
                raise
            raise Shed from None
        finally:
            self._waiting -= 1
            self._agents.pop(job, None)

    def _leave_out(self) -> None:
        if not self._strain.note(self.seconds_waiting, time.monotonic()):
            return
        for job, since in list(self._agents.items()):
            if time.monotonic() - since <= PATIENCE_SECONDS:
                return
            del self._agents[job]
            job.cancel()
