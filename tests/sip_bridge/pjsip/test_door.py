"""What comes first to each request at a running bridge: who may come near, which methods, how long for a message."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Iterator

import pytest

from testcall import sdp
from tests.conftest import PrivateRedis
from tests.sip_bridge.running import RunningBridge, bridge, raw, recorder, until

FOREIGN = "callvane_requests_turned_away_total"
ANSWERS = {"INVITE": b"488", "OPTIONS": b"200", "BYE": b"481", "UPDATE": b"481", "PRACK": b"481", "INFO": b"481"}
"""To requests outside a dialog; the INVITE offers nothing. Any other method is none of a recorder's: 405."""


@pytest.fixture(scope="module")
def foreign(shared_redis: PrivateRedis) -> Iterator[RunningBridge]:
    """A bridge that lets in somebody else."""
    with bridge(shared_redis.url, allowed_peers='["192.0.2.0/24"]') as started:
        yield started


@pytest.fixture(scope="module")
def open_to_us(shared_redis: PrivateRedis) -> Iterator[RunningBridge]:
    """A bridge that lets in this machine."""
    with bridge(shared_redis.url, rtp_timeout_seconds=0) as started:
        yield started


def request(method: str, port: int, transport: str = "UDP", body: bytes = b"", length: int | None = None) -> bytes:
    """One from outside any dialog."""
    head = (
        f"{method} sip:srs@127.0.0.1 SIP/2.0",
        f"Via: SIP/2.0/{transport} 127.0.0.1:{port};rport;branch=z9hG4bK{method}{port}",
        f"From: <sip:somebody@127.0.0.1:{port}>;tag=1",
        "To: <sip:srs@127.0.0.1>",
        f"Call-ID: {method}-{port}",
        f"CSeq: 1 {method}",
        f"Contact: <sip:somebody@127.0.0.1:{port}>",
        "Event: presence",
        f"Content-Length: {len(body) if length is None else length}",
    )
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS", "SUBSCRIBE", "MESSAGE", "REGISTER", "BYE", "ACK", "XYZ"])
async def test_a_stranger_gets_no_answer(foreign: RunningBridge, method: str) -> None:
    """Whatever it asks from outside the allow-list, not a byte comes back, neither to it nor to its Contact."""
    sample = f'{FOREIGN}{{method="{"INVITE" if method == "INVITE" else "other"}",reason="forbidden"}}'
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as scanner:
        scanner.bind(("127.0.0.1", 0))
        before = foreign.metric(sample)
        scanner.sendto(request(method, scanner.getsockname()[1]), foreign.address)
        await asyncio.to_thread(until, lambda: foreign.metric(sample) == before + 1, foreign.lines)
        scanner.setblocking(False)
        with pytest.raises(BlockingIOError):
            scanner.recv(65_536)


async def test_a_stranger_gets_no_connection(foreign: RunningBridge) -> None:
    """Over TCP it is closed before it has said anything, and counted."""
    reader, writer = await asyncio.open_connection(*foreign.address)
    assert await reader.read() == b""
    writer.close()
    sample = 'callvane_connections_closed_total{reason="forbidden"}'
    await asyncio.to_thread(until, lambda: foreign.metric(sample) >= 1, foreign.lines)


async def test_scanners_cost_one_line_a_minute(redis_url: str) -> None:
    """However often they try: with the count and the latest one's network, and no call."""
    with bridge(redis_url, allowed_peers='["192.0.2.0/24"]') as guarded:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as scanner:
            for number in range(5):
                scanner.sendto(request("INVITE", number), guarded.address)
        sample = 'callvane_forks_total{outcome="refused_forbidden"}'
        await asyncio.to_thread(until, lambda: guarded.metric(sample) == 5, guarded.lines)
        guarded.logged(r"\d requests refused because of their sender; the latest: INVITE from 127\.0\.0\.0/24: forb")
        assert guarded.events() == []
        assert len([line for line in guarded.lines if "because of their sender" in line]) == 1


