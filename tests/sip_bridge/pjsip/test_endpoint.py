"""A running bridge, called over SIP and RTP on loopback."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from callbus import CallClosed, CallOpened, Leg, Role
from testcall import scenario, sdp
from testcall.campaign import line_to
from testcall.dialog import cancel_of
from testcall.target import parse_target
from tests.conftest import PrivateRedis
from tests.sip_bridge.running import Recorder, RunningBridge, bridge, multipart, opened, raw, recorder, utterances

VENDORS = Path(__file__).parents[1] / "vendors"
SIPREC = ("Require", "siprec")
MULTIPART = "multipart/mixed;boundary=b"


@pytest.fixture(scope="module")
def running(shared_redis: PrivateRedis) -> Iterator[RunningBridge]:
    """One bridge for all tests that leave it as it is."""
    with bridge(shared_redis.url, rtp_timeout_seconds=3, shutdown_seconds=1) as started:
        yield started


def speech(party: Literal["customer", "agent"] = "customer", seconds: float = 1.0) -> tuple[bytes, ...]:
    """The first seconds of a leg of a scenario, in payloads of 20 ms."""
    return scenario.load("turns_angry").payloads(party)[: round(seconds * 50)]


def siprec(placed: Recorder, content: bytes, kind: str = "application/rs-metadata+xml", *labels: str) -> bytes:
    """A multipart body of an offer of two streams and metadata."""
    offer = placed.offer(*(labels or ("96", "97")))
    return multipart(("application/sdp", offer), (kind, content))


async def test_a_siprec_call_is_published_from_its_opening_to_its_end(running: RunningBridge) -> None:
    """Roles, utterances with the times at which they were spoken, and the end, in this order."""
    *turns, third = scenario.load_manifest().scenarios["turns_angry"].turns[:3]
    async with recorder(running, "whole-call") as placed:
        body = siprec(placed, (VENDORS / "rfc7865.xml").read_bytes())
        response = await placed.invite(body, MULTIPART, SIPREC)
        answered_at = time.time()
        await placed.play(response, *(speech(party, third.start_seconds) for party in ("customer", "agent")))
        await placed.ask("BYE")
    events = running.closed("hVpd7YQgRW2nD22h7q60JQ==")
    first, *said, last = events
    assert isinstance(first, CallOpened)
    assert first.legs == (Leg("96", Role.CUSTOMER, ""), Leg("97", Role.AGENT, "Anna"))
    assert isinstance(last, CallClosed)
    assert last.reason == "bye"
    assert last.duration_seconds == pytest.approx(third.start_seconds, abs=1)
    assert [event.sequence for event in utterances(said)] == list(range(len(said)))
    assert [event.role for event in utterances(said)] == [Role(turn.party) for turn in turns]
    for event, turn in zip(utterances(said), turns, strict=True):
        assert event.start_seconds == pytest.approx(turn.start_seconds - 0.3, abs=0.4)
        assert event.end_seconds == pytest.approx(turn.end_seconds + 0.3, abs=0.5)
        assert len(event.pcm) == pytest.approx(2 * 8_000 * (event.end_seconds - event.start_seconds))
        assert event.ended_at == pytest.approx(answered_at + turn.end_seconds, abs=0.6)


async def test_the_answer_is_plain_sdp_that_only_listens(running: RunningBridge) -> None:
    """200 with `application/sdp`, two recvonly streams, labels echoed, and a Contact that names a recorder."""
    async with recorder(running, "answer") as placed:
        response = await placed.invite(
            siprec(placed, (VENDORS / "sems.xml").read_bytes(), "application/rs-metadata", "a_leg", "b_leg"),
            MULTIPART,
            SIPREC,
        )
        await placed.ask("BYE")
    assert response.status == 200
    assert response.first("Content-Type") == "application/sdp"
    assert response.first("Contact").endswith(";+sip.srs")
    streams = sdp.parse_answer(response.body)
    assert [(stream.direction, stream.label) for stream in streams] == [("recvonly", "a_leg"), ("recvonly", "b_leg")]


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_plain_call_is_a_call_of_one_leg(running: RunningBridge, transport: str) -> None:
    """Without SIPREC, the call goes by its SIP Call-ID and its leg's role is unknown."""
    call_id = f"plain-{transport}"
    async with recorder(running, call_id, transport) as placed:
        response = await placed.invite(placed.offer(""))
        await placed.play(response, speech(seconds=1))
        await placed.ask("BYE")
    assert opened(running.closed(call_id))[0].legs == (Leg("0", Role.UNKNOWN),)


