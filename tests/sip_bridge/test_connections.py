"""TCP and TLS connections to a running bridge: how many there may be, and what comes of too many."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.conftest import PrivateRedis
from tests.sip_bridge.pjsip.test_door import request
from tests.sip_bridge.running import RunningBridge, bridge, recorder, until

CROWDED = 'callvane_connections_closed_total{reason="crowded"}'
UNREAD = 'callvane_connections_closed_total{reason="unread"}'
STARVED = "callvane_listener_starved_total"


@pytest.fixture(scope="module")
def small(shared_redis: PrivateRedis) -> Iterator[RunningBridge]:
    """A bridge for ten calls."""
    with bridge(shared_redis.url, max_calls=10) as started:
        yield started


async def call(running: RunningBridge, call_id: str) -> None:
    """Place a call over TCP and end it."""
    async with recorder(running, call_id) as placed:
        assert (await placed.invite(placed.offer(""))).status == 200
        assert (await placed.ask("BYE")).status == 200


async def test_idle_connections_give_way(small: RunningBridge) -> None:
    """A thousand that have all been answered do not keep a new one out, nor take one that has a call."""
    before = small.metric(CROWDED)
    async with recorder(small, "among many") as placed:
        assert (await placed.invite(placed.offer(""))).status == 200
        writers = []
        for number in range(1_000):
            reader, writer = await asyncio.open_connection(*small.address)
            writers.append(writer)
            writer.write(request("INFO", number, "TCP"))
            async with asyncio.timeout(60):
                assert (await reader.read(65_536)).startswith(b"SIP/2.0 481")
        await call(small, "after many")
        assert (await placed.ask("BYE")).status == 200
        for writer in writers:
            writer.close()
    await asyncio.to_thread(until, lambda: small.metric(CROWDED) >= before + 900, small.lines)


async def test_a_listener_outlives_a_want_of_files(redis_url: str) -> None:
    """Connections that come while there are no files wait, and are counted; once there are some, calls are taken."""
    with bridge(redis_url, max_calls=10) as running:
        _, hard = before = resource.prlimit(running.process.pid, resource.RLIMIT_NOFILE)
        held = len(os.listdir(f"/proc/{running.process.pid}/fd"))
        resource.prlimit(running.process.pid, resource.RLIMIT_NOFILE, (held // 2, hard))
        with ExitStack() as waiting:
            for _ in range(60):
                waiting.enter_context(socket.create_connection(running.address))
            until(lambda: any("no file descriptors left" in line for line in running.lines), running.lines)
            resource.prlimit(running.process.pid, resource.RLIMIT_NOFILE, before)
        assert running.metric(STARVED) >= 1
        await call(running, "after the want")


async def test_a_connection_that_reads_nothing_is_closed(small: RunningBridge) -> None:
    """Requests without end, of which no answer is taken: it is closed, counted, and others are answered."""
    before = small.metric(UNREAD)
    with socket.create_connection(small.address) as flood:
        flood.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        with pytest.raises(ConnectionError):
            await asyncio.to_thread(_write_without_end, flood)
    await asyncio.to_thread(until, lambda: small.metric(UNREAD) == before + 1, small.lines)
    await call(small, "after the flood")


def _write_without_end(flood: socket.socket) -> None:
    flood.settimeout(60)
    many = request("XYZ", 9, "TCP") * 100
    while True:
        flood.sendall(many)


DISLIKED = (
    "Expires:",
    "Authorization: Basic YTpi",
    "Min-SE: x",
    "Session-Expires:",
    "Retry-After:",
    "Record-Route:",
    "Replaces: x",
    "Route: garbage",
    "a line without a colon",
    "Allow",
    ": nameless",
    'Proxy-Authorization: Digest username="unclosed',
)


@pytest.mark.parametrize("line", DISLIKED)
@pytest.mark.parametrize("transport", ["tcp", "udp"])
async def test_an_unreadable_header_is_passed_over(
    small: RunningBridge, monkeypatch: pytest.MonkeyPatch, line: str, transport: str
) -> None:
    """An INVITE with one that nobody needs is answered 200, wherever the header stands."""
    async with recorder(small, f"with {line[:5]} over {transport}", transport) as placed:
        place = ("X-Place", "here")
        send = placed.endpoint.transport.send
        monkeypatch.setattr(
            placed.endpoint.transport, "send", lambda data, to: send(data.replace(b"X-Place: here", line.encode()), to)
        )
        assert (await placed.invite(placed.offer(""), "application/sdp", place)).status == 200
        assert (await placed.ask("BYE", place)).status == 200


@pytest.mark.parametrize("line", DISLIKED)
async def test_an_unreadable_header_may_be_the_last(small: RunningBridge, line: str) -> None:
    """What follows the headers is read all the same."""
    asked = request("INFO", 9, "TCP", b"v=0\r\n").replace(b"\r\n\r\n", f"\r\n{line}\r\n\r\n".encode())
    reader, writer = await asyncio.open_connection(*small.address)
    writer.write(asked + request("INFO", 10, "TCP"))
    async with asyncio.timeout(60):
        found = b""
        while found.count(b"SIP/2.0 481") < 2:
            found += await reader.read(65_536)
    writer.close()


@pytest.mark.parametrize(
    ("line", "status"),
    [("Via: garbage", b"400"), ("v: garbage", b"400"), ("From: <", b"400"), ("CSeq: x", b"400"), ("To: <", b"400")],
)
async def test_a_header_that_an_answer_needs_must_be_readable(small: RunningBridge, line: str, status: bytes) -> None:
    """Where there is one more that can be read, the answer is 400; it is counted."""
    sample = 'callvane_requests_turned_away_total{method="other",reason="unreadable"}'
    before = small.metric(sample)
    reader, writer = await asyncio.open_connection(*small.address)
    writer.write(request("INVITE", 9, "TCP").replace(b"Event:", line.encode() + b"\r\nEvent:"))
    async with asyncio.timeout(60):
        assert (await reader.read(65_536)).startswith(b"SIP/2.0 " + status)
    writer.close()
    await asyncio.to_thread(until, lambda: small.metric(sample) == before + 1, small.lines)


@pytest.mark.parametrize("name", [b"Via", b"From", b"To", b"Call-ID", b"CSeq"])
async def test_what_cannot_be_answered_is_counted(small: RunningBridge, name: bytes) -> None:
    """A message without one of the headers that an answer needs leaves a trace in the metrics, if not an answer."""
    sample = 'callvane_requests_turned_away_total{method="other",reason="unreadable"}'
    before = small.metric(sample)
    _, writer = await asyncio.open_connection(*small.address)
    writer.write(request("INVITE", 9, "TCP").replace(b"\r\n" + name + b":", b"\r\nX-Other:"))
    await asyncio.to_thread(until, lambda: small.metric(sample) == before + 1, small.lines)
    writer.close()
