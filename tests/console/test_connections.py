"""Who holds connections to a running console, and who is served all the same: over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from service.http_connection import STRANGERS
from tests.console.events import events
from tests.console.running import RunningConsole

CREDENTIAL = "correct horse"
AUTH = ("supervisor", CREDENTIAL)
REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
FLOOD = 1_200
"""More than the console takes of all together."""
WAIT_SECONDS = 60.0


@pytest.fixture(autouse=True)
def many_files() -> Iterator[None]:
    """As many sockets as the flood needs."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], min(4_096, before[1])), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@contextlib.asynccontextmanager
async def console_with_password(redis_url: str, **console: object) -> AsyncIterator[RunningConsole]:
    """A console that asks for it, and follows Redis."""
    async with RunningConsole(redis_url, password=CREDENTIAL, heartbeat_seconds=0.3, **console) as running:
        await running.ready()
        yield running
        assert await running.stop() == 0, running.log


@contextlib.asynccontextmanager
async def flood(
    console: RunningConsole, count: int, said: bytes, source: str = "127.0.0.1"
) -> AsyncIterator[list[socket.socket]]:
    """So many connections that have said this, and stay."""
    loop, held = asyncio.get_running_loop(), list[socket.socket]()
    try:
        for _ in range(count):
            client = socket.socket()
            held.append(client)
            client.setblocking(False)
            client.bind((source, 0))
            await loop.sock_connect(client, ("127.0.0.1", console.port))
            if said:
                with contextlib.suppress(OSError):  # it had to go already
                    await loop.sock_sendall(client, said)
        yield held
    finally:
        for client in held:
            client.close()


async def ended(client: socket.socket) -> bytes:
    """All that comes until the console closes."""
    loop, found = asyncio.get_running_loop(), b""
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(WAIT_SECONDS):
            while received := await loop.sock_recv(client, 65_536):
                found += received
    return found


@pytest.mark.parametrize(
    "said",
    [
        b"",
        REQUEST[:9],
        REQUEST,
        REQUEST * 500,
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
    ],
    ids=["silent", "half a request", "asked without a password", "reads no answer", "half a body", "tls"],
)
async def test_a_flood_of_strangers_keeps_nobody_out(redis_url: str, said: bytes) -> None:
    """With 1,200 of them at the address that the supervisors come from, as behind a proxy, pages open and go on."""
    async with console_with_password(redis_url) as console, events(console.url, auth=AUTH) as page:
        await page.next("snapshot")
        async with flood(console, FLOOD, said), httpx.AsyncClient(auth=AUTH, timeout=WAIT_SECONDS) as client:
            for _ in range(10):
                assert (await client.get(console.url)).status_code == 200
                async with httpx.AsyncClient(auth=AUTH, timeout=WAIT_SECONDS) as anew:
                    assert (await anew.get(f"{console.url}/api/calls")).status_code == 200
            async with events(console.url, auth=AUTH) as another:
                await another.next("snapshot")
            assert (await page.next("status")).data["stale_since"] is None


async def test_of_strangers_few_are_kept(redis_url: str) -> None:
    """The flood ends its own connections, the oldest first; one from another address is not among them."""
    async with (
        console_with_password(redis_url) as console,
        flood(console, 1, REQUEST[:9], source="127.0.0.2") as (other,),
        flood(console, STRANGERS + 50, b"") as held,
    ):
        for client in held[:50]:
            assert await ended(client) == b""
        await asyncio.get_running_loop().sock_sendall(other, REQUEST[9:])
        assert (await asyncio.get_running_loop().sock_recv(other, 64)).startswith(b"HTTP/1.1 401")
        assert await console.metric('callvane_console_connections_closed_total{reason="crowded"}') >= 50