async def test_a_call_that_wants_to_hear_us_is_told_that_we_only_listen(running: RunningBridge) -> None:
    """A sendrecv offer is answered recvonly."""
    async with recorder(running, "sendrecv") as placed:
        response = await placed.invite(placed.offer("").replace(b"sendonly", b"sendrecv"))
        await placed.ask("BYE")
    assert sdp.parse_answer(response.body)[0].direction == "recvonly"


async def test_two_calls_of_one_id_are_not_mixed(running: RunningBridge) -> None:
    """A second call with the same session id and other parties is published under an id of its own."""
    first = (VENDORS / "oracle.xml").read_bytes()
    second = first.replace(b"sip:", b"sip:1")
    async with recorder(running, "twin-1") as one, recorder(running, "twin-2") as other:
        for placed, content in ((one, first), (other, second)):
            await placed.invite(
                siprec(placed, content, "application/rs-metadata+xml", "16777226", "16777227"), MULTIPART, SIPREC
            )
        await one.ask("BYE")
        await other.ask("BYE")
    session = "AAMKAAAAAAAAAAAABgAAAA=="
    assert len(opened(running.closed(session))) == 1
    marked = running.logged(rf"\['({session}~[0-9a-f]{{8}})'\] call ended")[1]
    assert len(opened(running.closed(marked))) == 1


BAD_METADATA = {
    "nothing": b"",
    "text": b"no xml at all",
    "cut short": b"<recording><session",
    "bomb": b'<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><recording>&b;</recording>',
    "64 kB": b"<recording>" + b"<x>y</x>" * 8_192 + b"</recording>",
    "100 kB": b"<recording>" + b" " * 100_000 + b"</recording>",
}


@pytest.mark.parametrize("name", BAD_METADATA)
async def test_bad_metadata_refuses_no_call(running: RunningBridge, name: str) -> None:
    """The call is answered, its roles are unknown, and it goes by its SIP Call-ID."""
    call_id = f"bad-{name.replace(' ', '-')}"
    async with recorder(running, call_id) as placed:
        response = await placed.invite(siprec(placed, BAD_METADATA[name]), MULTIPART, SIPREC)
        assert response.status == 200
        await placed.ask("BYE")
    assert [leg.role for leg in opened(running.closed(call_id))[0].legs] == [Role.UNKNOWN, Role.UNKNOWN]


OFFER = (
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    b"m=audio 4000 RTP/AVP 0\r\na=sendonly\r\na=label:1\r\n"
)
PARTS = multipart(("application/sdp", OFFER))
METADATA_ALONE = multipart(("application/rs-metadata+xml", b"<recording/>"))


@pytest.mark.parametrize(
    ("body", "content_type", "status", "outcome"),
    [
        pytest.param(b"", "", 488, "refused_no_audio", id="no body"),
        pytest.param(b"v=0\r\nwhat\r\n", "application/sdp", 400, "refused_malformed", id="broken SDP"),
        pytest.param(PARTS.replace(b"--b--", b"--bb\r\n--b--"), MULTIPART, 400, "refused_malformed", id="broken"),
        pytest.param(PARTS, "multipart/mixed;boundary=c", 488, "refused_no_audio", id="another boundary"),
        pytest.param(PARTS, "multipart/mixed", 488, "refused_no_audio", id="no boundary"),
        pytest.param(METADATA_ALONE, MULTIPART, 415, "refused_content_type", id="metadata alone"),
        pytest.param(OFFER.replace(b"AVP 0", b"AVP 18"), "application/sdp", 488, "refused_unacceptable", id="G.729"),
        pytest.param(
            OFFER.replace(b"AVP 0", b"AVP 99\r\na=rtpmap:99 NEW/8000"), "application/sdp", 488, "refused_unacceptable",
            id="unknown codec",
        ),
        pytest.param(OFFER.replace(b"m=audio", b"m=text"), "application/sdp", 488, "refused_unacceptable", id="text"),
    ],
)  # fmt: skip
async def test_what_cannot_be_answered_is_refused_with_a_reason(
    running: RunningBridge, body: bytes, content_type: str, status: int, outcome: str
) -> None:
    """A final response that says what is wrong, and a count of it; nothing is published."""
    sample = f'callvane_forks_total{{outcome="{outcome}"}}'
    before = running.metric(sample)
    async with recorder(running, f"refused-{time.monotonic_ns()}") as placed:
        response = await placed.invite(body, content_type, SIPREC)
        assert response.status == status
        assert running.events(placed.call_id) == []
    assert running.metric(sample) == before + 1


