"""Who may look: the Host that was asked for, the password, and the headers that keep a page's scripts to its own.

Pure ASGI around everything, /events included. A foreign web page that points its own name at this machine (DNS
rebinding) is stopped by the Host check; words that carry markup are stopped by the page, which puts them in as text,
and by the content security policy, should the page ever fail to.
"""

from __future__ import annotations

import base64
import binascii
import hmac

from prometheus_client import Counter
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.settings import ConsoleSettings

REFUSED = Counter(
    "callvane_console_requests_refused_total",
    "Requests refused: `host` (a name that is not allowed), `password` (wrong, not merely absent).",
    ["reason"],
)
for _reason in ("host", "password"):
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


class Gate:
    """Middleware: checks each request, then adds the headers to its answer."""

    def __init__(self, app: ASGIApp, settings: ConsoleSettings) -> None:
        self._app = app
        self._hosts = settings.hosts
        password = settings.password.get_secret_value()
        self._expected = f"{settings.user}:{password}".encode() if password else b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SAFE.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-cache")
            await send(message)

        answer = self._refusal(Headers(scope=scope)) or self._app
        await answer(scope, receive, send_safely)

    def _refusal(self, headers: Headers) -> PlainTextResponse | None:
        if self._hosts and _name(headers.get("host", "")) not in self._hosts:
            REFUSED.labels("host").inc()
            return PlainTextResponse("not served under this name; add it to console.allowed_hosts\n", 421)
        if not self._expected:
            return None
        given = headers.get("authorization")
        if given is not None and hmac.compare_digest(_credentials(given), self._expected):
            return None
        if given is not None:
            REFUSED.labels("password").inc()
        ask = {"WWW-Authenticate": 'Basic realm="Callvane", charset="UTF-8"'}
        return PlainTextResponse("sign in\n", 401, headers=ask)


def _name(host: str) -> str:
    """The name in a Host header, without its port and an IPv6 address's brackets."""
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
