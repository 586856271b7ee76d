"""Transactions (RFC 3261 section 17): requests out until they are answered, the other side's requests in.

One endpoint serves any number of calls; a message finds its call by Call-ID, a response its request by branch.
"""

import asyncio
import itertools
import logging
import ssl
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Final, Self, TypeVar

from testcall import sip
from testcall.dialog import ALLOW, ack_of_failure, cancel_of, new_tag, response_to
from testcall.sip import Request, Response
from testcall.transport import SocketAddress, TcpTransport, TlsTransport, Transport, UdpTransport

T1_SECONDS: Final = 0.5
"""RFC 3261's estimate of a round trip."""
T2_SECONDS: Final = 4.0
TRANSACTION_SECONDS: Final = 64 * T1_SECONDS
"""Timers B and F: a request that had no answer by then has failed."""
CANCEL_SECONDS: Final = 4.0
"""How long a cancelled INVITE may take to end."""

_REMEMBERED: Final = 4096
"""Messages kept for the other side's retransmissions; the oldest goes first."""

Key = TypeVar("Key")
Value = TypeVar("Value")
_log = logging.getLogger(__name__)

Answerer = Callable[[Request], Response]
"""Answers the other side's requests within one call; called on the event loop, must not block."""


def retransmissions(method: str, *, provisional: bool = False) -> Iterator[float]:
    """Seconds to wait before each repetition over UDP: timers A (INVITE) and E (all others)."""
    if method == "INVITE":
        if provisional:  # it has arrived: section 17.1.1.2 repeats it no more
            return
        yield from (T1_SECONDS * 2**count for count in itertools.count())
    elif provisional:
        yield from itertools.repeat(T2_SECONDS)
    else:
        yield from (min(T1_SECONDS * 2**count, T2_SECONDS) for count in itertools.count())


class Endpoint:
    """An async context manager around one transport to one target."""

    def __init__(
        self,
        target: SocketAddress,
        transport: str = "tcp",
        local_address: str = "",
        secure: ssl.SSLContext | None = None,
    ) -> None:
        """`transport` is `udp`, `tcp` or `tls`; `target` a host and a port; `local_address` where not the routing's.

        `secure`: as `TlsTransport`.
        """
        self.transport: Transport
        if transport == "udp":
            self.transport = UdpTransport(target, self._received, local_address)
        elif transport == "tls":
            self.transport = TlsTransport(target, self._received, local_address, secure)
        else:
            self.transport = TcpTransport(target, self._received, local_address)
        self.target = target
        self.malformed = 0
        """Messages that could not be read, since the start."""
        self._transactions: dict[tuple[str, str], Transaction] = {}
        self._calls: dict[str, Answerer] = {}
        self._acks: OrderedDict[str, tuple[Request, SocketAddress]] = OrderedDict()
        self._answers: OrderedDict[tuple[str, str], Response] = OrderedDict()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.transport.close()

    def attach(self, call_id: str, answer: Answerer) -> None:
        """Lets a call answer the requests that carry its Call-ID."""
        self._calls[call_id] = answer

    def detach(self, call_id: str) -> None:
        self._calls.pop(call_id, None)

    def transaction(self, request: Request, to: SocketAddress | None = None) -> "Transaction":
        """A request about to be sent, as a context manager; to the target unless told otherwise."""
        return Transaction(self, request, to or self.target)

    def send(self, message: Request | Response, to: SocketAddress) -> None:
        self.transport.send(sip.serialise(message), to)

    def acknowledge(self, invite: Request, ack: Request, to: SocketAddress) -> None:
        """Sends an INVITE's ACK now, and again whenever the final response comes again."""
        _remember(self._acks, sip.branch_of(invite), (ack, to))
        self.send(ack, to)

    def _received(self, data: bytes, source: SocketAddress) -> None:
        if not data.strip(b"\r\n\0"):  # a keep-alive
            return
        try:
            message = sip.parse(data)
        except sip.SipError as error:
            self.malformed += 1
            _log.warning("a message from %s:%d could not be read: %s", *source, error)
            return
        try:
            if isinstance(message, Response):
                self._take_response(message)
            elif message.method != "ACK":
                self._take_request(message, source)
        except OSError as error:
            _log.warning("no answer could be sent to %s:%d: %s", *source, error)

    def _take_response(self, response: Response) -> None:
        branch, method = sip.branch_of(response), sip.method_of(response)
        if method == "INVITE" and response.status >= 200 and branch in self._acks:
            self.send(*self._acks[branch])
        elif transaction := self._transactions.get((branch, method)):
            transaction.responses.put_nowait(response)

    def _take_request(self, request: Request, source: SocketAddress) -> None:
        key = (sip.branch_of(request), request.method)
        if key not in self._answers:
            if answer := self._calls.get(request.first("Call-ID")):
                response = answer(request)
            elif request.method == "OPTIONS":
                response = response_to(request, 200, "OK", (("Allow", ALLOW),), to_tag=new_tag())
            else:
                response = response_to(request, 481, "Call/Transaction Does Not Exist", to_tag=new_tag())
            _remember(self._answers, key, response)
        self.send(self._answers[key], source)


class Transaction:
    """One request until its final response. Within its `with` block responses find it."""

    def __init__(self, endpoint: Endpoint, request: Request, to: SocketAddress) -> None:
        self.request = request
        self.to = to
        self.responses: asyncio.Queue[Response] = asyncio.Queue()
        self._endpoint = endpoint
        self._key = (sip.branch_of(request), request.method)
        self._sent = False
        self._provisional = False

    def __enter__(self) -> Self:
        self._endpoint._transactions[self._key] = self
        return self

    def __exit__(self, *_: object) -> None:
        del self._endpoint._transactions[self._key]

    async def final(self, timeout_seconds: float = TRANSACTION_SECONDS) -> Response:
        """Sends the request, repeats it as UDP needs it, and waits for the final response.

        Acknowledges an INVITE's refusal itself. TimeoutError if none came; may be called again to wait on.
        """
        async with asyncio.timeout(timeout_seconds):
            response = await self._wait()
        if self.request.method == "INVITE" and response.status >= 300:
            self._endpoint.acknowledge(self.request, ack_of_failure(self.request, response), self.to)
        return response

    async def cancel(self) -> Response | None:
        """Takes an INVITE back: its final response (487, or a 2xx that crossed), None if none came in time."""
        if not self._provisional:  # a CANCEL may only follow a provisional response (section 9.1)
            return None
        try:
            with self._endpoint.transaction(cancel_of(self.request), self.to) as cancelling:
                async with asyncio.timeout(CANCEL_SECONDS), asyncio.TaskGroup() as group:
                    group.create_task(cancelling.final())
                    final = group.create_task(self.final())
        except (TimeoutError, ExceptionGroup):
            return None
        return final.result()

    async def _wait(self) -> Response:
        unreliable = not self._endpoint.transport.reliable
        delays = retransmissions(self.request.method, provisional=self._provisional) if unreliable else iter(())
        if not self._sent:
            self._endpoint.send(self.request, self.to)
            self._sent = True
        while True:
            try:
                async with asyncio.timeout(next(delays, None)):
                    response = await self.responses.get()
            except TimeoutError:
                self._endpoint.send(self.request, self.to)
                continue
            if response.status >= 200:
                return response
            if not self._provisional and unreliable:
                delays = retransmissions(self.request.method, provisional=True)
            self._provisional = True


def _remember(kept: OrderedDict[Key, Value], key: Key, value: Value) -> None:
    kept[key] = value
    if len(kept) > _REMEMBERED:
        kept.popitem(last=False)