async def test_a_body_that_is_not_closed_is_read(running: RunningBridge) -> None:
    """Without the closing delimiter of a multipart body, the last part counts too."""
    async with recorder(running, "unclosed") as placed:
        body = siprec(placed, (VENDORS / "ribbon.xml").read_bytes(), "application/rs-metadata+xml", "1", "2")
        assert (await placed.invite(body.removesuffix(b"--b--\r\n"), MULTIPART, SIPREC)).status == 200
        await placed.ask("BYE")
    legs = opened(running.closed("1234_67890123@203.0.113.1"))[0].legs
    assert [leg.role for leg in legs] == [Role.CUSTOMER, Role.AGENT]


async def test_options_is_answered(running: RunningBridge) -> None:
    """A load balancer that asks whether the bridge lives gets 200."""
    async with recorder(running, "options") as placed:
        assert (await placed.ask("OPTIONS")).status == 200


async def test_rtp_of_an_unknown_payload_type_is_not_heard(running: RunningBridge) -> None:
    """Packets of a type that was not agreed on give no utterance, and the call goes on to its BYE."""
    async with recorder(running, "payload-type") as placed:
        response = await placed.invite(placed.offer(""))
        await placed.play(response, speech(seconds=2), payload_type=99)
        await placed.ask("BYE")
    events = running.closed("payload-type")
    assert utterances(events) == []
    assert events[-1].reason == "bye"  # type: ignore[union-attr] # the last one closes


async def test_a_lost_peer_ends_the_call(running: RunningBridge) -> None:
    """When no stream brings a packet for the timeout, the bridge sends BYE and names the reason."""
    async with recorder(running, "lost-peer") as placed:
        response = await placed.invite(placed.offer(""))
        await placed.play(response, speech(seconds=1))
        events = await asyncio.to_thread(running.closed, "lost-peer")
        assert [request.method for request in placed.received] == ["BYE"]
    assert events[-1].reason == "rtp_timeout"  # type: ignore[union-attr]


async def test_a_held_call_is_not_lost(running: RunningBridge) -> None:
    """While the PBX pauses the recording with a=inactive, silence ends nothing and nothing is transcribed."""
    async with recorder(running, "held") as placed:
        response = await placed.invite(placed.offer(""))
        await placed.play(response, speech(seconds=1))
        held = await placed.invite(placed.offer("").replace(b"sendonly", b"inactive"))
        assert sdp.parse_answer(held.body)[0].direction == "inactive"
        await placed.play(response, speech(seconds=5))
        resumed = await placed.invite(placed.offer(""))
        await placed.play(resumed, speech(seconds=1))
        await placed.ask("BYE")
    events = running.closed("held")
    assert events[-1].reason == "bye"  # type: ignore[union-attr]
    assert sum(event.end_seconds - event.start_seconds for event in utterances(events)) < 2.5


async def test_a_cancelled_call_ends(running: RunningBridge) -> None:
    """A CANCEL that crosses the answer is answered, and leaves nothing that a BYE does not end."""
    async with recorder(running, "cancelled", "udp") as placed:
        request = placed.dialog.request("INVITE", (("Content-Type", "application/sdp"),), placed.offer(""))
        with placed.endpoint.transaction(request) as inviting:
            placed.endpoint.send(request, placed.endpoint.target)
            with placed.endpoint.transaction(cancel_of(request)) as cancelling:
                assert (await cancelling.final(5)).status in (200, 481)
            response = await inviting.final(5)
            if response.status == 200:
                placed.dialog.answered(response)
                placed.endpoint.acknowledge(request, placed.dialog.ack(request), placed.endpoint.target)
                await placed.ask("BYE")
    assert running.closed("cancelled")[-1].reason in ("bye", "cancelled")  # type: ignore[union-attr]


