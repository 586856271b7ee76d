"""A connection to one of Callvane's own HTTP servers: uvicorn's, with limits for clients that have not signed in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from service.strangers import Strangers

CLOSED_REASONS = CROWDED, OVERDUE = "crowded", "overdue"
CLOSED_WHY = (
    "Connections closed before sign-in: `crowded` (too many of them), `overdue` (no request, or no complete answer, in "
    "time). After sign-in: `overdue` if a request is started but not completed in time."
)
STRANGERS = 256
"""Connections that have not signed in, besides those that have."""
EXCHANGE_SECONDS = 10.0
"""From a connection's start, or the end of an answer, to the full head of the next request; before sign-in, to the end
of its answer."""


class Connection(H11Protocol):
    """A stranger until one of its requests is accepted. The application finds it as `scope["state"]["connection"]`."""

    def __init__(
        self, *arguments: Any, strangers: Strangers[Connection], closed: Callable[[str], None], **named: Any
    ) -> None:
        """Called by the server; `strangers` holds all connections that have not signed in.

        `closed`: is told the reason, one of CLOSED_REASONS, when a connection is closed for one.
        """
        super().__init__(*arguments, **named)
        self.app_state = {**self.app_state, "connection": self}
        self._strangers = strangers
        self._told_closed = closed
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The connection is accepted."""
        super().connection_made(transport)
        if len(self._strangers) >= STRANGERS and (crowding := self._strangers.evict()):
            crowding.close(CROWDED)
        self._strangers.add(self, self.client[0] if self.client else "")
        self._begin()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone, whoever ended it."""
        self._strangers.discard(self)
        self._stop()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """The next request may follow, or is already there."""
        if not self.transport.is_closing():
            self._begin()
        super().on_response_complete()

    def sign_in(self) -> None:
        """A request was accepted: its answer may take any time."""
        self._strangers.discard(self)
        self._stop()

    def abort(self) -> None:
        """Close at once and drop the buffers: a client that reads nothing would hold them forever."""
        self.transport.abort()

    def close(self, reason: str) -> None:
        """Close for one of CLOSED_REASONS."""
        self._told_closed(reason)
        self.abort()

    def _begin(self) -> None:
        self._stop()
        self._deadline = self.loop.call_later(EXCHANGE_SECONDS, self.close, OVERDUE)

    def _stop(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
