"""SIP over TCP: a stream cut into messages."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from testcall import sip
from testcall.sip import Response
from testcall.transport import TcpTransport


def message(number: int, body: bytes = b"") -> bytes:
    return sip.serialise(Response(200, "OK", (("CSeq", f"{number} OPTIONS"),), body))


@asynccontextmanager
async def connected(talk: Callable[[asyncio.StreamWriter], None]) -> AsyncIterator[tuple[TcpTransport, list[bytes]]]:
    """A transport to a server that says something to every connection and closes it."""

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk(writer)
        writer.close()
        await writer.wait_closed()

    received: list[bytes] = []
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        transport = TcpTransport(server.sockets[0].getsockname(), lambda data, _: received.append(data))
        await transport.connect()
        yield transport, received
        await transport.close()


async def until_closed(transport: TcpTransport) -> None:
    """Waits until the other side's end of the connection has been seen."""
    async with asyncio.timeout(60):
        while True:
            try:
                transport.send(b"", ("", 0))
            except ConnectionResetError:
                return
            await asyncio.sleep(0.01)


async def test_messages_are_cut_by_their_length() -> None:
    """Messages that come in one piece, with bodies and keep-alives between them, are received one by one."""
    sent = [message(1, b"body\r\n\r\nof one"), message(2), message(3, b"x" * 5000)]
    async with connected(lambda writer: writer.write(b"\r\n\r\n".join(sent))) as (transport, received):
        await until_closed(transport)
        assert received == sent


async def test_lost_connection_is_made_again() -> None:
    """Sending on a connection that the other side closed is an error; connecting again gives a new one."""
    async with connected(lambda writer: writer.write(message(1))) as (transport, received):
        await until_closed(transport)
        await transport.connect()
        await until_closed(transport)
        assert received == [message(1)] * 2


@pytest.mark.parametrize("data", [b"SIP/2.0 200 OK\r\nCSeq: 1 BYE\r\n\r\n", b"SIP/2.0 200 OK\r\nl: many\r\n\r\n"])
async def test_stream_without_lengths_is_given_up(data: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """A message without a usable Content-Length ends the reading, with a line that says so."""
    async with connected(lambda writer: writer.write(data + message(2))) as (transport, received):
        await until_closed(transport)
        assert received == []
    assert "is no SIP" in caplog.text