@pytest.mark.parametrize("method", [*ANSWERS, "SUBSCRIBE", "MESSAGE", "REGISTER", "PUBLISH", "NOTIFY", "REFER", "XYZ"])
async def test_what_a_recorder_does_not_do_is_405(open_to_us: RunningBridge, method: str) -> None:
    """Outside a dialog every method has its answer, at once; those that no recorder needs with the ones it knows."""
    answered = await raw(open_to_us, request(method, 9, "TCP"))
    assert re.findall(rb"^SIP/2.0 (\d+)", answered, re.MULTILINE)[-1:] == [ANSWERS.get(method, b"405")]
    if method not in ANSWERS:
        assert b"Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, PRACK, INFO" in answered


@pytest.mark.parametrize(
    ("method", "status"), [("OPTIONS", 200), ("INFO", 200), ("NOTIFY", 405), ("MESSAGE", 405), ("REFER", 405)]
)
async def test_a_peer_asks_whether_the_dialog_stands(open_to_us: RunningBridge, method: str, status: int) -> None:
    """Within a dialog OPTIONS and INFO are answered 200; the call goes on whatever is asked, and ends by its BYE."""
    call_id = f"asked-{method}"
    async with recorder(open_to_us, call_id) as placed:
        assert (await placed.invite(placed.offer(""))).status == 200
        assert (await placed.ask(method)).status == status
        assert (await placed.ask("OPTIONS")).status == 200
        assert (await placed.ask("BYE")).status == 200
        assert (await placed.ask("OPTIONS")).status == 481
    assert (await asyncio.to_thread(open_to_us.closed, call_id))[-1].reason == "bye"  # type: ignore[union-attr]


HALVES = (b"", b"OPTIONS sip:srs@127.0.0.1 SIP/2.0\r\nVia: SIP", request("INVITE", 9, "TCP", length=500))


async def test_half_a_message_is_not_waited_for(open_to_us: RunningBridge) -> None:
    """A connection that says nothing, half a head or half a body is closed after some seconds, and counted."""
    sample = 'callvane_connections_closed_total{reason="overdue"}'
    before = open_to_us.metric(sample)

    async def until_closed(said: bytes) -> None:
        reader, writer = await asyncio.open_connection(*open_to_us.address)
        writer.write(said)
        async with asyncio.timeout(60):
            assert await reader.read() == b""
        writer.close()

    await asyncio.gather(*map(until_closed, HALVES))
    await asyncio.to_thread(until, lambda: open_to_us.metric(sample) == before + len(HALVES), open_to_us.lines)


async def test_a_connection_may_rest_between_messages(open_to_us: RunningBridge) -> None:
    """Beside one that is closed for its silence, one that has said a whole message stays and is answered again."""
    async with recorder(open_to_us, "rests") as placed:
        assert (await placed.ask("OPTIONS")).status == 200
        reader, writer = await asyncio.open_connection(*open_to_us.address)
        async with asyncio.timeout(60):
            assert await reader.read() == b""
        writer.close()
        assert (await placed.ask("OPTIONS")).status == 200


async def test_one_peer_holds_but_so_many_silent_connections(open_to_us: RunningBridge) -> None:
    """Of a hundred, those above 64 are closed at once; one that has said something before goes on."""
    async with recorder(open_to_us, "beside") as placed:
        assert (await placed.ask("OPTIONS")).status == 200
        opened = [await asyncio.open_connection(*open_to_us.address) for _ in range(100)]
        closed = [asyncio.create_task(reader.read()) for reader, _ in opened]
        async with asyncio.timeout(60):
            done = 0
            while done < 36:
                await asyncio.sleep(0.05)
                done = sum(task.done() for task in closed)
        assert (await placed.ask("OPTIONS")).status == 200
        for task in closed:
            task.cancel()
        for _, writer in opened:
            writer.close()
    sample = 'callvane_connections_closed_total{reason="crowded"}'
    await asyncio.to_thread(until, lambda: open_to_us.metric(sample) >= 36, open_to_us.lines)


