"""One placed call, against a real SIP server on loopback."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from testcall.campaign import line_to
from testcall.metadata import load_dialect
from testcall.placed_call import Ending, PlacedCall
from testcall.scenario import Scenario
from testcall.target import parse_target
from tests.testcall.server import serving


@asynccontextmanager
async def calling(scenario: Scenario, target: str, transport: str) -> AsyncIterator[PlacedCall]:
    where = parse_target(target)
    async with line_to(where, transport) as (endpoint, sender):
        yield PlacedCall(scenario, where, endpoint, sender, load_dialect("rfc7865"))


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_both_legs_arrive(transport: str, short_scenario: Scenario, tmp_path: Path) -> None:
    """A SIPREC call is answered, every packet of each leg arrives in order on its own port, and BYE ends it."""
    async with serving("two_streams", transport, tmp_path) as server:
        async with calling(short_scenario, server.target, transport) as call:
            outcome = await call.run()
        assert await server.succeeded()
        assert outcome.ending is Ending.COMPLETED, outcome
        assert outcome.proper
        assert outcome.packets_sent == {"customer": 50, "agent": 50}
        assert outcome.answered_at is not None
        assert outcome.ended_at is not None
        assert 0.9 < outcome.ended_at - outcome.answered_at < 3
        for leg, byte in enumerate((b"\x11", b"\x22")):
            packets = server.packets(leg)
            assert len(packets) == 50
            fields = [struct.unpack("!BBHII160s", packet) for packet in packets]
            assert {field[5] for field in fields} == {byte * 160}
            assert [(field[2] - fields[0][2]) % 65536 for field in fields] == list(range(50))
            assert [(field[3] - fields[0][3]) % 2**32 for field in fields] == [160 * number for number in range(50)]
            assert len({field[4] for field in fields}) == 1


async def test_refusal_is_named(short_scenario: Scenario, tmp_path: Path) -> None:
    """A 503 ends the call, acknowledged, with the status line as its reason."""
    async with serving("refuses", "udp", tmp_path) as server:
        async with calling(short_scenario, server.target, "udp") as call:
            outcome = await call.run()
        assert await server.succeeded()
    assert (outcome.ending, outcome.detail) == (Ending.REFUSED, "503 Service Unavailable")
    assert not outcome.proper


async def test_refused_stream_is_a_bad_answer(short_scenario: Scenario, tmp_path: Path) -> None:
    """An answer that takes one leg only is acknowledged, ended with BYE, and called by its fault."""
    async with serving("one_stream_refused", "tcp", tmp_path) as server:
        async with calling(short_scenario, server.target, "tcp") as call:
            outcome = await call.run()
        assert await server.succeeded()
    assert outcome.ending is Ending.BAD_ANSWER
    assert outcome.detail == "the agent's stream was answered inactive, port 0, type 0"


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_server_refreshes_and_hangs_up(transport: str, short_scenario: Scenario, tmp_path: Path) -> None:
    """A re-INVITE in mid-call is answered with our streams; the server's BYE ends the call at once."""
    async with serving("hangs_up", transport, tmp_path) as server:
        async with calling(short_scenario, server.target, transport) as call:
            outcome = await call.run()
        assert await server.succeeded()
    assert outcome.ending is Ending.CUT_OFF
    assert 0 < outcome.packets_sent["customer"] < 50


async def test_cancelled_talk_hangs_up(short_scenario: Scenario, tmp_path: Path) -> None:
    """A call that is cancelled in mid-audio sends its BYE first, and has ended properly."""
    async with serving("two_streams", "tcp", tmp_path) as server:
        async with calling(short_scenario, server.target, "tcp") as call:
            running = asyncio.create_task(call.run())
            while call.outcome.audio_at is None:
                await asyncio.sleep(0.02)
            running.cancel()
            await asyncio.wait([running])
        assert running.cancelled()
        assert await server.succeeded()
    assert call.outcome.ending is Ending.HUNG_UP
    assert call.outcome.proper


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_cancelled_ringing_is_taken_back(transport: str, short_scenario: Scenario, tmp_path: Path) -> None:
    """A call that is cancelled while it rings sends CANCEL and acknowledges the 487."""
    async with serving("rings_until_cancelled", transport, tmp_path) as server:
        async with calling(short_scenario, server.target, transport) as call:
            running = asyncio.create_task(call.run())
            await asyncio.sleep(1)  # the 180 has come
            running.cancel()
            await asyncio.wait([running])
        assert await server.succeeded()
    assert call.outcome.ending is Ending.CANCELLED


async def test_absent_server_is_named(short_scenario: Scenario) -> None:
    """Where nobody listens, a call over TCP fails at once with the system's reason."""
    async with calling(short_scenario, "sip:callvane@127.0.0.1:9", "tcp") as call:
        outcome = await call.run()
    assert outcome.ending is Ending.UNANSWERED
    assert "127.0.0.1" in outcome.detail
