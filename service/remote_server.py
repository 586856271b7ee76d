"""Somebody else's HTTP server: a bounded question and a bounded answer. The only module that makes HTTP requests.

What is asked goes nowhere else: no proxy is used and no redirect followed. Unless the operator allows more, the server
must have a loopback or private address at the moment of connecting, whatever its name resolves to.
"""

from __future__ import annotations

import ipaddress
import logging
import re
import socket
from collections.abc import Collection, Mapping
from contextlib import aclosing
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

import httpx2

NEAR = tuple(
    ipaddress.ip_network(network)
    for network in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
)
"""Loopback and private networks (RFC 1918, RFC 4193). Link-local is excluded: clouds serve secrets there."""
_CONNECTED = "connection.connect_tcp.complete"
_SECONDS = re.compile(r"[0-9]{1,6}")
"""A Retry-After that is no date."""

for _logger in ("httpx2", "httpcore2"):  # their lines hold addresses in full
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


class RemoteServer:
    """Belongs to one event loop. Sets no time limit: the caller cancels."""

    def __init__(self, headers: Mapping[str, str], *, anywhere: bool, connections: int, answer_bytes: int) -> None:
        """`headers`: of every request. `anywhere`: the server may have a public address.

        A longer answer than `answer_bytes` is rejected.
        """
        self._anywhere = anywhere
        self._answer_bytes = answer_bytes
        self._headers = {"Accept": "application/json", "Accept-Encoding": "identity", **headers}
        # Only the transport: a client would add cookies, redirects and the environment's proxies.
        self._transport = httpx2.AsyncHTTPTransport(
            trust_env=False,
            # A connection an answer: what else a broken server writes on it would answer another call's question.
            limits=httpx2.Limits(max_connections=connections, max_keepalive_connections=0),
        )

    async def get(self, url: str) -> bytes:
        """GET a URL; returns the answer's body. Raises ServerError."""
        return await self._answer(httpx2.Request("GET", url, headers=self._headers, extensions=self._watched))

    async def post(self, url: str, question: bytes, kind: str) -> bytes:
        """POST a question of this content type; returns the answer's body. Raises ServerError."""
        headers = {**self._headers, "Content-Type": kind}
        return await self._answer(
            httpx2.Request("POST", url, headers=headers, content=question, extensions=self._watched)
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.aclose()

    @property
    def _watched(self) -> dict[str, Any]:
        return {"trace": self._watch}

    async def _answer(self, request: httpx2.Request) -> bytes:
        try:
            response = await self._transport.handle_async_request(request)
            try:
                return await _body(response, self._answer_bytes)
            finally:
                await response.aclose()
        except (httpx2.HTTPError, httpx2.StreamError, OSError) as error:
            raise ServerError(Failure.UNREACHABLE, type(error).__name__) from None

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


def host_of(url: str) -> str:
    """The host of an HTTP URL; empty if it is none, or has characters that no URL has."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return ""
    is_plain = url.isascii() and url.isprintable() and " " not in url
    return host if host and is_plain and parts.scheme in ("http", "https") else ""


def is_header_value(text: str) -> bool:
    """Whether a key or token may stand in an HTTP header."""
    return text.isascii() and text.isprintable()


def far_address(host: str) -> str:
    """An address of a host that is neither local nor private; empty if it has none, or cannot be resolved."""
    return next((address for address in addresses(host) if not near(address)), "")


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