async def test_a_host_name_is_not_looked_up(open_to_us: RunningBridge) -> None:
    """In SDP or Contact: the fork is answered at once, and what we send comes where its INVITE came from."""
    async with recorder(open_to_us, "named", "udp") as placed:
        host, port = placed.endpoint.transport.local
        placed.dialog.contact = placed.dialog.contact.replace(f"{host}:{port}", "recorder.sbc.invalid")
        offer = placed.offer("").replace(b"IN IP4 127.0.0.1", b"IN IP4 media7.sbc.invalid")
        response = await placed.invite(offer)
        assert response.status == 200
        assert [stream.direction for stream in sdp.parse_answer(response.body)] == ["recvonly"]
        assert open_to_us.metric("callvane_calls_active") == 1
        assert (await placed.ask("BYE")).status == 200


HEADS = {
    "lines": (b"X-Long: y\r\n" * 200, b"X-Long: y\r\n" * 300),
    "length": (b"X-Long: " + b"y" * 12_000 + b"\r\n", b"X-Long: " + b"y" * 17_000 + b"\r\n"),
    "folding": (b"X-Long: y\r\n" + b" z\r\n" * 200, b"X-Long: y\r\n" + b" z\r\n" * 300),
}
"""What a head may have more than a recorder's, and what it may not."""


@pytest.mark.parametrize("kind", HEADS)
async def test_a_long_head_is_not_parsed(open_to_us: RunningBridge, kind: str) -> None:
    """Over TCP its connection is closed, over UDP nothing comes back; it is counted; one of bearable length is 200."""
    sample = 'callvane_requests_turned_away_total{method="other",reason="overlong"}'
    before = open_to_us.metric(sample)
    bearable, overlong = (request("OPTIONS", 9, "TCP").replace(b"Event:", more + b"Event:") for more in HEADS[kind])
    assert (await raw(open_to_us, bearable)).startswith(b"SIP/2.0 200")
    reader, writer = await asyncio.open_connection(*open_to_us.address)
    writer.write(overlong)
    async with asyncio.timeout(60):
        assert await reader.read() == b""
    writer.close()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.bind(("127.0.0.1", 0))
        own.sendto(overlong, open_to_us.address)
        await asyncio.to_thread(until, lambda: open_to_us.metric(sample) == before + 2, open_to_us.lines)
        own.setblocking(False)
        with pytest.raises(BlockingIOError):
            own.recv(65_536)


async def test_many_messages_at_once_are_answered_one_after_the_other(open_to_us: RunningBridge) -> None:
    """Whatever comes on a connection at once is read in slices: each message has its answer, wherever it is cut."""
    one = request("INFO", 9, "TCP")
    reader, writer = await asyncio.open_connection(*open_to_us.address)
    writer.write(one * 100)
    found = b""
    async with asyncio.timeout(60):
        while found.count(b"\r\n\r\n") < 100:
            found += await reader.read(65_536)
    writer.close()
    assert re.findall(rb"^SIP/2.0 (\d+)", found, re.MULTILINE) == [b"481"] * 100


async def test_how_long_messages_hold_the_thread_is_told(open_to_us: RunningBridge) -> None:
    """A histogram counts each turn that has brought a message, and no other."""
    sample = "callvane_sip_thread_held_seconds_count"
    before = open_to_us.metric(sample)
    await raw(open_to_us, request("OPTIONS", 9, "TCP"))
    await asyncio.to_thread(until, lambda: open_to_us.metric(sample) > before, open_to_us.lines)
    assert open_to_us.metric(sample) == before + 1
    assert open_to_us.metric("callvane_sip_thread_held_seconds_sum") > 0
