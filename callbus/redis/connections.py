"""The connections to Redis: how many, how long each may be silent, and that a task which uses one can be cancelled."""

from __future__ import annotations

import asyncio
from typing import Any

from redis import asyncio as redis

from callbus.redis.trouble import Parser

CONNECT_SECONDS = 2.0
SILENCE_SECONDS = 5.0
"""No blocking read waits longer than a third of this in Redis. Without an answer by then, Redis is lost."""
CONNECTIONS = 32
"""Beyond this, an operation waits for another to finish."""


class _Cancellable:
    """A connection that raises the cancellation which the client swallowed.

    The client sends through asyncio.wait_for, which on Python 3.11 loses a cancellation that arrives as the send
    completes (CPython issue 86296). The task would then never end, nor who waits for it.
    """

    async def send_packed_command(self, *arguments: Any, **options: Any) -> None:
        task = asyncio.current_task()
        before = task.cancelling() if task else 0
        await super().send_packed_command(*arguments, **options)  # type: ignore[misc]
        if task and task.cancelling() > before:
            await self.disconnect(nowait=True)  # type: ignore[attr-defined]  # nobody will read the answer
            raise asyncio.CancelledError


def pool(url: str) -> redis.ConnectionPool:
    """Connections to what the URL names, none of them open yet."""
    made = redis.BlockingConnectionPool.from_url(
        url,
        max_connections=CONNECTIONS,
        timeout=None,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=SILENCE_SECONDS,
        health_check_interval=0,
        retry=None,
        protocol=2,
        parser_class=Parser,
    )
    # By the URL's scheme they are of one of three classes: TCP, TLS, Unix socket.
    made.connection_class = type("Connection", (_Cancellable, made.connection_class), {})
    return made
