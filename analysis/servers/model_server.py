"""One OpenAI-compatible server: a bounded question and a bounded answer. The only module with such a server's HTTP.

Callers' words go nowhere else: no proxy is used and no redirect followed. Unless the operator allows more, the server
must have a loopback or private address at the moment of connecting, whatever its name resolves to.
"""

from __future__ import annotations

import ipaddress
import logging
import re
import socket
from collections.abc import Collection
from contextlib import aclosing
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

import httpx2

from service.settings import ConfigError

log = logging.getLogger(__name__)

NEAR = tuple(
    ipaddress.ip_network(network)
    for network in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
)
"""Loopback and private networks (RFC 1918, RFC 4193). Link-local is excluded: clouds serve secrets there."""
_CONNECTED = "connection.connect_tcp.complete"
_SECONDS = re.compile(r"[0-9]{1,6}")
"""A Retry-After that is no date."""

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


class ServerError(Exception):
    """A question without an answer. The message contains nothing that was said or sent."""

    def __init__(self, failure: Failure, message: str, status: int = 0, retry_seconds: int = 0) -> None:
        super().__init__(message)
        self.failure = failure
        self.status = status
        """The HTTP status that refused; 0 if none did."""
        self.retry_seconds = retry_seconds
        """How long the server asks not to be asked (Retry-After, RFC 9110 section 10.2.3); 0 if it does not."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The names of the settings in [analysis] that a fault of the server's URL or key is told by."""

    url: str
    prefix: str
    """What the names of the others begin with: `PREFIX_key`, `PREFIX_key_file`, `PREFIX_anywhere`."""


class ModelServer:
    """Belongs to one event loop. Sets no time limit: the caller cancels."""

    def __init__(
        self, url: str, path: str, key: str, settings: Settings, *, anywhere: bool, connections: int, answer_bytes: int
    ) -> None:
        """What is asked goes to `path` below `url`; `key` is empty if none is needed. Raises ConfigError.

        `anywhere`: the server may have a public address, so callers' words may leave the premises. A longer answer than
        `answer_bytes` is rejected.
        """
        host = _host(url, settings)
        if not key.isascii() or not key.isprintable() or " " in key:
            raise ConfigError(
                f"analysis.{settings.prefix}_key: contains characters not allowed in an HTTP header; check it"
            )
        self._anywhere = anywhere
        self._answer_bytes = answer_bytes
        if not anywhere and (far := [address for address in addresses(host) if not near(address)]):
            raise ConfigError(
                f"analysis.{settings.url}: {host} is {far[0]}, not a loopback or private address: callers' words would "
                f"leave your network; to allow that, set analysis.{settings.prefix}_anywhere = true"
            )
        self._headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"
        self._url = f"{url.rstrip('/')}{path}"
        # Only the transport: a client would add cookies, redirects and the environment's proxies.
        self._transport = httpx2.AsyncHTTPTransport(
            trust_env=False,
            # A connection an answer: what else a broken server writes on it would answer another call's question.
            limits=httpx2.Limits(max_connections=connections, max_keepalive_connections=0),
        )

    async def ask(self, question: bytes, kind: str = "application/json") -> bytes:
        """POST a question of this content type; returns the answer's body. Raises ServerError."""
        headers = {**self._headers, "Content-Type": kind}
        request = httpx2.Request(
            "POST", self._url, headers=headers, content=question, extensions={"trace": self._watch}
        )
        try:
            response = await self._transport.handle_async_request(request)
            try:
                return await _body(response, self._answer_bytes)
            finally:
                await response.aclose()
        except (httpx2.HTTPError, httpx2.StreamError, OSError) as error:
            raise ServerError(Failure.UNREACHABLE, type(error).__name__) from None

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
            raise ServerError(Failure.REFUSED, f"{address} is not a loopback or private address")


async def _body(response: httpx2.Response, most_bytes: int) -> bytes:
    status = response.status_code
    if status != 200:
        after = _SECONDS.fullmatch(response.headers.get("retry-after", ""))
        raise ServerError(Failure.REFUSED, f"HTTP status {status}", status, int(after.group()) if after else 0)
    if response.headers.get("content-encoding", "identity") != "identity":
        raise ServerError(Failure.INVALID, "the answer is compressed, which was not requested")
    body = bytearray()
    async with aclosing(response.aiter_raw()) as chunks:
        async for chunk in chunks:
            body += chunk
            if len(body) > most_bytes:
                raise ServerError(Failure.INVALID, f"the answer exceeds {most_bytes} bytes")
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


def _host(url: str, settings: Settings) -> str:
    """The host of a server's URL. Raises ConfigError, which repeats nothing that could be a secret."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https") or not url.isascii() or not url.isprintable() or " " in url:
        raise ConfigError(f"analysis.{settings.url}: not a URL such as http://127.0.0.1:8000/v1")
    if parts.username is not None or parts.query or parts.fragment:
        raise ConfigError(
            f"analysis.{settings.url}: contains a user, a query or a fragment; put the key in {settings.prefix}_key"
        )
    return host