async def test_a_request_that_drips_is_overdue(redis_url: str) -> None:
    """One byte after the other does not begin its time anew, whatever the connection has asked before."""
    signed_in = REQUEST[:-2] + b"Authorization: Basic %s\r\n\r\n" % b64encode(":".join(AUTH).encode())
    async with (
        console_with_password(redis_url) as console,
        flood(console, 1, REQUEST[:9]) as first,
        flood(console, 1, REQUEST + REQUEST[:9]) as asked,
        flood(console, 1, signed_in + REQUEST[:9]) as known,
    ):
        dripping = [asyncio.create_task(drip(client)) for client in (*first, *asked, *known)]
        answers = [await ended(client) for client in (*first, *asked, *known)]
        assert [answer[9:12] for answer in answers] == [b"", b"401", b"200"]
        await asyncio.gather(*dripping)
        assert await console.metric('callvane_console_connections_closed_total{reason="overdue"}') == 3


async def drip(client: socket.socket) -> None:
    """Send a byte now and then, until the connection is closed."""
    with contextlib.suppress(OSError):
        while True:
            await asyncio.sleep(0.2)
            await asyncio.get_running_loop().sock_sendall(client, b"x")


async def test_guesses_are_slowed_where_they_come_from(redis_url: str) -> None:
    """After ten wrong passwords an address is not listened to; the right one from another address is."""
    async with console_with_password(redis_url) as console:
        guessing = httpx.AsyncHTTPTransport(local_address="127.0.0.2")
        async with httpx.AsyncClient(transport=guessing) as client:
            answers = [(await client.get(console.url, auth=("supervisor", str(n)))).status_code for n in range(20)]
            assert answers[:10] == [401] * 10
            assert answers[-1] == 429
            again = await client.get(console.url, auth=("supervisor", "0"))
            assert again.status_code == 401, "a page with an old password is told so, and counts no more"
            right = await client.get(console.url, auth=AUTH)
            assert (right.status_code, right.headers["retry-after"]) == (429, "10")
        async with httpx.AsyncClient(auth=AUTH) as client:
            assert (await client.get(console.url)).status_code == 200
        assert await console.metric('callvane_console_requests_refused_total{reason="guesses"}') >= 2


async def test_behind_a_proxy_each_client_has_its_own_guesses(redis_url: str) -> None:
    """The named proxy's word for the address counts, its last one alone; anybody else's does not."""
    async with console_with_password(redis_url, proxies='["127.0.0.2"]') as console:
        proxy = httpx.AsyncHTTPTransport(local_address="127.0.0.2")
        async with httpx.AsyncClient(transport=proxy) as client:
            for number in range(20):
                headers = {"X-Forwarded-For": f"203.0.113.{number}, 192.0.2.1"}
                await client.get(console.url, auth=("supervisor", str(number)), headers=headers)
            guesser = await client.get(console.url, auth=AUTH, headers={"X-Forwarded-For": "192.0.2.1"})
            assert guesser.status_code == 429
            other = await client.get(console.url, auth=AUTH, headers={"X-Forwarded-For": "192.0.2.2"})
            assert other.status_code == 200
        async with httpx.AsyncClient() as client:
            answers = []
            for number in range(20):
                headers = {"X-Forwarded-For": f"192.0.2.{100 + number}"}
                answers.append(await client.get(console.url, auth=("supervisor", str(number)), headers=headers))
            assert answers[-1].status_code == 429
    assert console.log.count("console.proxies") == 1


async def test_a_request_that_is_none_by_its_end_is_counted(redis_url: str) -> None:
    """It leaves no traceback in the log, however often a stranger sends it, and others are served."""
    nonsense = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n"
    async with console_with_password(redis_url) as console:
        for _ in range(5):
            reader, writer = await asyncio.open_connection("127.0.0.1", console.port)
            writer.write(nonsense)
            await asyncio.wait_for(reader.read(), WAIT_SECONDS)
            writer.close()
        async with httpx.AsyncClient(auth=AUTH) as client:
            assert (await client.get(console.url)).status_code == 200
        assert await console.metric('callvane_console_requests_refused_total{reason="malformed"}') == 5
        assert await console.metric('callvane_faults_total{type="page"}') == 0
    assert "Traceback" not in console.log
