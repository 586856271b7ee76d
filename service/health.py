"""The small HTTP side of a process: /metrics for Prometheus, /healthz (it lives), /readyz (it can work).

Served by a thread of its own, so that a busy event loop cannot make a living process look dead; `/healthz` asks the
process for a sign of life and says 503 when its loop, or what its work watches besides, stands still.
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
"""Empty when all is well, else the reason why not. Asked on the health thread, at each request; must not wait."""

STALL_SECONDS = 10.0


class HealthServer:
    """A context manager that serves the three paths while it is open."""

    def __init__(
        self, settings: MetricsSettings, default_port: int, readiness: Check, alive_checks: Sequence[Check] = ()
    ) -> None:
        """`alive_checks`: what /healthz asks beside the event loop; may change at any time."""
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
        """As `owned_thread.OwnedThread`."""

    def alive(self) -> None:
        """Sign of life, from the process's own loop; due at least every STALL_SECONDS."""
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
        """Why the process is to be started anew; empty while it lives."""
        if time.monotonic() - self._alive_at > STALL_SECONDS:
            return "the event loop stands still"
        return next(filter(None, (check() for check in tuple(self._alive_checks))), "")


def _plain(start_response: Any, fault: str) -> list[bytes]:
    status = "503 Service Unavailable" if fault else "200 OK"
    start_response(status, [("Content-Type", "text/plain; charset=utf-8")])
    return [f"{fault or 'ok'}\n".encode()]
