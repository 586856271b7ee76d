"""Access to the page: the allowed Host names, the password, and the headers that restrict a page's scripts.

Pure ASGI around everything, /events included. The Host check stops a foreign web page that points its own name at this
machine (DNS rebinding). Markup in callers' words is stopped by the page, which inserts them as text, and by the content
security policy if the page ever fails to.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import logging
import time

from prometheus_client import Counter
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.access.guesses import Guesses
from console.settings import ConsoleSettings
from service.http_connection import CLOSED_REASONS, CLOSED_WHY

log = logging.getLogger(__name__)

CLOSED = Counter("callvane_console_connections_closed_total", CLOSED_WHY, ["reason"])
for _reason in CLOSED_REASONS:
    CLOSED.labels(_reason)
REFUSED = Counter(
    "callvane_console_requests_refused_total",
    "Requests refused: `host` (name not allowed), `password` (wrong, not merely absent), `guesses` (not checked: too "
    "many wrong passwords from that address), `link` (an agent's link that is not signed, or over), `malformed` "
    "(invalid HTTP, by its end).",
    ["reason"],
)
for _reason in ("host", "password", "guesses", "link", "malformed"):
    REFUSED.labels(_reason)

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
SAFE = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


WAIT_SECONDS = 10
"""Wait before another password may be tried."""
DESK = ("/agent/", "/agent-events/", "/agent-files/")
"""Paths without a password: the desk checks signed links, which are good for one call."""


class Gate:
    """Middleware: checks each request, then adds headers to its answer."""

    def __init__(self, app: ASGIApp, desk: ASGIApp, settings: ConsoleSettings) -> None:
        """`desk`: answers what begins with DESK, and signs in who has a good link."""
        self._app = app
        self._desk = desk
        self._hosts = settings.hosts
        password = settings.password.get_secret_value()
        self._expected = f"{settings.user}:{password}".encode() if password else b""
        self._guesses = Guesses()
        self._proxy_told = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            return

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SAFE.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-cache")
            await send(message)

        headers = Headers(scope=scope)
        if self._hosts and _name(headers.get("host", "")) not in self._hosts:
            REFUSED.labels("host").inc()
            answer: ASGIApp = PlainTextResponse("this host name is not allowed; add it to console.allowed_hosts\n", 421)
        elif scope["path"].startswith(DESK):
            answer = self._desk
        elif refusal := self._refusal(scope, headers):
            answer = refusal
        else:
            scope["state"]["connection"].sign_in()
            answer = self._app
        await answer(scope, receive, send_safely)

    def _refusal(self, scope: Scope, headers: Headers) -> PlainTextResponse | None:
        if not self._expected:
            return None
        given = headers.get("authorization")
        if given is None:
            return _ask()
        self._look_for_proxy(scope, headers)
        return self._judge(scope["client"][0], _credentials(given), time.monotonic())

    def _judge(self, address: str, credentials: bytes, now: float) -> PlainTextResponse | None:
        if not self._guesses.was_wrong(address, credentials):
            if not self._guesses.may_try(address, now):
                REFUSED.labels("guesses").inc()
                wait = {"Retry-After": str(WAIT_SECONDS)}
                return PlainTextResponse("too many wrong passwords from your address; wait\n", 429, headers=wait)
            if hmac.compare_digest(credentials, self._expected):
                return None
            self._guesses.add(address, credentials, now)
        REFUSED.labels("password").inc()
        return _ask()

    def _look_for_proxy(self, scope: Scope, headers: Headers) -> None:
        """Warn the operator once about an unlisted proxy: all its clients count as one address."""
        is_named = scope["client"] != scope["state"]["connection"].client
        if not self._proxy_told and not is_named and "x-forwarded-for" in headers:
            self._proxy_told = True
            log.warning(
                "a request came with X-Forwarded-For from %s: if that is your proxy, add it to console.proxies",
                scope["client"][0],
            )


def _ask() -> PlainTextResponse:
    return PlainTextResponse("sign in\n", 401, headers={"WWW-Authenticate": 'Basic realm="Callvane", charset="UTF-8"'})


def _name(host: str) -> str:
    """The name in a Host header, without port or IPv6 brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def _credentials(header: str) -> bytes:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return b""
    try:
        return base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return b""