async def test_nobody_makes_the_bridge_place_calls(running: RunningBridge) -> None:
    """A REFER within a call is no method of a recorder's, and the call goes on."""
    async with recorder(running, "refer") as placed:
        await placed.invite(placed.offer(""))
        assert (await placed.ask("REFER", ("Refer-To", "<sip:victim@127.0.0.1:9>"))).status == 405
        await placed.ask("BYE")


async def test_a_stream_without_an_address_is_heard(running: RunningBridge) -> None:
    """Recorders that write `c=IN IP4 0.0.0.0` beside sendonly streams are no calls on hold."""
    async with recorder(running, "no-address") as placed:
        response = await placed.invite(placed.offer("1").replace(b"c=IN IP4 127.0.0.1", b"c=IN IP4 0.0.0.0"))
        await placed.play(response, scenario.load("turns_angry").payloads("agent")[:200])
        await placed.ask("BYE")
    assert len(utterances(running.closed("no-address"))) == 1


async def test_garbage_hurts_no_other_call(running: RunningBridge) -> None:
    """While bytes that are no SIP come in, a call is answered and ends as always."""
    async with recorder(running, "beside-garbage") as placed:
        response = await placed.invite(placed.offer(""))
        await asyncio.gather(
            placed.play(response, speech(seconds=2.5)),
            raw(running, b"\x00\xff" * 5000 + b"\r\n\r\n"),
            raw(running, b"INVITE sip:x SIP/2.0\r\nContent-Length: 999999\r\n\r\n" + b"a" * 200_000),
        )
        await placed.ask("BYE")
    assert running.closed("beside-garbage")[-1].reason == "bye"  # type: ignore[union-attr]


async def test_many_short_calls_leave_nothing_behind(running: RunningBridge) -> None:
    """Calls that come and go at once are all opened and closed, and none stays active."""
    async with line_to(parse_target(f"sip:127.0.0.1:{running.address[1]}"), "tcp") as (endpoint, _):
        await endpoint.transport.connect()
        for number in range(40):
            placed = Recorder(endpoint, f"short-{number}")
            assert (await placed.invite(placed.offer("1", "2"))).status == 200
            await placed.ask("BYE")
            placed.close()
    running.closed("short-39")
    events = [event for event in running.events() if event.call_id.startswith("short-")]
    assert len(opened(events)) == 40
    assert [event.reason for event in events if isinstance(event, CallClosed)] == ["bye"] * 40
    assert running.metric("callvane_calls_active") == 0


async def test_above_its_capacity_a_fork_gets_503(redis_url: str) -> None:
    """503 with Retry-After instead of the library's 486; a freed place is given away again."""
    with bridge(redis_url, max_calls=1, shutdown_seconds=0.5) as small:
        async with recorder(small, "first") as first, recorder(small, "second") as second:
            assert (await first.invite(first.offer(""))).status == 200
            refused = await second.invite(second.offer(""))
            assert (refused.status, refused.first("Retry-After")) == (503, "10")
            await first.ask("BYE")
        async with recorder(small, "third") as third:
            assert (await third.invite(third.offer(""))).status == 200
        assert small.metric('callvane_forks_total{outcome="refused_capacity"}') == 1


async def test_session_timers_are_agreed_to(running: RunningBridge) -> None:
    """The PBX's session timer is taken over, with the PBX as the one who refreshes."""
    async with recorder(running, "timer") as placed:
        timer = (("Supported", "timer"), ("Session-Expires", "90;refresher=uac"))
        response = await placed.invite(placed.offer(""), "application/sdp", *timer)
        assert response.first("Session-Expires") == "90;refresher=uac"
        refreshed = await placed.invite(placed.offer(""), "application/sdp", *timer)
        assert refreshed.status == 200
        await placed.ask("BYE")
    assert running.closed("timer")[-1].reason == "bye"  # type: ignore[union-attr]
