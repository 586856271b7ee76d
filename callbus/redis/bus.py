"""A connection that survives Redis outages: it retries every operation with back-off until it succeeds.

The only module that makes a Redis client. `fork_writer`, `fork_reader` and `subscription` build on it.
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

from callbus.redis.connections import pool
from callbus.redis.settings import Keys, RedisSettings
from callbus.redis.trouble import FAILURES, Trouble, trouble_of

log = logging.getLogger(__name__)

RECONNECTS = Counter("callvane_redis_reconnects_total", "Recoveries of Redis after trouble.")
CONNECTED = Gauge("callvane_redis_connected", "1 while Redis works, else 0.")
CONNECTED.set(0)
TROUBLE = Gauge("callvane_redis_trouble", "1 for the trouble Redis has now, else 0.", ["kind"])
for _kind in Trouble:
    TROUBLE.labels(_kind)

FIRST_DELAY_SECONDS = 0.05
LONGEST_DELAY_SECONDS = 2.0
SLOW_DELAY_SECONDS = 10.0
"""Between two tries if waiting alone does not help."""
SAID_AGAIN_SECONDS = 60.0
"""A recurring trouble is logged at most this often."""

T = TypeVar("T")


class Bus:
    """An open bus, used as an asynchronous context manager. Opens even while Redis is unavailable."""

    def __init__(self, settings: RedisSettings) -> None:
        self.settings = settings
        self.keys = Keys(settings.prefix)
        self.connected = False
        """Whether Redis has answered and no operation is being retried."""
        self._troubled: dict[object, Trouble] = {}
        """By failed operation that is being retried, earliest first."""
        self._told_at: dict[Trouble, float] = {}
        self._shown: Trouble | None = None
        self._told = False
        # The stubs type every reply as `str or bytes`; here all are bytes.
        self.client: Any = redis.Redis(connection_pool=pool(settings.url))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.client.aclose(close_connection_pool=True)

    @property
    def unready(self) -> str:
        """Why Redis does not work, in words; empty while it works."""
        if self._shown:
            return self._shown.said
        return "" if self.connected else "redis has not answered yet"

    async def persist(self, operation: Callable[[], Awaitable[T]], *, but: tuple[type[Exception], ...] = ()) -> T:
        """The result of `operation`, retried until Redis accepts it; slowly if only an operator can help.

        `but`: errors that count as answers and are raised. An operation may run twice if its answer is lost.
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
                    delay = await self.hold(attempt, error, delay)
                else:
                    self.settle(attempt)
                    return result
        finally:
            self.abandon(attempt)

    async def hold(self, attempt: object, error: Exception, delay: float = FIRST_DELAY_SECONDS) -> float:
        """Record a failed attempt and wait before the next one; the delay to give after that one fails."""
        trouble = self.note(attempt, await self._cause(error))
        if trouble.is_elsewhere:  # redis.url may lead to another server by now, and open connections do not
            await self.client.connection_pool.disconnect(inuse_connections=False)
        longest = LONGEST_DELAY_SECONDS if trouble.passes else SLOW_DELAY_SECONDS
        await asyncio.sleep(min(delay, longest) * random.uniform(0.5, 1.0))
        return min(2 * delay, SLOW_DELAY_SECONDS)

    async def _cause(self, error: Exception) -> Exception:
        """The cause of an error. A Redis that denies access drops the connection on a long request and says nothing."""
        vague = (Trouble.AWAY, Trouble.REFUSED)
        for _ in range(2):  # the first may get the closed connection
            if trouble_of(error) not in vague or isinstance(error, TimeoutError):  # no use asking who is silent
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
        """Record that an attempt succeeded, made through `persist` or otherwise."""
        self._troubled.pop(attempt, None)
        self.connected = not self._troubled
        self._show()

    def abandon(self, attempt: object) -> None:
        """Forget an attempt that nobody makes any more: it says nothing about Redis."""
        self._troubled.pop(attempt, None)

    def note(self, attempt: object, error: Exception) -> Trouble:
        """Record a failed attempt, until `settle`. Raises the error if it is not from Redis."""
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
                log.info("redis works again")
            self._told = False
            return
        now = time.monotonic()
        if now - self._told_at.get(self._shown, float("-inf")) >= SAID_AGAIN_SECONDS:
            self._told, self._told_at[self._shown] = True, now
            cure = "trying again" if self._shown.passes else f"trying again every {SLOW_DELAY_SECONDS:.0f} s"
            cause = ": ".join(filter(None, [type(error).__name__, str(error)[:200]]))
            log.warning("%s (%s): %s", self._shown.said, cause, cure)
