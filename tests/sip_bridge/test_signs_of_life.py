"""What keeps a call whose streams bring nothing, and how it is put on hold and reached, at a running bridge."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections.abc import Iterator

import pytest

from callbus import CallEvent
from testcall import sdp
from tests.conftest import PrivateRedis
from tests.sip_bridge.running import Recorder, RunningBridge, bridge, recorder, until

TIMEOUT_SECONDS = 3
KEPT_SECONDS = 3 * TIMEOUT_SECONDS


@pytest.fixture(scope="module")
def impatient(shared_redis: PrivateRedis) -> Iterator[RunningBridge]:
    """A bridge that hangs up soon where nothing comes."""
    with bridge(shared_redis.url, rtp_timeout_seconds=TIMEOUT_SECONDS) as started:
        yield started


async def ended(running: RunningBridge, call_id: str) -> str:
    """Why the call ended."""
    return str((await asyncio.to_thread(running.closed, call_id))[-1].reason)  # type: ignore[union-attr]


async def test_without_a_sign_of_life_a_call_is_hung_up(impatient: RunningBridge) -> None:
    """No packet, no report, no request: its peer is gone."""
    async with recorder(impatient, "silent") as placed:
        assert (await placed.invite(placed.offer(""))).status == 200
        assert await ended(impatient, "silent") == "rtp_timeout"


async def test_a_peer_that_reports_is_there(impatient: RunningBridge) -> None:
    """RTCP alone keeps the call, as on a line where both sides are silent and send nothing; then it ends."""
    async with recorder(impatient, "reports") as placed:
        answer = sdp.parse_answer((await placed.invite(placed.offer(""))).body)
        report = struct.pack("!BBHIIIIII", 0x80, 200, 6, 7, 0, 0, 0, 0, 0)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as rtcp:
            for _ in range(4 * KEPT_SECONDS):
                rtcp.sendto(report, ("127.0.0.1", answer[0].port + 1))
                await asyncio.sleep(0.25)
        assert not placed.received
        assert await ended(impatient, "reports") == "rtp_timeout"


async def test_a_peer_that_asks_is_there(impatient: RunningBridge) -> None:
    """OPTIONS within the dialog keep the call."""
    async with recorder(impatient, "asks") as placed:
        assert (await placed.invite(placed.offer(""))).status == 200
        for _ in range(KEPT_SECONDS):
            assert (await placed.ask("OPTIONS")).status == 200
            await asyncio.sleep(1)
        assert not placed.received
        assert (await placed.ask("BYE")).status == 200
    assert await ended(impatient, "asks") == "bye"


async def test_a_hold_by_zero_ports(impatient: RunningBridge) -> None:
    """All streams may be held by their ports (RFC 3264): answered likewise, a pause, and no reason to hang up."""
    async with recorder(impatient, "zero") as placed:
        offer = placed.offer("1", "2")
        assert (await placed.invite(offer)).status == 200
        held = await placed.invite(re.sub(rb"m=audio \d+", b"m=audio 0", offer))
        assert held.status == 200
        assert re.findall(rb"m=audio (\d+)", held.body) == [b"0", b"0"]
        await asyncio.sleep(3 * TIMEOUT_SECONDS)
        assert {request.method for request in placed.received} == {"OPTIONS"}  # asked whether it is there
        back = await placed.invite(offer)
        assert back.status == 200
        assert b"m=audio 0" not in back.body
        await placed_ends(placed)
    events = await asyncio.to_thread(impatient.closed, "zero")
    told = [(event.condition.kind, event.began) for event in events if isinstance(event, CallEvent)]
    assert told[:2] == [("paused", True), ("paused", False)]


async def placed_ends(placed: Recorder) -> None:
    """Hang up, a moment after the call went on: its health is looked at once a second."""
    await asyncio.sleep(1.5)
    assert (await placed.ask("BYE")).status == 200


async def test_a_named_contact_is_reached_at_its_own_port(impatient: RunningBridge) -> None:
    """Our BYE goes to the address that the INVITE came from, and the port that its Contact names."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as named:
        named.bind(("127.0.0.1", 0))
        named.setblocking(False)
        async with recorder(impatient, "named-port", "udp") as placed:
            host, port = placed.endpoint.transport.local
            own = f"sbc.invalid:{named.getsockname()[1]}"
            placed.dialog.contact = placed.dialog.contact.replace(f"{host}:{port}", own)
            assert (await placed.invite(placed.offer(""))).status == 200
            async with asyncio.timeout(60):
                message = await asyncio.get_running_loop().sock_recv(named, 65_536)
            assert message.startswith(b"BYE ")


async def test_a_request_out_of_order_is_500(impatient: RunningBridge) -> None:
    """Within a dialog it is no reason to try another bridge (RFC 3261 section 12.2.2)."""
    async with recorder(impatient, "order") as placed:
        offer = placed.offer("")
        assert (await placed.invite(offer)).status == 200
        first = placed.request
        assert first
        assert (await placed.invite(offer)).status == 200
        placed.dialog.sequence = 1
        assert (await placed.invite(offer)).status == 500
        placed.dialog.sequence = 9
        assert (await placed.ask("BYE")).status == 200
    await asyncio.to_thread(until, lambda: impatient.closed("order"), impatient.lines)


@pytest.mark.parametrize("held", [b"a=inactive", b"a=sendonly"], ids=["from the start", "by a re-INVITE"])
async def test_a_peer_that_vanishes_while_nothing_is_due(impatient: RunningBridge, held: bytes) -> None:
    """Its connection ends without a BYE while it holds its streams: the bridge asks, and ends the call."""
    call_id = f"gone-{held.decode()}"
    async with recorder(impatient, call_id) as placed:
        offer = placed.offer("")
        assert (await placed.invite(offer.replace(b"a=sendonly", held))).status == 200
        if held == b"a=sendonly":
            assert (await placed.invite(offer.replace(b"a=sendonly", b"a=inactive"))).status == 200
    assert await ended(impatient, call_id) == "peer_error"


async def test_a_peer_that_does_not_know_the_call_any_more(impatient: RunningBridge) -> None:
    """It answers 481, as a PBX that was started anew: the call is over."""
    async with recorder(impatient, "forgotten") as placed:
        placed.answers = 481
        assert (await placed.invite(placed.offer("").replace(b"a=sendonly", b"a=inactive"))).status == 200
        assert await ended(impatient, "forgotten") == "peer_error"
