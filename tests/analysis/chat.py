"""A real HTTP server in the place of a model's: it answers as a test says, and keeps what it was asked."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Request:
    """What came over one connection."""

    line: str
    headers: dict[str, str]
    body: Any
    """What JSON says; of another content type, the bytes."""


Answer = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


def completion(content: str | None, **message: Any) -> bytes:
    """The body of a chat completion."""
    return json.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "choices": [
                {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content, **message}}
            ],
            "usage": {"total_tokens": 300},
        }
    ).encode()


def judged(unhappy: int = 90, neutral: int = 10, pleased: int = 0, feeling: str = "anger", **more: Any) -> str:
    """What a model says of a turn."""
    return json.dumps({"feeling": feeling, "unhappy": unhappy, "neutral": neutral, "pleased": pleased, **more})


def http(body: bytes, status: str = "200 OK", headers: str = "") -> bytes:
    """A whole response."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


async def late(_request: Request, _writer: asyncio.StreamWriter) -> None:
    """Answer long after anybody waits."""
    await asyncio.sleep(60)


def drips(beginning: bytes) -> Answer:
    """After this, a byte at a time without end."""

    async def answer(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(beginning)
        while not writer.transport.is_closing():
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.01)

    return answer


drip = drips(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
"""A body byte by byte."""


async def reset(_request: Request, writer: asyncio.StreamWriter) -> None:
    """Break the connection off."""
    writer.transport.abort()


def always(response: bytes) -> Answer:
    """The same to every question."""

    async def answer(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(response)

    return answer


@dataclass(slots=True)
class Model:
    """The server's side."""

    url: str
    answer: Answer
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    most_at_once: int = 0
    at_once: int = 0
    serving: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side ends it."""
        self.connections += 1
        task = asyncio.current_task()
        assert task
        self.serving.add(task)
        try:
            await self._answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            line, *rest = head.decode("latin-1").strip().split("\r\n")
            headers = {name.lower(): value for name, value in (one.split(": ", 1) for one in rest)}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            is_json = headers.get("content-type") == "application/json"
            self.requests.append(Request(line, headers, json.loads(body) if is_json else body))
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            try:
                await self.answer(self.requests[-1], writer)
                await writer.drain()
            finally:
                self.at_once -= 1


@asynccontextmanager
async def model(answer: Answer, port: int = 0) -> AsyncIterator[Model]:
    """A server on loopback."""
    made = Model("", answer)
    server = await asyncio.start_server(made.serve, "127.0.0.1", port)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield made
    finally:
        server.close()
        for task in made.serving:
            task.cancel()
        await asyncio.gather(*made.serving)
