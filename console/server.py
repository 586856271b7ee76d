"""The process: follows Redis, serves the page, and stops within moments of SIGTERM."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import uvicorn

from callbus.redis.bus import Bus
from console.access.connection import STRANGERS, Connection
from console.access.gate import REFUSED
from console.agent.desk import Desk
from console.agent.link import key_of
from console.live.board import Board
from console.live.browsers import Browsers
from console.live.follower import Follower
from console.live.stream import EventStream
from console.live.watchers import Watchers
from console.review.pages import Review
from console.settings import ConsoleSettings, Settings
from console.site import PAGE, site
from service import open_files
from service.faults import survived
from service.process import Process
from service.settings import ConfigError
from service.strangers import Strangers

log = logging.getLogger(__name__)

SHUTDOWN_SECONDS = 2
CONNECTIONS_PER_BROWSER = 4
"""A page needs one for its events and briefly a few for its files."""
TAKEN_AT_ONCE = 32
"""Connections accepted in one go; up to twice this many may be open beyond the limits."""
BACKLOG = 1_024
"""Connections waiting to be accepted."""
SPARE_FILES = 128


class _Complaints(logging.Filter):
    """Filters uvicorn's messages about failed requests: counted, seldom logged, since strangers can cause them."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if error is None:
            return True
        if type(error).__module__.partition(".")[0] == "h11":  # invalid HTTP, noticed after the answer had started
            REFUSED.labels("malformed").inc()
        else:
            survived("page", log)
        return False


class _Server(uvicorn.Server):
    """Leaves signals to service.process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen. Uvicorn has one number for accepting at once and for waiting; they are set separately here."""
        await super().startup(sockets)
        for listening in sockets or ():
            listening.listen(BACKLOG)


async def work(settings: Settings, process: Process) -> None:
    """Serve the page until the process stops. Raises ConfigError."""
    console = settings.console
    console.check()
    key = key_of(console)
    _allow_files(console)
    listening = _listen(console)
    board = Board(console)
    browsers = Browsers(console.max_browsers, console.queue_events)
    watchers = Watchers(console.max_agents)

    def report(fault: str) -> None:
        if not process.stopping.is_set():
            process.unready = fault

    logging.getLogger("uvicorn.error").addFilter(_Complaints())
    async with Bus(settings.redis) as bus:
        follower = Follower(bus, board, browsers, watchers, console.heartbeat_seconds, report)
        events = EventStream(bus, board, browsers, follower)
        review = Review(bus, console.debriefs_read)
        desk = Desk(key, board, follower, watchers, PAGE)
        server = _Server(_config(console, site(console, board, follower, events, review, desk)))
        following = [process.start(name, part) for name, part in follower.parts().items()]
        serving = process.start("the page's server", server.serve(sockets=[listening]))
        host, port = listening.getsockname()[:2]
        log.info("console: http://%s:%d", f"[{host}]" if ":" in host else host, port)
        try:
            await process.stopping.wait()
        finally:
            process.stopping.set()
            browsers.close()
            watchers.close()
            server.should_exit = True
            await asyncio.wait([serving])
            await process.end(*following)


def _config(console: ConsoleSettings, application: Any) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        http=partial(Connection, strangers=Strangers()),  # type: ignore[arg-type] # called like a class
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level=logging.ERROR,  # lower levels log every stranger's nonsense
        access_log=False,
        proxy_headers=True,
        forwarded_allow_ips=console.trusted,
        server_header=False,
        backlog=TAKEN_AT_ONCE,
        limit_concurrency=STRANGERS + _connections(console),
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )


def _connections(console: ConsoleSettings) -> int:
    """Limit for clients that have signed in, by password or link."""
    return CONNECTIONS_PER_BROWSER * (console.max_browsers + 4) + console.agents


def _allow_files(console: ConsoleSettings) -> None:
    count = STRANGERS + _connections(console) + SPARE_FILES
    if open_files.allowed() < count:
        raise ConfigError(
            f"console.max_browsers and max_agents: need {count} open files, {open_files.allowed()} are allowed; "
            "raise `ulimit -Hn`"
        )
    open_files.allow(count)


def _listen(console: ConsoleSettings) -> socket.socket:
    host = console.host.strip("[]")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, console.port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, socket.SOCK_STREAM)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen(BACKLOG)
        except OSError:
            listening.close()
            raise
    except socket.gaierror as error:
        raise ConfigError(f"console.host: {console.host}: {error.strerror}; use an address of this machine") from None
    except OSError as error:
        cause = "is taken" if error.errno == errno.EADDRINUSE else (error.strerror or str(error))
        key = "console.port" if error.errno in (errno.EADDRINUSE, errno.EACCES) else "console.host"
        raise ConfigError(f"{key}: {console.host}:{console.port} {cause}; choose another") from None
    listening.setblocking(False)
    return listening
