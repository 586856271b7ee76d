"""A process's HTTP endpoints: /metrics for Prometheus, /healthz (alive), /readyz (able to work).

A separate thread serves them, so that a busy event loop does not make a live process look dead. `/healthz` returns 503
when the event loop, or anything else the process checks, is stuck.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Any, Self

from prometheus_client import make_wsgi_app

from service.settings import ConfigError, MetricsSettings
from service.web_thread import WebThread

Check = Callable[[], str]
"""Returns "" when healthy, else the reason. Called on the health thread for each request; must not block."""

STALL_SECONDS = 10.0


class HealthServer:
    """A context manager that serves the three paths while it is open. Raises ConfigError if the port is unusable."""

    def __init__(
        self, settings: MetricsSettings, default_port: int, readiness: Check, alive_checks: Sequence[Check] = ()
    ) -> None:
        """`alive_checks`: what /healthz checks besides the event loop. The sequence may change at any time."""
        self._readiness = readiness
        self._alive_checks = alive_checks
        self._metrics = make_wsgi_app()
        self._alive_at = time.monotonic()
        port = default_port if settings.port is None else settings.port
        try:
            self._web = WebThread(settings.host, port, self._answer)
        except OSError as error:
            cause = "is taken" if error.errno == errno.EADDRINUSE else (error.strerror or str(error))
            raise ConfigError(f"metrics.port: {settings.host}:{port} {cause}; choose another") from None
        self.port = self._web.port
        self.ended = self._web.ended
        """See `owned_thread.OwnedThread`."""

    def alive(self) -> None:
        """Record a sign of life. The process's event loop must call this at least every STALL_SECONDS."""
        self._alive_at = time.monotonic()

    def __enter__(self) -> Self:
        self._web.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._web.stop()

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        match environ["PATH_INFO"]:
            case "/metrics":
                page: Iterable[bytes] = self._metrics(environ, start_response)
                return page
            case "/healthz":
                return _plain(start_response, self._lifeless())
            case "/readyz":
                return _plain(start_response, self._readiness())
            case _:
                start_response("404 Not Found", [("Content-Type", "text/plain; charset=utf-8")])
                return [b"/metrics /healthz /readyz\n"]

    def _lifeless(self) -> str:
        """Why the process should be restarted; empty while it is alive."""
        if time.monotonic() - self._alive_at > STALL_SECONDS:
            return "the event loop is stuck"
        return next(filter(None, (check() for check in tuple(self._alive_checks))), "")


def _plain(start_response: Any, fault: str) -> list[bytes]:
    status = "503 Service Unavailable" if fault else "200 OK"
    start_response(status, [("Content-Type", "text/plain; charset=utf-8")])
    return [f"{fault or 'ok'}\n".encode()]
