"""Audio as networks and senders bring it, over real SIP and RTP: what is heard of it, and what is told where not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import msgspec
import numpy as np
import pytest

from callbus import CallEvent, ConditionKind, Role, Unit
from callbus.messages.wire import ForkEvent
from testcall import alaw, codec, sdp, ulaw
from testcall.dialect import Dialect
from testcall.metadata import load_dialect
from testcall.recorder import Recorder
from testcall.rtp import Stream
from tests.conftest import PrivateRedis
from tests.sip_bridge.packets import LINE, WORDS, decoded
from tests.sip_bridge.recording import heard, recording, send, talk
from tests.sip_bridge.running import RunningBridge, bridge, recorder, until, utterances
from tests.sip_bridge.speaking import of_leg

WORDS_ALONE = [LINE[number] for number in WORDS]
UNDECODABLE = ConditionKind.UNDECODABLE
LOUD = [number for number in WORDS if np.abs(ulaw.decode(LINE[number])).mean() > 300]
"""What certainly is heard of the words."""


@pytest.fixture(scope="module")
def running(shared_redis: PrivateRedis) -> Iterator[RunningBridge]:
    """One bridge for all these calls."""
    with bridge(shared_redis.url, shutdown_seconds=1, one_way_seconds=10) as started:
        yield started


def offering(*codecs: str) -> Dialect:
    """A recorder that offers these codecs in each of its m-lines."""
    dialect = load_dialect("rfc7865")
    return msgspec.structs.replace(dialect, sdp=msgspec.structs.replace(dialect.sdp, codecs=codecs))


def both(recorder: Recorder) -> tuple[Stream, Stream]:
    """The same words on either leg."""
    first, second = (recorder.stream(line, LINE, lambda: None) for line in recorder.lines)
    return first, second


def slots(*streams: Stream) -> list[tuple[Stream, int, int]]:
    """Each packet in its slot."""
    return [(stream, number, number) for number in range(len(LINE)) for stream in streams]


def unheard(events: list[ForkEvent], leg_id: str, wanted: list[bytes]) -> list[int]:
    """The loud frames that a leg did not hear."""
    pcm = b"".join(each.pcm for each in of_leg(utterances(events), leg_id))
    return [number for number in LOUD if wanted[number] not in pcm]


async def test_all_that_a_stall_held_back_is_heard(running: RunningBridge) -> None:
    """The network stands for a second in mid-speech, then all packets come at once: every word is heard in its place,
    nothing counts as late, the other leg feels nothing, and no lag is left."""
    before = running.metric("callvane_frames_received_total")
    late, lost = (running.metric(f"callvane_frames_{what}_total") for what in ("late", "lost"))
    async with recording(running) as recorder:
        stalled, other = both(recorder)
        packets = [
            (stream, number, 150 if stream is stalled and 100 <= number < 150 else slot)
            for stream, number, slot in slots(stalled, other)
        ]
        await send(sorted(packets, key=lambda packet: packet[2]))
        await asyncio.to_thread(until, lambda: of_leg(utterances(running.events(recorder.facts.session_id)), "2"), [])
    events = await heard(running, recorder)
    wanted = [decoded(payload) for payload in LINE]
    assert (unheard(events, "1", wanted), unheard(events, "2", wanted)) == ([], [])
    (first, second) = (of_leg(utterances(events), leg_id)[-1] for leg_id in "12")
    assert first.end_seconds == pytest.approx(second.end_seconds, abs=0.3)
    assert first.ended_at == pytest.approx(second.ended_at, abs=0.3)
    assert running.metric("callvane_frames_received_total") - before >= 2 * len(LINE)
    assert running.metric("callvane_frames_late_total") == late
    assert running.metric("callvane_frames_lost_total") == lost


async def test_what_was_said_before_a_stall_does_not_wait(running: RunningBridge) -> None:
    """Nothing comes any more in mid-speech: the words so far are published, though the stream is up."""
    async with recording(running) as recorder:
        stream, _ = both(recorder)
        await send((stream, number, number) for number in range(150))
        (said,) = await asyncio.to_thread(
            until, lambda: utterances(running.events(recorder.facts.session_id)), running.lines
        )
    assert said.pcm.endswith(b"".join(decoded(LINE[number]) for number in range(140, 150)))


async def test_a_sender_changes_to_another_codec_of_its_offer(running: RunningBridge) -> None:
    """It offered "0 8" and passes on what the call itself sends: A-law is heard after µ-law, nothing is told."""
    before = running.metric("callvane_rtp_undecodable_total")
    async with recording(running, offering("0 PCMU/8000", "8 PCMA/8000")) as recorder:
        first, second = both(recorder)
        spoken = codec.encode(codec.PCMA, LINE)
        packets = slots(first, second)
        await send(packets[:300])
        for stream in (first, second):
            stream.payloads, stream.payload_type = spoken, 8
        await send([(stream, number, slot - 150) for stream, number, slot in packets[300:]])
    events = await heard(running, recorder)
    wanted = [decoded(payload) for payload in LINE[:150]]
    wanted += [alaw.decode(payload).astype("<i2").tobytes() for payload in spoken[150:]]
    assert (unheard(events, "1", wanted), unheard(events, "2", wanted)) == ([], [])
    assert [event for event in events if isinstance(event, CallEvent)] == []
    assert running.metric("callvane_rtp_undecodable_total") == before


@pytest.mark.parametrize("spoken", ["9 G722/8000", "107 opus/48000/2"])
async def test_a_codec_that_a_later_offer_adds_is_heard(running: RunningBridge, spoken: str) -> None:
    """A re-INVITE offers more than before, though the answer stays as it is: the sender may use it."""
    async with recording(running, offering("0 PCMU/8000")) as recorder:
        await talk(recorder)
        for line in recorder.lines:
            line.codecs = ("0 PCMU/8000", spoken)
        assert b"RTP/AVP 0" in (await recorder.ask()).body
        chosen = codec.chosen(int(spoken.split()[0]), (spoken,))
        assert chosen
        payloads = codec.encode(chosen, LINE)
        streams = both(recorder)
        for stream in streams:
            stream.payloads, stream.timestamp_step = payloads, chosen.timestamp_step
            stream.payload_type = int(spoken.split()[0])
        await send(packet for packet in slots(*streams) if packet[1] < len(payloads))
    events = await heard(running, recorder)
    after = [said for said in utterances(events) if said.start_seconds > 2.5]
    assert {said.leg_id for said in after} == {"1", "2"}
    for leg_id in "12":
        assert sum(said.end_seconds - said.start_seconds for said in after if said.leg_id == leg_id) > 4


async def test_a_leg_that_nobody_can_decode(running: RunningBridge) -> None:
    """Told with the payload type, and as nothing else, while the other leg speaks; over when it is decoded again."""
    before = running.metric("callvane_rtp_undecodable_total")
    async with recording(running, offering("0 PCMU/8000", "18 G729/8000")) as recorder:
        call_id = recorder.facts.session_id
        type = 18

        async def speak() -> None:
            lost, other = (recorder.stream(line, WORDS_ALONE, lambda: None) for line in recorder.lines)
            lost.payload_type = type
            await send([(stream, number, number) for number in range(len(WORDS)) for stream in (lost, other)])

        async def go_on() -> None:
            while True:
                await speak()

        def told(began: bool) -> CallEvent | None:
            events = [event for event in running.events(call_id) if isinstance(event, CallEvent)]
            return next((e for e in events if (e.condition.kind, e.began) == (UNDECODABLE, began)), None)

        for _ in range(3):  # the other one's speech would be enough for one-way audio
            await speak()
        talking = asyncio.create_task(go_on())
        began = await asyncio.to_thread(until, lambda: told(True), running.lines)
        type = 0
        ended = await asyncio.to_thread(until, lambda: told(False), running.lines)
        talking.cancel()
        await asyncio.wait([talking])
    condition = began.condition
    assert (condition.leg_id, condition.role, condition.value) == ("1", Role.CUSTOMER, 18.0)
    assert condition.unit is Unit.PAYLOAD_TYPE
    assert ended.condition == condition
    events = await heard(running, recorder)
    assert {each.condition.kind for each in events if isinstance(each, CallEvent)} == {UNDECODABLE}
    assert {said.leg_id for said in utterances(events)} == {"1", "2"}
    assert running.metric("callvane_rtp_undecodable_total") - before >= 3 * len(WORDS)


async def test_a_hold_in_the_middle_of_a_loss(running: RunningBridge) -> None:
    """What waits for a lost packet when the stream goes is still decoded, in the codec of the stream."""
    before = running.metric("callvane_rtp_undecodable_total")
    async with recording(running, offering("107 opus/48000/2")) as recorder:
        streams = both(recorder)
        for stream in streams:
            stream.payloads = codec.encode(codec.OPUS, LINE)
        await send(packet for packet in slots(*streams)[:206] if packet[1] != 100)
        for line in recorder.lines:
            line.direction = "inactive"
        assert (await recorder.ask()).status == 200
    await heard(running, recorder)
    assert running.metric("callvane_rtp_undecodable_total") == before


async def test_a_bridge_that_stops_lets_go_of_its_decoders(redis_url: str) -> None:
    """In the middle of a call whose codec is the library's: the library goes first, and nothing comes of it."""
    spoken = codec.encode(codec.OPUS, LINE)
    async with asyncio.TaskGroup() as group:
        with bridge(redis_url, shutdown_seconds=1) as stopping:
            async with recorder(stopping, "opus") as placed:
                port = placed.sockets[0].getsockname()[1]
                offered = sdp.OfferedStream(port, codecs=("107 opus/48000/2",))
                response = await placed.invite(sdp.offer("127.0.0.1", [offered], session=1))
                talking = group.create_task(placed.play(response, spoken, payload_type=107))
                await asyncio.to_thread(
                    until, lambda: stopping.metric("callvane_frames_received_total") > 100, stopping.lines
                )
                assert await asyncio.to_thread(stopping.stop) == 0
                talking.cancel()
    assert not [line for line in stopping.lines if "Traceback" in line]
