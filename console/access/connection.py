"""A connection of a browser's: the library's, with bounds for those who have not signed in."""

from __future__ import annotations

import asyncio
from typing import Any

from prometheus_client import Counter
from uvicorn.protocols.http.h11_impl import H11Protocol

from service.strangers import Strangers

CLOSED = Counter(
    "callvane_console_connections_closed_total",
    "Connections closed before they had signed in: `crowded` (too many of them), `overdue` (no request, or no end of "
    "the answer to one, in time). Also those that have, and then begin a request that does not come: `overdue`.",
    ["reason"],
)
for _reason in ("crowded", "overdue"):
    CLOSED.labels(_reason)

STRANGERS = 256
"""Connections that have not signed in, beside those that have."""
EXCHANGE_SECONDS = 10.0
"""From a connection's start, or the end of an answer, to the whole head of the next request; for a stranger, to the
end of its answer."""


class Connection(H11Protocol):
    """A stranger until a request of it is let in. The application finds it as `scope["state"]["connection"]`."""

    def __init__(self, *arguments: Any, strangers: Strangers[Connection], **named: Any) -> None:
        """As the server makes it, with all that have not signed in."""
        super().__init__(*arguments, **named)
        self.app_state = {**self.app_state, "connection": self}
        self._strangers = strangers
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """It has been taken."""
        super().connection_made(transport)
        if len(self._strangers) >= STRANGERS and (crowding := self._strangers.evict()):
            crowding.close("crowded")
        self._strangers.add(self, self.client[0] if self.client else "")
        self._begin()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone, whoever ended it."""
        self._strangers.discard(self)
        self._stop()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """The next request may come, or has come already."""
        if not self.transport.is_closing():
            self._begin()
        super().on_response_complete()

    def sign_in(self) -> None:
        """A request of it is let in: its answer may take as long as it takes."""
        self._strangers.discard(self)
        self._stop()

    def abort(self) -> None:
        """Cut it at once, its buffers thrown away: one that reads nothing would hold them for ever."""
        self.transport.abort()

    def close(self, reason: str) -> None:
        """Cut it for one of the metric's reasons."""
        CLOSED.labels(reason).inc()
        self.abort()

    def _begin(self) -> None:
        self._stop()
        self._deadline = self.loop.call_later(EXCHANGE_SECONDS, self.close, "overdue")

    def _stop(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
