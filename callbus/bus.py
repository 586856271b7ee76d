"""A connection to Redis that outlives Redis: every operation is tried again, with back-off, until it is done.

The one place that opens a Redis client. `fork_writer`, `fork_reader` and `feed` build on it.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self, TypeVar

from prometheus_client import Counter, Gauge
from redis import asyncio as redis
from redis.exceptions import AuthenticationError, BusyLoadingError, RedisError, ResponseError

from callbus.settings import Keys, RedisSettings

log = logging.getLogger(__name__)

RECONNECTS = Counter("callvane_redis_reconnects_total", "Times that Redis answered again after it was lost.")
CONNECTED = Gauge("callvane_redis_connected", "1 while Redis answers, 0 while it does not.")
CONNECTED.set(0)

FIRST_DELAY_SECONDS = 0.05
LONGEST_DELAY_SECONDS = 2.0
SILENCE_SECONDS = 5.0
"""No blocking read asks Redis to wait longer than a third of this; an answer later than it is a lost Redis."""

T = TypeVar("T")


class Bus:
    """An open bus. Use as an asynchronous context manager; it opens even while Redis is away."""

    def __init__(self, settings: RedisSettings) -> None:
        self.settings = settings
        self.keys = Keys(settings.prefix)
        self.connected = False
        self._lost = False
        # Its type says `str or bytes` of every reply; here all are bytes.
        self.client: Any = redis.Redis.from_url(
            settings.url,
            socket_connect_timeout=2.0,
            socket_timeout=SILENCE_SECONDS,
            health_check_interval=0,
            retry=None,
            protocol=2,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.client.aclose()

    async def persist(self, operation: Callable[[], Awaitable[T]]) -> T:
        """The result of `operation`, tried until Redis takes it.

        A refusal that another try cannot cure (a wrong command or type) is raised as redis.ResponseError.
        """
        delay = FIRST_DELAY_SECONDS
        while True:
            try:
                result = await operation()
            except (RedisError, OSError) as error:
                if isinstance(error, ResponseError) and not _passes(error):
                    raise
                self._mark_lost(error)
            else:
                self.mark_connected()
                _end_if_cancelled()
                return result
            _end_if_cancelled()
            await asyncio.sleep(delay * random.uniform(0.5, 1.0))
            delay = min(2 * delay, LONGEST_DELAY_SECONDS)

    async def check(self) -> None:
        """Wait until Redis answers."""
        await self.persist(self.client.ping)

    def mark_connected(self) -> None:
        """Note that Redis answered."""
        if self._lost:
            self._lost = False
            RECONNECTS.inc()
            log.info("redis is back")
        if not self.connected:
            self.connected = True
            CONNECTED.set(1)

    def _mark_lost(self, error: Exception) -> None:
        if not self._lost:
            self._lost = True
            cure = "check the password in redis.url" if isinstance(error, AuthenticationError) else "trying again"
            log.warning("redis does not answer at redis.url (%s: %.200s): %s", type(error).__name__, error, cure)
        self.connected = False
        CONNECTED.set(0)


def _end_if_cancelled() -> None:
    """Raise the cancellation that the client swallowed.

    It sends through asyncio.wait_for, which on Python 3.11 forgets a cancellation that comes as the send completes:
    a task told to end would go on for ever.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _passes(error: ResponseError) -> bool:
    """Whether a refusal is of the moment: Redis loading, full, demoted to replica, or a password being changed."""
    return isinstance(error, BusyLoadingError | AuthenticationError) or str(error).startswith(
        ("LOADING", "OOM", "READONLY", "MASTERDOWN", "MISCONF", "NOAUTH", "TRYAGAIN", "BUSY")
    )
