"""Who may hand in messages: bearer tokens (RFC 6750), and how many requests each."""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Callable, Sequence

from prometheus_client import Counter
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from service.http_connection import CLOSED_REASONS, CLOSED_WHY
from service.rates import TokenBucket

log = logging.getLogger(__name__)

CLOSED = Counter("callvane_written_connections_closed_total", CLOSED_WHY, ["reason"])
REQUESTS = Counter(
    "callvane_written_requests_total",
    "Requests by outcome: `taken`, `repeated` (taken before), `closed` (a conversation), `unknown` (such a one), "
    "`unauthorized`, `rate` and `busy` (too many), `malformed`, `too_large`, `slow` (its body), `unavailable` (Redis "
    "does not answer), `crowded` (analysis is behind).",
    ["outcome"],
)
OUTCOMES = (
    *("taken", "repeated", "closed", "unknown", "unauthorized", "rate", "busy"),
    *("malformed", "too_large", "slow", "unavailable", "crowded"),
)
for _reason in CLOSED_REASONS:
    CLOSED.labels(_reason)
for _outcome in OUTCOMES:
    REQUESTS.labels(_outcome)

BUSY_SECONDS = 1
"""After so long a client may try again."""
CHALLENGE = 'Bearer realm="Callvane"'


def refusal(outcome: str, status: int, error: str, cure: str, headers: dict[str, str] | None = None) -> Response:
    """A counted answer that names cause and cure."""
    REQUESTS.labels(outcome).inc()
    return JSONResponse({"error": error, "cure": cure}, status, {"Cache-Control": "no-store", **(headers or {})})


class Gate:
    """Pure ASGI middleware around everything. Holds at most `max_requests` at once."""

    def __init__(
        self,
        app: ASGIApp,
        tokens: Sequence[bytes],
        requests_per_second: float,
        max_requests: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock`: seconds."""
        self._app = app
        self._tokens = tuple(tokens)
        self._clock = clock
        self._rates = [TokenBucket(requests_per_second, clock()) for _ in self._tokens]
        self._most = max_requests
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            return
        if refused := self._refusal(Headers(scope=scope)):
            await refused(scope, receive, send)
            return
        scope["state"]["connection"].sign_in()
        self._running += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._running -= 1

    def _refusal(self, headers: Headers) -> Response | None:
        given = headers.get("authorization")
        token = self._known(given)
        if token is None:
            fault = ', error="invalid_token"' if given else ""
            error = "the token is not known" if given else "no token"
            cure = "send Authorization: Bearer and one of written.tokens"
            return refusal("unauthorized", 401, error, cure, {"WWW-Authenticate": CHALLENGE + fault})
        wait = {"Retry-After": str(BUSY_SECONDS)}
        if not self._rates[token].take(self._clock()):
            return refusal("rate", 429, "too many requests", "send fewer, or raise written.requests_per_second", wait)
        if self._running >= self._most:
            return refusal("busy", 503, "too many requests at once", "send it again after Retry-After", wait)
        return None

    def _known(self, header: str | None) -> int | None:
        """The place of the token that a header brings. Each is compared, in a time that tells nothing of them."""
        scheme, _, given = (header or "").partition(" ")
        found = [hmac.compare_digest(given.strip().encode(errors="replace"), token) for token in self._tokens]
        return found.index(True) if scheme.lower() == "bearer" and True in found else None
