"""The small HTTP side of a process: /metrics for Prometheus, /healthz (it lives), /readyz (it can work).

Served by a thread of its own, so that a busy event loop cannot make a living process look dead; `/healthz` asks the
process for a sign of life and says 503 when its loop stands still.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterable
from threading import Thread
from types import TracebackType
from typing import Any, Self
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app

from service.settings import ConfigError, MetricsSettings

Readiness = Callable[[], str]
"""Empty when the process can work, else the reason why not."""

STALL_SECONDS = 10.0


class HealthServer:
    """A context manager that serves the three paths while it is open."""

    def __init__(self, settings: MetricsSettings, default_port: int, readiness: Readiness) -> None:
        self._readiness = readiness
        self._metrics = make_wsgi_app()
        self._alive_at = time.monotonic()
        port = default_port if settings.port is None else settings.port
        try:
            self._server = make_server(settings.host, port, self._answer, _Server, _QuietHandler)
        except OSError as error:
            cause = "is taken" if error.errno == errno.EADDRINUSE else (error.strerror or str(error))
            raise ConfigError(f"metrics.port: {settings.host}:{port} {cause}; choose another") from None
        self.port = self._server.server_port
        self._thread = Thread(target=self._server.serve_forever, args=(0.2,), name="health", daemon=True)

    def alive(self) -> None:
        """Sign of life, from the process's own loop; due at least every STALL_SECONDS."""
        self._alive_at = time.monotonic()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        match environ.get("PATH_INFO"):
            case "/metrics":
                page: Iterable[bytes] = self._metrics(environ, start_response)
                return page
            case "/healthz":
                stalled = time.monotonic() - self._alive_at > STALL_SECONDS
                return _plain(start_response, "the event loop stands still" if stalled else "")
            case "/readyz":
                return _plain(start_response, self._readiness())
            case _:
                start_response("404 Not Found", [("Content-Type", "text/plain; charset=utf-8")])
                return [b"/metrics /healthz /readyz\n"]


def _plain(start_response: Any, fault: str) -> list[bytes]:
    status = "503 Service Unavailable" if fault else "200 OK"
    start_response(status, [("Content-Type", "text/plain; charset=utf-8")])
    return [f"{fault or 'ok'}\n".encode()]


class _Server(WSGIServer):
    """Scrapes come one after the other; a client that sends nothing is let go by the handler's time limit."""


class _QuietHandler(WSGIRequestHandler):
    timeout = 5.0

    def log_message(self, format: str, *args: Any) -> None:
        """Scrapes are not news."""
