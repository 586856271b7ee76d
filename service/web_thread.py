"""A small HTTP server on its own thread: one request per connection, answered at once regardless of other clients.

Connections are bounded in number, time and size, so that slow, silent or numerous clients neither delay others nor hold
resources for long.
"""

from __future__ import annotations

import asyncio
import http.client
import io
import logging
import re
import socket
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from functools import partial
from typing import Any

from service.owned_thread import OwnedThread
from service.strangers import Strangers

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]
"""A WSGI application. Runs on the server's thread, so it must not block. Its environ has only the method, path, query
and headers."""

CONNECTIONS = 64
"""Open at once. Above this, a connection without a request yet is closed (see `strangers`), else the oldest."""
EXCHANGE_SECONDS = 5.0
"""Longest time from a connection's start to the end of its response."""
HEAD_BYTES = 16_384
"""Largest request line plus headers."""
BACKLOG = 1_024
"""Connections waiting to be accepted."""
RETRY_SECONDS = 0.1

TOO_LONG = "431 Request Header Fields Too Large"
MALFORMED = "400 Bad Request"
BROKEN = "500 Internal Server Error"

_HEAD_END = re.compile(rb"\r?\n\r?\n")

log = logging.getLogger(__name__)


class WebThread:
    """Listens from construction, answers from `start` to `stop`."""

    def __init__(self, host: str, port: int, application: Application) -> None:
        """`port`: 0 picks a free one. Raises OSError if the address cannot be bound."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self._application = application
        self._open: dict[socket.socket, asyncio.Task[None]] = {}
        """Connections, oldest first."""
        self._silent: Strangers[socket.socket] = Strangers()
        """Connections that have not sent a full request yet."""
        self._end: Future[Callable[[], object]] = Future()
        """The function that ends the thread; set once it serves, cancelled if it never does."""
        self._thread = OwnedThread("health", self._run)
        self.ended = self._thread.ended
        """See `owned_thread.OwnedThread`."""

    def start(self) -> None:
        """Start answering."""
        self._thread.start()

    def stop(self) -> None:
        """Close all connections and wait until the thread has ended."""
        with suppress(CancelledError, RuntimeError):  # the thread has already ended
            self._end.result()()
        self._thread.join()
        self._listener.close()

    def _run(self) -> None:
        try:
            asyncio.run(self._answer_all())
        finally:
            self._end.cancel()

    async def _answer_all(self) -> None:
        accepting = asyncio.create_task(self._accept())
        self._end.set_result(partial(asyncio.get_running_loop().call_soon_threadsafe, accepting.cancel))
        with suppress(asyncio.CancelledError):
            await accepting

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, address = await loop.sock_accept(self._listener)
            except OSError:  # no free file descriptor, or the client is gone
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if len(self._open) >= CONNECTIONS:
                self._open.pop(self._silent.evict() or next(iter(self._open))).cancel()
            self._silent.add(connection, address[0])
            self._open[connection] = task = loop.create_task(self._serve(connection))
            task.add_done_callback(partial(self._over, connection))
            await asyncio.sleep(0)  # in a flood of connections, let the earlier ones run

    def _over(self, connection: socket.socket, task: asyncio.Task[None]) -> None:
        self._open.pop(connection, None)
        self._silent.discard(connection)
        connection.close()

    async def _serve(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with suppress(OSError):  # timed out, or the client is gone
            async with asyncio.timeout(EXCHANGE_SECONDS):
                head, end = bytearray(), None
                while not end and len(head) < HEAD_BYTES:
                    received = await loop.sock_recv(connection, HEAD_BYTES - len(head))
                    if not received:
                        return
                    begin = max(0, len(head) - 3)  # the end marker may span two reads
                    head += received
                    end = _HEAD_END.search(head, begin)
                self._silent.discard(connection)
                await loop.sock_sendall(connection, self._respond(bytes(head)) if end else _page(TOO_LONG))

    def _respond(self, head: bytes) -> bytes:
        """The complete response to a request."""
        try:
            environ = _environ(head)
        except (ValueError, http.client.HTTPException):
            return _page(MALFORMED)
        said: list[tuple[str, list[tuple[str, str]]]] = []
        try:
            body = b"".join(self._application(environ, lambda *status_and_headers: said.append(status_and_headers)))
            return _page(*said[0], body, environ["REQUEST_METHOD"] == "HEAD")
        except Exception:
            log.exception("failed to answer %s", environ["PATH_INFO"])
            return _page(BROKEN)


def _environ(head: bytes) -> dict[str, str]:
    """Parse a request head into a WSGI environ. Raises ValueError or HTTPException if it is malformed."""
    line, _, rest = head.partition(b"\n")
    method, target, version = line.decode("latin-1").split()
    if not version.startswith("HTTP/1."):
        raise ValueError(version)
    path, _, query = target.partition("?")
    headers = http.client.parse_headers(io.BytesIO(rest))
    told = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    return told | {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query}


def _page(status: str, headers: Iterable[tuple[str, str]] = (), body: bytes = b"", only_head: bool = False) -> bytes:
    """Build a response. `only_head`: omit the body, for HEAD."""
    fields = [*headers, ("Content-Length", str(len(body))), ("Connection", "close")]
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode("latin-1") + (b"" if only_head else body)
