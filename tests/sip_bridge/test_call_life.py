"""What happens to a recorded call's streams between its INVITE and its BYE, over real SIP and RTP."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from testcall.endpoint import Endpoint
from tests.conftest import PrivateRedis
from tests.sip_bridge.recording import heard, recording, talk, words_of
from tests.sip_bridge.running import RunningBridge, bridge, opened, utterances


@pytest.fixture(scope="module")
def running(shared_redis: PrivateRedis) -> Iterator[RunningBridge]:
    """One bridge for all these calls."""
    with bridge(shared_redis.url, shutdown_seconds=1) as started:
        yield started


async def test_a_stream_goes(running: RunningBridge) -> None:
    """A stream whose port becomes 0 is let go; the other one is heard on, and the call with it."""
    async with recording(running) as recorder:
        await talk(recorder)
        customer, agent = recorder.lines
        agent.ended = True
        assert (await recorder.ask()).status == 200
        await talk(recorder, customer)
    events = await heard(running, recorder)
    assert (words_of(events, "1"), words_of(events, "2")) == (2, 1)


async def test_one_m_line_after_a_transfer(running: RunningBridge) -> None:
    """A re-INVITE with fewer m-lines than before, which RFC 3264 forbids and PBXes send, keeps the call and its leg."""
    async with recording(running) as recorder:
        await talk(recorder)
        gone = recorder.lines.pop()
        gone.socket.close()
        assert (await recorder.ask()).status == 200
        await talk(recorder)
    events = await heard(running, recorder)
    assert (words_of(events, "1"), words_of(events, "2")) == (2, 1)


@pytest.mark.parametrize("codec", ["8 PCMA/8000", "9 G722/8000", "107 opus/48000/2"])
async def test_the_codec_changes(running: RunningBridge, codec: str) -> None:
    """From µ-law to another one in mid-call: both legs are heard before and after."""
    async with recording(running) as recorder:
        await talk(recorder)
        for line in recorder.lines:
            line.codecs = (codec,)
        response = await recorder.ask()
        assert f"RTP/AVP {codec.split()[0]}".encode() in response.body
        await talk(recorder)
    events = await heard(running, recorder)
    after = [utterance for utterance in utterances(events) if utterance.start_seconds > 1]
    if codec.startswith("8 "):
        assert (words_of(events, "1"), words_of(events, "2")) == (2, 2)
    assert {utterance.leg_id for utterance in after} == {"1", "2"}


async def test_one_side_is_on_hold(running: RunningBridge) -> None:
    """While one stream is inactive the other is heard; nothing of the held one; both again afterwards."""
    async with recording(running) as recorder:
        customer = recorder.lines[0]
        customer.direction = "inactive"
        await recorder.ask()
        assert customer.answer is not None
        assert customer.answer.direction == "inactive"
        await talk(recorder)
        customer.direction = ""
        assert (await recorder.ask()).status == 200
        await talk(recorder)
    events = await heard(running, recorder)
    assert (words_of(events, "1"), words_of(events, "2")) == (1, 2)


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
async def test_session_refreshes_change_nothing(running: RunningBridge, method: str) -> None:
    """Refreshes (RFC 4028) in the middle of a sentence are answered at once and cut nothing."""
    timer = (("Supported", "timer"), ("Session-Expires", "90;refresher=uac"))
    async with recording(running) as recorder:
        talking = asyncio.create_task(talk(recorder))
        await asyncio.sleep(0.7)
        without = ("sdp", "metadata") if method == "UPDATE" else ("metadata",)
        response = await recorder.ask(method, *timer, without=without)
        assert response.first("Session-Expires") == "90;refresher=uac"
        await talking
    events = await heard(running, recorder)
    assert len(opened(events)) == 1
    assert (words_of(events, "1"), words_of(events, "2")) == (1, 1)


async def test_a_standby_takes_over(running: RunningBridge) -> None:
    """A re-INVITE of the same dialog from another address moves signalling and media there."""
    async with Endpoint(running.address, "tcp", "127.0.0.2") as standby, recording(running) as recorder:
        await standby.transport.connect()
        await talk(recorder)
        await recorder.move(standby)
        assert (await recorder.ask()).status == 200
        await talk(recorder)
    events = await heard(running, recorder)
    assert (words_of(events, "1"), words_of(events, "2")) == (2, 2)
    assert len(opened(events)) == 1
