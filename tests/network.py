"""The network between Redis and its clients, which a test may cut, slow down, or have swallow an answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path


class Link:
    """A TCP port of 127.0.0.1 that leads to a Redis' Unix socket. Belongs to one event loop."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket
        """Where new connections lead; a failover changes it, and then `drop` ends the old ones."""
        self.delay_seconds = 0.0
        """How late each piece of an answer arrives."""
        self.swallowed = 0
        """Answers that have not arrived so far."""
        self._swallow = 0
        self._command = b""
        self._open = asyncio.Event()
        self._open.set()
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Of the Redis behind it."""
        assert self._server is not None
        return f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def cut(self) -> None:
        """Let nothing through, in either direction, and say nothing of it to anybody, as a dead switch does."""
        self._open.clear()

    def mend(self) -> None:
        """Let new connections through; those that were cut end."""
        self.drop()
        self._open.set()

    def drop(self) -> None:
        """End all connections."""
        for task, to_client in self._connections.items():
            task.cancel()
            to_client.close()  # a task that is cancelled before its first step closes nothing

    def swallow(self, answers: int, command: bytes = b"EVALSHA") -> None:
        """Have so many of the next commands done, but end their connections instead of passing the answers on."""
        self._swallow, self._command = answers, command

    def accept(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        """Serve a connection."""
        task = asyncio.create_task(self._serve(client, to_client))
        self._connections[task] = to_client
        task.add_done_callback(self._connections.pop)

    async def _serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        to_redis = None
        try:
            redis, to_redis = await asyncio.open_unix_connection(self.socket)
            lost = asyncio.Event()
            async with asyncio.TaskGroup() as group:
                asking = group.create_task(self._ask(client, to_redis, lost))
                answering = group.create_task(self._answer(redis, to_client, lost))
                await asyncio.wait([asking, answering], return_when=asyncio.FIRST_COMPLETED)
                asking.cancel()
                answering.cancel()
        except (OSError, asyncio.CancelledError, ExceptionGroup):
            pass  # one of the two has gone, or the test has ended it
        finally:
            for writer in filter(None, (to_client, to_redis)):
                writer.close()

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lost: asyncio.Event) -> None:
        while asked := await reader.read(1 << 16):
            await self._open.wait()
            if self._swallow and self._command in asked:
                self._swallow -= 1
                lost.set()
            writer.write(asked)
            await writer.drain()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lost: asyncio.Event) -> None:
        while answer := await reader.read(1 << 16):
            await self._open.wait()
            if lost.is_set():
                self.swallowed += 1
                return
            if self.delay_seconds:
                await asyncio.sleep(self.delay_seconds)
            writer.write(answer)
            await writer.drain()


@asynccontextmanager
async def link(socket: Path) -> AsyncIterator[Link]:
    """A link that is up."""
    made = Link(socket)
    made._server = await asyncio.start_server(made.accept, "127.0.0.1", 0)
    try:
        yield made
    finally:
        made._server.close()
        made.drop()
        made._open.set()
        with suppress(TimeoutError):
            await asyncio.wait_for(made._server.wait_closed(), 5)
