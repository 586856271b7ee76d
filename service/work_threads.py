"""Threads that run jobs for an event loop, one at a time each, and how long each has been busy.

The standard library's pools keep a process from exiting while one of their threads hangs, and keep cancelled jobs in
their queue until a thread reaches them.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from threading import Condition
from typing import Any, TypeVar

from prometheus_client import Gauge

from service.owned_thread import OwnedThread

log = logging.getLogger(__name__)

BUSY_SECONDS = Gauge(
    "callvane_thread_busy_seconds",
    "How long the current job of a thread has been running, the longest per kind; 0 when idle.",
    ["kind"],
)

T = TypeVar("T")


class WorkThreads:
    """`count` threads of one kind, started with the first job. Belongs to one event loop."""

    def __init__(self, kind: str, count: int = 1, clock: Callable[[], float] = time.monotonic) -> None:
        self.kind = kind
        self._clock = clock
        self._began: list[float | None] = [None] * count
        """When each thread's job started; None while it is idle."""
        self._waiting: dict[Future[Any], tuple[int, Callable[[], Any]]] = {}
        """Jobs that no thread has started, oldest first, each with its rank."""
        self._more = Condition()
        self._is_over = False
        self._threads: list[OwnedThread] = []
        BUSY_SECONDS.labels(kind).set_function(self.busy_seconds)

    def __len__(self) -> int:
        """Number of jobs that wait for a thread."""
        return len(self._waiting)

    def busy_seconds(self) -> float:
        """How long the oldest running job has been running; 0 if none is. Any thread."""
        now = self._clock()
        return max([0.0, *(now - began for began in self._began if began is not None)])

    async def run(self, work: Callable[[], T], rank: int = 0) -> T:
        """Run `work` on one of the threads; return its result or raise its exception. Cancellable until it starts.

        Of the jobs that wait, the oldest of the lowest rank starts next.
        """
        future: Future[T] = Future()
        with self._more:
            self._waiting[future] = (rank, work)
            self._more.notify()
        if not self._threads:
            self._begin()
        try:
            return await asyncio.wrap_future(future)
        finally:
            with self._more:
                self._waiting.pop(future, None)

    def end(self) -> None:
        """Start no more jobs, and cancel those that wait."""
        with self._more:
            self._is_over = True
            given_up = list(self._waiting)
            self._waiting.clear()
            self._more.notify_all()
        for future in given_up:
            future.cancel()

    async def ended(self, seconds: float) -> None:
        """After `end`, wait up to `seconds` for the running jobs. A thread that takes longer is abandoned."""
        ends = [asyncio.wrap_future(thread.ended) for thread in self._threads]
        if ends and (await asyncio.wait(ends, timeout=seconds))[1]:
            log.warning("the %s thread hangs; abandoning it", self.kind)

    def _begin(self) -> None:
        for place in range(len(self._began)):
            thread = OwnedThread(f"{self.kind}_{place}", partial(self._work, place))
            self._threads.append(thread)
            thread.start()

    def _work(self, place: int) -> None:
        while given := self._next():
            future, work = given
            if not future.set_running_or_notify_cancel():
                continue
            self._began[place] = self._clock()
            try:
                result = work()
            except BaseException as error:  # the caller must learn of any exception
                self._began[place] = None
                future.set_exception(error)
            else:
                self._began[place] = None
                future.set_result(result)

    def _next(self) -> tuple[Future[Any], Callable[[], Any]] | None:
        """Wait for a job and return the next; None after `end`."""
        with self._more:
            while not self._waiting:
                if self._is_over:
                    return None
                self._more.wait()
            future = min(self._waiting, key=lambda job: self._waiting[job][0])  # the first of several
            return future, self._waiting.pop(future)[1]
