"""A connection to Redis that outlives Redis: every operation is tried again, with back-off, until it is done.

The one place that opens a Redis client. `fork_writer`, `fork_reader` and `feed` build on it.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self, TypeVar

from prometheus_client import Counter, Gauge
from redis import asyncio as redis
from redis.exceptions import TimeoutError

from callbus.redis.settings import Keys, RedisSettings
from callbus.redis.trouble import FAILURES, Parser, Trouble, trouble_of

log = logging.getLogger(__name__)

RECONNECTS = Counter("callvane_redis_reconnects_total", "Times that Redis was well again after some trouble.")
CONNECTED = Gauge("callvane_redis_connected", "1 while Redis does what it is asked, 0 while it does not.")
CONNECTED.set(0)
TROUBLE = Gauge("callvane_redis_trouble", "1 for what keeps Redis from doing what it is asked, else 0.", ["kind"])
for _kind in Trouble:
    TROUBLE.labels(_kind)

FIRST_DELAY_SECONDS = 0.05
LONGEST_DELAY_SECONDS = 2.0
SLOW_DELAY_SECONDS = 10.0
"""Between two tries at what will not pass by itself."""
SILENCE_SECONDS = 5.0
"""No blocking read asks Redis to wait longer than a third of this; an answer later than it is a lost Redis."""
SAID_AGAIN_SECONDS = 60.0
"""A trouble that comes and goes is told at most so often."""
CONNECTIONS = 32
"""Beyond that an operation waits for another one's end."""

T = TypeVar("T")


class Bus:
    """An open bus. Use as an asynchronous context manager; it opens even while Redis is away."""

    def __init__(self, settings: RedisSettings) -> None:
        self.settings = settings
        self.keys = Keys(settings.prefix)
        self.connected = False
        """Whether Redis has answered, and nothing that it was asked waits for a better moment."""
        self._troubled: dict[object, Trouble] = {}
        """By the operations that failed and are to be tried again, the earliest first."""
        self._told_at: dict[Trouble, float] = {}
        self._shown: Trouble | None = None
        self._told = False
        pool = redis.BlockingConnectionPool.from_url(
            settings.url,
            max_connections=CONNECTIONS,
            timeout=None,
            socket_connect_timeout=2.0,
            socket_timeout=SILENCE_SECONDS,
            health_check_interval=0,
            retry=None,
            protocol=2,
            parser_class=Parser,
        )
        # Its type says `str or bytes` of every reply; here all are bytes.
        self.client: Any = redis.Redis(connection_pool=pool)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.client.aclose(close_connection_pool=True)

    @property
    def unready(self) -> str:
        """Why Redis does not do what it is asked, in words; empty while it does."""
        if self._shown:
            return self._shown.said
        return "" if self.connected else "redis has not answered yet"

    async def persist(self, operation: Callable[[], Awaitable[T]], *, but: tuple[type[Exception], ...] = ()) -> T:
        """The result of `operation`, tried until Redis takes it; slowly where only people can help.

        `but`: errors that are answers, raised as they are. An operation may be done twice where an answer is lost.
        """
        delay, attempt = FIRST_DELAY_SECONDS, object()
        try:
            while True:
                try:
                    result = await operation()
                except but:
                    self.settle(attempt)
                    raise
                except FAILURES as error:
                    trouble = self.note(attempt, await self._cause(error))
                else:
                    self.settle(attempt)
                    _end_if_cancelled()
                    return result
                _end_if_cancelled()
                longest = LONGEST_DELAY_SECONDS if trouble.passes else SLOW_DELAY_SECONDS
                await asyncio.sleep(min(delay, longest) * random.uniform(0.5, 1.0))
                delay = min(2 * delay, SLOW_DELAY_SECONDS)
        finally:
            self._troubled.pop(attempt, None)  # given up: that says nothing of Redis

    async def _cause(self, error: Exception) -> Exception:
        """What stands behind an error: a Redis that lets nobody in breaks off a long request without saying why."""
        vague = (Trouble.AWAY, Trouble.REFUSED)
        for _ in range(2):  # the first may get the connection that was broken off
            if trouble_of(error) not in vague or isinstance(error, TimeoutError):  # who is silent is asked no more
                break
            try:
                await self.client.ping()
            except FAILURES as cause:
                error = cause
            else:
                break
        return error

    async def check(self) -> None:
        """Wait until Redis answers."""
        await self.persist(self.client.ping)

    def settle(self, attempt: object) -> None:
        """Note that Redis did what an attempt asked; one that is tried by other means than `persist` too."""
        self._troubled.pop(attempt, None)
        self.connected = not self._troubled
        self._show()

    def note(self, attempt: object, error: Exception) -> Trouble:
        """Note that it did not, until `settle`. Raises the error where it is none of Redis'."""
        trouble = self._troubled[attempt] = trouble_of(error)
        self.connected = False
        self._show(error)
        return trouble

    def _show(self, error: Exception | None = None) -> None:
        before, self._shown = self._shown, next(iter(self._troubled.values()), None)
        CONNECTED.set(self.connected)
        if self._shown is before:
            return
        for kind in Trouble:
            TROUBLE.labels(kind).set(kind is self._shown)
        if self._shown is None:
            RECONNECTS.inc()
            if self._told:
                log.info("redis is well again")
            self._told = False
            return
        now = time.monotonic()
        if now - self._told_at.get(self._shown, float("-inf")) >= SAID_AGAIN_SECONDS:
            self._told, self._told_at[self._shown] = True, now
            cure = "trying again" if self._shown.passes else f"trying again every {SLOW_DELAY_SECONDS:.0f} s"
            log.warning("%s (%s: %.200s): %s", self._shown.said, type(error).__name__, error, cure)


def _end_if_cancelled() -> None:
    """Raise the cancellation that the client swallowed.

    It sends through asyncio.wait_for, which on Python 3.11 forgets a cancellation that comes as the send completes:
    a task told to end would go on for ever.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
