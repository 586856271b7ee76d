"""What Callvane's own HTTP servers share: uvicorn as a part of a process, and the socket that it listens on."""

from __future__ import annotations

import errno
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from service import open_files
from service.faults import survived
from service.http_connection import STRANGERS, Connection
from service.settings import ConfigError
from service.strangers import Strangers

SHUTDOWN_SECONDS = 2
TAKEN_AT_ONCE = 32
"""Connections accepted in one go; up to twice this many may be open beyond the limits."""
BACKLOG = 1_024
"""Connections waiting to be accepted."""
SPARE_FILES = 128


class HttpServer(uvicorn.Server):
    """Leaves signals to service.process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen. Uvicorn has one number for accepting at once and for waiting; they are set separately here."""
        await super().startup(sockets)
        for listening in sockets or ():
            listening.listen(BACKLOG)


class _Complaints(logging.Filter):
    """Filters uvicorn's messages about failed requests: counted, seldom logged, since strangers can cause them."""

    def __init__(self, part: str, malformed: Callable[[], None], log: logging.Logger) -> None:
        super().__init__()
        self._part = part
        self._malformed = malformed
        self._log = log

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if error is None:
            return True
        if type(error).__module__.partition(".")[0] == "h11":  # invalid HTTP, noticed after the answer had started
            self._malformed()
        else:
            survived(self._part, self._log)
        return False


def http_server(
    application: ASGIApp,
    part: str,
    known_connections: int,
    *,
    closed: Callable[[str], None],
    malformed: Callable[[], None],
    log: logging.Logger,
    **uvicorn_settings: Any,
) -> HttpServer:
    """A server for `application`, which signs a connection in once it accepts a request of it.

    `part`: names its faults, see `service.faults`. `known_connections`: most that have signed in. `closed`: see
    `Connection`. `malformed`: called for invalid HTTP that is noticed late.
    """
    logging.getLogger("uvicorn.error").addFilter(_Complaints(part, malformed, log))
    config = uvicorn.Config(
        application,
        http=partial(Connection, strangers=Strangers(), closed=closed),  # type: ignore[arg-type] # called like a class
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level=logging.ERROR,  # lower levels log every stranger's nonsense
        access_log=False,
        server_header=False,
        backlog=TAKEN_AT_ONCE,
        limit_concurrency=STRANGERS + known_connections,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        **uvicorn_settings,
    )
    return HttpServer(config)


def allow_files(known_connections: int, key: str) -> None:
    """Allow as many open files as such a server may need. Raises ConfigError, which names the setting `key`."""
    count = STRANGERS + known_connections + SPARE_FILES
    if open_files.allowed() < count:
        raise ConfigError(f"{key}: needs {count} open files, {open_files.allowed()} are allowed; raise `ulimit -Hn`")
    open_files.allow(count)


def listen(section: str, host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises ConfigError, which names `host` or `port` of the settings' section."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, socket.SOCK_STREAM)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen(BACKLOG)
        except OSError:
            listening.close()
            raise
    except socket.gaierror as error:
        raise ConfigError(f"{section}.host: {host}: {error.strerror}; use an address of this machine") from None
    except OSError as error:
        cause = "is taken" if error.errno == errno.EADDRINUSE else (error.strerror or str(error))
        key = "port" if error.errno in (errno.EADDRINUSE, errno.EACCES) else "host"
        raise ConfigError(f"{section}.{key}: {host}:{port} {cause}; choose another") from None
    listening.setblocking(False)
    return listening


def url_of(listening: socket.socket) -> str:
    """The address that people open."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
