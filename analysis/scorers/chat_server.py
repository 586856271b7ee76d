"""One OpenAI-compatible server: a bounded question and a bounded answer. The only module with its HTTP.

Callers' words go nowhere else: no proxy is used and no redirect followed. Unless the operator allows more, the server
must have a loopback or private address at the moment of connecting, whatever its name resolves to.
"""

from __future__ import annotations

import ipaddress
import logging
import socket
from collections.abc import Collection
from contextlib import aclosing
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

import httpx2

from service.settings import ConfigError

log = logging.getLogger(__name__)

ANSWER_BYTES = 64 * 1024
"""An answer takes some hundred bytes; a longer one is rejected."""
KEPT_SECONDS = 4.0
"""An idle connection is closed before a server's usual 5 s, so that closing does not cross a question."""
NEAR = tuple(
    ipaddress.ip_network(network)
    for network in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
)
"""Loopback and private networks (RFC 1918, RFC 4193). Link-local is excluded: clouds serve secrets there."""
_CONNECTED = "connection.connect_tcp.complete"

for _logger in ("httpx2", "httpcore2"):
    logging.getLogger(_logger).setLevel(logging.WARNING)


class Failure(StrEnum):
    """Why there is no usable answer."""

    INVALID = "invalid"
    """It answered, but not as asked."""
    REFUSED = "refused"
    """An HTTP status other than 200, a model that declines, or a forbidden address."""
    UNREACHABLE = "unreachable"
    """No connection, or a broken one."""


class ChatError(Exception):
    """A question without an answer. The message contains nothing that was said or sent."""

    def __init__(self, failure: Failure, message: str) -> None:
        super().__init__(message)
        self.failure = failure


class ChatServer:
    """Belongs to one event loop. Sets no time limit: the caller cancels."""

    def __init__(self, url: str, key: str, *, anywhere: bool, connections: int) -> None:
        """`url` ends in /v1; `key` is empty if none is needed. Raises ConfigError.

        `anywhere`: the server may have a public address, so callers' words may leave the premises.
        """
        host = _host(url)
        if not key.isascii() or not key.isprintable() or " " in key:
            raise ConfigError(
                "analysis.language_model_key: contains characters not allowed in an HTTP header; check it"
            )
        self._anywhere = anywhere
        if not anywhere and (far := [address for address in addresses(host) if not near(address)]):
            raise ConfigError(
                f"analysis.language_model_url: {host} is {far[0]}, not a loopback or private address: callers' "
                "words would leave your network; to allow that, set analysis.language_model_anywhere = true"
            )
        self._headers = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
        }
        if key:
            self._headers["Authorization"] = f"Bearer {key}"
        self._url = f"{url.rstrip('/')}/chat/completions"
        # Only the transport: a client would add cookies, redirects and the environment's proxies.
        self._transport = httpx2.AsyncHTTPTransport(
            trust_env=False,
            limits=httpx2.Limits(
                max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=KEPT_SECONDS
            ),
        )

    async def ask(self, question: bytes) -> bytes:
        """POST a JSON question; returns the answer's body. Raises ChatError."""
        request = httpx2.Request(
            "POST", self._url, headers=self._headers, content=question, extensions={"trace": self._watch}
        )
        try:
            response = await self._transport.handle_async_request(request)
            try:
                return await _body(response)
            finally:
                await response.aclose()
        except (httpx2.HTTPError, httpx2.StreamError, OSError) as error:
            raise ChatError(Failure.UNREACHABLE, type(error).__name__) from None

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.aclose()

    async def _watch(self, event: str, about: dict[str, Any]) -> None:
        """Trace hook of the client: drops a connection to a forbidden address before anything is sent over it."""
        if event != _CONNECTED or self._anywhere:
            return
        stream = about["return_value"]
        address = str(stream.get_extra_info("server_addr")[0])
        if not near(address):
            await stream.aclose()
            raise ChatError(Failure.REFUSED, f"{address} is not a loopback or private address")


async def _body(response: httpx2.Response) -> bytes:
    if response.status_code != 200:
        raise ChatError(Failure.REFUSED, f"HTTP status {response.status_code}")
    if response.headers.get("content-encoding", "identity") != "identity":
        raise ChatError(Failure.INVALID, "the answer is compressed, which was not requested")
    body = bytearray()
    async with aclosing(response.aiter_raw()) as chunks:
        async for chunk in chunks:
            body += chunk
            if len(body) > ANSWER_BYTES:
                raise ChatError(Failure.INVALID, f"the answer exceeds {ANSWER_BYTES} bytes")
    return bytes(body)


def near(address: str) -> bool:
    """Whether an IP address is local or private."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return any(ip in network for network in NEAR)


def addresses(host: str) -> Collection[str]:
    """The current addresses of a name; empty if it cannot be resolved."""
    try:
        return sorted({str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)})
    except (OSError, UnicodeError):
        return ()


def _host(url: str) -> str:
    """The host of a server's URL. Raises ConfigError, which repeats nothing that could be a secret."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https") or not url.isascii() or not url.isprintable() or " " in url:
        raise ConfigError("analysis.language_model_url: not a URL such as http://127.0.0.1:8000/v1")
    if parts.username is not None or parts.query or parts.fragment:
        raise ConfigError(
            "analysis.language_model_url: contains a user, a query or a fragment; put the key in language_model_key"
        )
    return host
