"""How SIP messages travel: one UDP socket, or one TCP or TLS connection, for all the calls of an endpoint."""

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Callable
from typing import Final, Literal, Protocol

from testcall import sip

SocketAddress = tuple[str, int]
Receive = Callable[[bytes, SocketAddress], None]
"""Is called with each message's bytes and where it came from."""

CONNECT_SECONDS: Final = 5.0
GOODBYE_SECONDS: Final = 0.5
"""For the other side of TLS to say that it closes too; not all do."""
_log = logging.getLogger(__name__)


class Transport(Protocol):
    """Carries whole messages."""

    @property
    def name(self) -> Literal["UDP", "TCP", "TLS"]: ...

    @property
    def reliable(self) -> bool:
        """Nothing is lost on it: requests need no retransmission."""

    @property
    def local(self) -> SocketAddress:
        """The address that Via and Contact name."""

    async def connect(self) -> None:
        """Makes it usable, again if it was lost; OSError if that fails."""

    def send(self, data: bytes, to: SocketAddress) -> None:
        """Sends one message; OSError if the connection is gone."""

    async def close(self) -> None: ...


def local_address_towards(target: SocketAddress) -> str:
    """This machine's address as the target sees it, from the routing table; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(target)
        return str(probe.getsockname()[0])


class UdpTransport(asyncio.DatagramProtocol):
    """One unconnected socket: the other side may answer from another port than it was asked at."""

    name: Final[Literal["UDP"]] = "UDP"
    reliable: Final = False

    def __init__(self, target: SocketAddress, receive: Receive, local_address: str = "") -> None:
        """`local_address`: empty is the one that the routing table chooses."""
        self._target = target
        self._receive = receive
        self._local_address = local_address
        self._transport: asyncio.DatagramTransport | None = None

    @property
    def local(self) -> SocketAddress:
        if self._transport is None:
            raise OSError("not connected")
        host, port = self._transport.get_extra_info("sockname")[:2]
        return host, port

    async def connect(self) -> None:
        if self._transport is None:
            here = (self._local_address or local_address_towards(self._target), 0)
            loop = asyncio.get_running_loop()
            self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=here)

    def send(self, data: bytes, to: SocketAddress) -> None:
        if self._transport is None:
            raise OSError("not connected")
        self._transport.sendto(data, to)

    async def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
            await asyncio.sleep(0)  # the loop closes the socket in its next round

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._receive(data, addr)

    def error_received(self, exc: Exception) -> None:
        # Nobody listens at the target: the transaction's own time-out says so with the call's name.
        _log.debug("UDP: %s", exc)


class TcpTransport:
    """One connection to the target. Requests of the other side come back on it, since Contact names its end."""

    name: Literal["TCP", "TLS"] = "TCP"
    reliable: Final = True
    secure: ssl.SSLContext | None = None

    def __init__(self, target: SocketAddress, receive: Receive, local_address: str = "") -> None:
        """`local_address`: empty is the one that the routing table chooses."""
        self._target = target
        self._receive = receive
        self._local = (local_address, 0) if local_address else None
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._connecting = asyncio.Lock()

    @property
    def local(self) -> SocketAddress:
        if self._writer is None:
            raise OSError("not connected")
        host, port = self._writer.get_extra_info("sockname")[:2]
        return host, port

    async def connect(self) -> None:
        async with self._connecting:
            if self._writer is not None and self._reading is not None and not self._reading.done():
                return
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    reader, self._writer = await asyncio.open_connection(
                        *self._target,
                        limit=sip.MAX_MESSAGE_BYTES,
                        local_addr=self._local,
                        ssl=self.secure,
                        ssl_shutdown_timeout=GOODBYE_SECONDS if self.secure else None,
                    )
            except TimeoutError:
                raise OSError(f"no TCP connection within {CONNECT_SECONDS:g} s") from None
            self._reading = asyncio.create_task(self._read(reader, self._writer), name="sip-tcp-reader")

    def send(self, data: bytes, to: SocketAddress) -> None:
        if self._writer is None or self._reading is None or self._reading.done():
            raise ConnectionResetError("the other side closed the TCP connection")
        self._writer.write(data)

    async def close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Cuts the stream into messages by Content-Length (RFC 3261 section 18.3) until it ends; then closes it."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                while head.startswith(b"\r\n"):  # keep-alives between messages (RFC 5626 section 4.4.1)
                    head = head[2:]
                if head:
                    self._receive(head + await reader.readexactly(_length_in(head)), self._target)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        except (asyncio.LimitOverrunError, sip.SipError) as error:
            # Where the next message starts is no longer known: this connection is of no more use.
            _log.warning("TCP stream from %s:%d is no SIP: %s", *self._target, error)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


class TlsTransport(TcpTransport):
    """The same over TLS (RFC 3261 section 26.2)."""

    name = "TLS"

    def __init__(
        self, target: SocketAddress, receive: Receive, local_address: str = "", secure: ssl.SSLContext | None = None
    ) -> None:
        """`secure`: whom to trust and what to show; none trusts whoever answers, as fits a test call."""
        super().__init__(target, receive, local_address)
        self.secure = secure or _trusting()


def _trusting() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _length_in(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() in {b"content-length", b"l"}:
            return sip.content_length(value.strip().decode("latin-1"))
    raise sip.SipError("no Content-Length on a stream")
