"""The process: Redis followed, the page served, an end within a moment of SIGTERM."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from callbus.bus import Bus
from console.board import Board
from console.browsers import Browsers
from console.follower import Follower
from console.settings import ConsoleSettings, Settings
from console.site import site
from console.stream import EventStream
from service.process import Process
from service.settings import ConfigError

log = logging.getLogger(__name__)

SHUTDOWN_SECONDS = 2
CONNECTIONS_PER_BROWSER = 4
"""A page needs one for its events and a few, briefly, for its files."""


class _Server(uvicorn.Server):
    """Leaves the signals to service.process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def abort(self, client: Any) -> None:
        """Cut a client's connection at once: one that reads nothing would hold its buffers for ever."""
        for connection in list(self.server_state.connections):
            transport = getattr(connection, "transport", None)
            if transport is not None and getattr(connection, "client", None) == client:
                transport.abort()


async def work(settings: Settings, process: Process) -> None:
    """Serve the page until the process stops. Raises ConfigError."""
    console = settings.console
    console.check()
    listening = _listen(console)
    board = Board(console)
    browsers = Browsers(console.max_browsers, console.queue_events)

    def report(fault: str) -> None:
        if not process.stopping.is_set():
            process.unready = fault

    async with Bus(settings.redis) as bus:
        follower = Follower(bus, board, browsers, console.heartbeat_seconds, report)
        server: _Server
        events = EventStream(bus, board, browsers, follower, lambda client: server.abort(client))
        server = _Server(_config(console, site(console, board, follower, events)))
        following = [process.start(name, part) for name, part in follower.parts().items()]
        serving = process.start("the page's server", server.serve(sockets=[listening]))
        host, port = listening.getsockname()[:2]
        log.info("console: http://%s:%d", f"[{host}]" if ":" in host else host, port)
        try:
            await process.stopping.wait()
        finally:
            process.stopping.set()
            browsers.close()
            server.should_exit = True
            await asyncio.wait([serving])
            await process.end(*following)


def _config(console: ConsoleSettings, application: Any) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        http="h11",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level=logging.WARNING,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=CONNECTIONS_PER_BROWSER * (console.max_browsers + 4),
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )


def _listen(console: ConsoleSettings) -> socket.socket:
    host = console.host.strip("[]")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, console.port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, socket.SOCK_STREAM)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen(1_024)
        except OSError:
            listening.close()
            raise
    except socket.gaierror as error:
        raise ConfigError(f"console.host: {console.host}: {error.strerror}; name an address of this machine") from None
    except OSError as error:
        cause = "is taken" if error.errno == errno.EADDRINUSE else (error.strerror or str(error))
        key = "console.port" if error.errno in (errno.EADDRINUSE, errno.EACCES) else "console.host"
        raise ConfigError(f"{key}: {console.host}:{console.port} {cause}; choose another") from None
    listening.setblocking(False)
    return listening
