"""One OpenAI-compatible server: a question out, an answer in, both bounded. The one file that speaks its HTTP.

Callers' words go nowhere else than to it: no proxy, no redirect is followed, and unless the operator allows more, the
machine at the other end must have a loopback or private address, whatever its name resolves to by then.
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
"""An answer is some hundred bytes; past this it is none."""
KEPT_SECONDS = 4.0
"""A connection without a question is closed before a server's usual 5 s, so that the two do not cross."""
NEAR = tuple(
    ipaddress.ip_network(network)
    for network in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
)
"""Loopback and private networks (RFC 1918, RFC 4193). Link-local is not among them: clouds keep their secrets there."""
_CONNECTED = "connection.connect_tcp.complete"

for _logger in ("httpx2", "httpcore2"):
    logging.getLogger(_logger).setLevel(logging.WARNING)


class Failure(StrEnum):
    """Why there is no answer."""

    INVALID = "invalid"
    """It answered, with what is no answer."""
    REFUSED = "refused"
    """Another HTTP status than 200, a model that declines, an address that is not allowed."""
    UNREACHABLE = "unreachable"
    """No connection, or one that broke."""


class ChatError(Exception):
    """A question without an answer. The message holds nothing that was said or sent."""

    def __init__(self, failure: Failure, message: str) -> None:
        super().__init__(message)
        self.failure = failure


class ChatServer:
    """Belongs to one event loop. Sets no time limit: its caller does, by cancelling."""

    def __init__(self, url: str, key: str, *, anywhere: bool, connections: int) -> None:
        """`url` ends in /v1; `key` is empty where none is asked for. Raises ConfigError.

        `anywhere`: the server may have a public address, so that callers' words leave the premises.
        """
        host = _host(url)
        if not key.isascii() or not key.isprintable() or " " in key:
            raise ConfigError("analysis.language_model_key: it holds what no HTTP header can; give it anew")
        self._anywhere = anywhere
        if not anywhere and (far := [address for address in addresses(host) if not near(address)]):
            raise ConfigError(
                f"analysis.language_model_url: {host} is {far[0]}, no loopback or private address: callers' "
                "words would leave your network; if that is meant, set analysis.language_model_anywhere = true"
            )
        self._headers = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
        }
        if key:
            self._headers["Authorization"] = f"Bearer {key}"
        self._url = f"{url.rstrip('/')}/chat/completions"
        # The transport alone: cookies, redirects and proxies of the environment belong to the client that it lacks.
        self._transport = httpx2.AsyncHTTPTransport(
            trust_env=False,
            limits=httpx2.Limits(
                max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=KEPT_SECONDS
            ),
        )

    async def ask(self, question: bytes) -> bytes:
        """POST a question of JSON; the answer's body. Raises ChatError."""
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
        """Close its connections."""
        await self._transport.aclose()

    async def _watch(self, event: str, about: dict[str, Any]) -> None:
        """Called by the client as it works: a connection to elsewhere is dropped before anything is sent over it."""
        if event != _CONNECTED or self._anywhere:
            return
        stream = about["return_value"]
        address = str(stream.get_extra_info("server_addr")[0])
        if not near(address):
            await stream.aclose()
            raise ChatError(Failure.REFUSED, f"{address} is no loopback or private address")


async def _body(response: httpx2.Response) -> bytes:
    if response.status_code != 200:
        raise ChatError(Failure.REFUSED, f"HTTP status {response.status_code}")
    if response.headers.get("content-encoding", "identity") != "identity":
        raise ChatError(Failure.INVALID, "a compressed answer, which was not asked for")
    body = bytearray()
    async with aclosing(response.aiter_raw()) as chunks:
        async for chunk in chunks:
            body += chunk
            if len(body) > ANSWER_BYTES:
                raise ChatError(Failure.INVALID, f"an answer of more than {ANSWER_BYTES} bytes")
    return bytes(body)


def near(address: str) -> bool:
    """Whether an IP address is this machine's own or of a private network."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return any(ip in network for network in NEAR)


def addresses(host: str) -> Collection[str]:
    """What a name or address stands for at this moment; empty where nobody knows."""
    try:
        return sorted({str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)})
    except (OSError, UnicodeError):
        return ()


def _host(url: str) -> str:
    """The host of a server's URL. Raises ConfigError, which repeats no part that could be a secret."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https") or not url.isascii() or not url.isprintable() or " " in url:
        raise ConfigError("analysis.language_model_url: no URL such as http://127.0.0.1:8000/v1")
    if parts.username is not None or parts.query or parts.fragment:
        raise ConfigError(
            "analysis.language_model_url: it has a user, a query or a fragment; give the key as language_model_key"
        )
    return host
