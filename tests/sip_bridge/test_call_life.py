"""What happens to a recorded call's streams between its INVITE and its BYE, over real SIP and RTP."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import msgspec
import pytest

from callbus import Role
from testcall.endpoint import Endpoint
from testcall.metadata import load_dialect
from testcall.recorder import Recorder
from tests.conftest import PrivateRedis
from tests.sip_bridge.recording import ALIKE, WORDS, heard, recording, talk, words_of
from tests.sip_bridge.running import RunningBridge, bridge, opened, recorder, until, utterances
from tests.sip_bridge.speaking import likeness, of_leg


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


async def test_a_third_stream_joins(running: RunningBridge) -> None:
    """A stream that is added in mid-call is answered, told as a leg, and heard."""
    async with recording(running) as recorder:
        await talk(recorder)
        third = recorder.add_line("customer", "3")
        response = await recorder.ask()
        assert third.answer is not None
        assert (third.answer.direction, third.answer.label) == ("recvonly", "3"), response.body
        await talk(recorder)
    events = await heard(running, recorder)
    assert [leg.leg_id for leg in opened(events)[-1].legs] == ["1", "2", "3"]
    assert (words_of(events, "1"), words_of(events, "2"), words_of(events, "3")) == (2, 2, 1)


async def test_streams_change_places(running: RunningBridge) -> None:
    """When the labels of the two streams are exchanged, so are the voices: a leg follows its label."""
    async with recording(running) as recorder:
        await talk(recorder)
        first, second = recorder.lines
        first.label, second.label = second.label, first.label
        first.voice, second.voice = second.voice, first.voice
        assert (await recorder.ask()).status == 200
        await talk(recorder)
    events = await heard(running, recorder)
    assert (words_of(events, "1"), words_of(events, "2")) == (2, 2)
    assert {u.role for u in of_leg(utterances(events), "2")} == {Role.AGENT}


@pytest.mark.parametrize("how", ["inactive", "0.0.0.0"])
async def test_a_pause_is_a_pause(running: RunningBridge, how: str) -> None:
    """What was said before comes at once, nothing of the pause is kept, and the call's time goes on meanwhile."""
    async with recording(running) as recorder:
        call_id, form = recorder.facts.session_id, recorder.dialect.sdp
        await recorder.play(dict.fromkeys(recorder.lines, WORDS["customer"][:55]))  # in the middle of a word
        # BroadWorks and Metaswitch pause without a direction: there is no address to send to.
        paused = {"direction": "inactive"} if how == "inactive" else {"direction": "", "address": how}
        recorder.dialect = msgspec.structs.replace(recorder.dialect, sdp=msgspec.structs.replace(form, **paused))
        response = await recorder.ask()
        assert how != "inactive" or response.body.count(b"a=inactive") == 2
        await asyncio.to_thread(until, lambda: len(utterances(running.events(call_id))) == 2, running.lines)
        await talk(recorder)
        recorder.dialect = msgspec.structs.replace(recorder.dialect, sdp=form)
        assert (await recorder.ask()).status == 200
        await talk(recorder)
    events = await heard(running, recorder)
    starts = [utterance.start_seconds for utterance in utterances(events)]
    assert len(starts) == 4
    assert all(2.6 < start < 4.5 for start in starts[2:]), starts  # 1.1 s of words and 1.9 s of pause before them
    assert 4.5 < events[-1].duration_seconds < 6.5  # type: ignore[union-attr]


async def test_a_refresh_may_leave_the_offer_to_us(running: RunningBridge) -> None:
    """A re-INVITE without SDP is answered with the session as it stands, and goes on with the answer in the ACK."""
    async with recording(running) as recorder:
        before = [line.answer for line in recorder.lines]
        response = await recorder.ask(without=("sdp", "metadata"))
        assert response.status == 200
        after = [line.answer for line in recorder.lines]
        assert [(each.port, each.direction, each.label) for each in after if each] == [
            (each.port, "recvonly", each.label) for each in before if each
        ]
        await talk(recorder)
    events = await heard(running, recorder)
    assert (words_of(events, "1"), words_of(events, "2")) == (1, 1)


def of_phone(recorder: Recorder, customer: str) -> None:
    """The From address of a phone that has told of another far end."""
    base, _, _ = recorder.dialog.local_uri.partition(";x-farendaddr=")
    recorder.dialog.local_uri = f"{base};x-farendaddr={customer}"


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
async def test_a_phone_tells_of_a_transfer(running: RunningBridge, method: str) -> None:
    """CUCM's phones fork without SDP and tell of a transfer in the From address: 200, and the call goes on."""
    async with recording(running, load_dialect("cucm-bib-agent")) as recorder:
        await talk(recorder)
        of_phone(recorder, "2002")
        answered = await recorder.ask(method, without=("sdp",))
        assert answered.status == 200
        if method == "INVITE":
            assert b"a=recvonly" in answered.body
        await talk(recorder)
    call_id = recorder.facts.fields(recorder.dialect)["session_number"]
    events = await asyncio.to_thread(running.closed, call_id)
    assert [leg.leg_id for leg in opened(events)[0].legs] == ["agent"]
    assert len(opened(events)) == 1
    assert sum(likeness([utterance], WORDS["agent"]) > ALIKE for utterance in utterances(events)) == 2


async def test_an_offer_of_ours_that_nobody_answers(redis_url: str) -> None:
    """A fork without SDP holds a place from our 200 on, and gives it back when it ends without an answer."""
    with bridge(redis_url, max_calls=1, shutdown_seconds=0.5) as small:
        async with recorder(small, "late") as late, recorder(small, "next") as other:
            late.dialog.local_uri += ";x-nearend;x-refci=17"
            request = late.dialog.request("INVITE")
            with late.endpoint.transaction(request) as inviting:
                response = await inviting.final(10)
            assert response.status == 200
            assert (await other.invite(other.offer(""))).status == 503
            late.dialog.answered(response)
            late.endpoint.acknowledge(request, late.dialog.ack(request), late.endpoint.target)
            late.endpoint.send(late.dialog.request("BYE"), late.endpoint.target)  # it may cross the bridge's own
            while (again := await other.invite(other.offer(""))).status == 503:
                await asyncio.sleep(0.1)
            assert again.status == 200
            assert small.metric('callvane_forks_total{outcome="answered"}') == 2


@pytest.mark.parametrize("body", [b"v=0\r\n", b"rubbish", b"v=0\r\nrubbish\r\n", b"v=0\r\nm=audio\r\n", b"\x00\xff"])
async def test_an_offer_that_is_none_changes_nothing(running: RunningBridge, body: bytes) -> None:
    """In mid-call it is refused, and the call is heard before and after as it was."""
    call_id = f"no-offer-{body.hex()}"
    async with recorder(running, call_id) as placed:
        answered = await placed.invite(placed.offer(""))
        await placed.play(answered, WORDS["customer"])
        refused = await placed.invite(body)
        assert 400 <= refused.status < 500
        await placed.play(answered, WORDS["customer"])
        assert (await placed.ask("BYE")).status == 200
    assert len(utterances(await asyncio.to_thread(running.closed, call_id))) == 2
