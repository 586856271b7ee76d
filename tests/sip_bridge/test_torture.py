"""Hostile input at a running bridge: SIP that is barely or not at all SIP, and RTP that is none. It keeps serving.

The messages are of the kinds that RFC 4475 tortures parsers with, written anew, and broken at random from there. How
many were tried is printed (`pytest -s`).
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections.abc import Iterator

import pytest

from testcall import sdp
from tests.conftest import PrivateRedis
from tests.sip_bridge.running import RunningBridge, bridge, recorder

BROKEN_MESSAGES = {"udp": 1_500, "tcp": 150}
"""A connection for each message costs time: more than five that wait to be accepted are asked to come again."""
GARBAGE_PACKETS = 3_000
SEED = 4475

OFFER = (
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\na=sendonly\r\n"
)


def message(first: str = "INVITE sip:srs@127.0.0.1 SIP/2.0", body: bytes = b"", **changed: str) -> bytes:
    """A request whose headers are as given; `_` in a name stands for `-`, an empty value leaves the header out."""
    headers = {
        "Via": "SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bK{n}",
        "Max-Forwards": "70",
        "From": "<sip:torture@127.0.0.1>;tag=a{n}",
        "To": "<sip:srs@127.0.0.1>",
        "Call-ID": "torture-{n}",
        "CSeq": f"1 {first.split(' ')[0]}",
        "Contact": "<sip:torture@127.0.0.1:9>",
        "Content-Type": "application/sdp" if body else "",
        "Content-Length": str(len(body)),
    } | {name.replace("_", "-"): value for name, value in changed.items()}
    lines = [first, *(f"{name}: {value}" for name, value in headers.items() if value)]
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body


MULTIPART = (
    b"--b\r\nContent-Type: application/sdp\r\n\r\n" + OFFER
    + b"\r\n--b\r\nContent-Type: application/rs-metadata+xml\r\n\r\n<recording/>\r\n--b--\r\n"
)  # fmt: skip
TORTURES = {
    "folded headers": message(body=OFFER, Subject="one\r\n two\r\n\tthree"),
    "wide characters": message("INVITE sip:\u0442\u0435\u0441\u0442@127.0.0.1 SIP/2.0", OFFER, Subject="\u0000\u2028"),
    "escapes": message("INVITE sip:%00%6e%75%6c@127.0.0.1 SIP/2.0", OFFER),
    "unknown method": message("NEWMETHOD!%25* sip:srs@127.0.0.1 SIP/2.0"),
    "method of another case": message("invite sip:srs@127.0.0.1 SIP/2.0", OFFER),
    "unknown scheme": message("OPTIONS nobodyKnowsThisScheme:totallyopaque SIP/2.0"),
    "unknown version": message("OPTIONS sip:srs@127.0.0.1 SIP/7.0"),
    "spaces in the request line": message("INVITE  sip:srs@127.0.0.1;lr   SIP/2.0", OFFER),
    "a URI in brackets": message("INVITE <sip:srs@127.0.0.1> SIP/2.0", OFFER),
    "headers in the URI": message("INVITE sip:srs@127.0.0.1?Route=%3Csip:x%3E SIP/2.0", OFFER),
    "no Via": message(body=OFFER, Via=""),
    "no CSeq": message(body=OFFER, CSeq=""),
    "no Call-ID": message(body=OFFER, Call_ID=""),
    "no From": message(body=OFFER, From=""),
    "no To": message(body=OFFER, To=""),
    "another method in CSeq": message(body=OFFER, CSeq="1 OPTIONS"),
    "scalars out of range": message(body=OFFER, CSeq="99893488147419103 INVITE", Max_Forwards="300", Expires="1" * 30),
    "negative length": message(body=OFFER, Content_Length="-999"),
    "too great a length": message(body=OFFER, Content_Length="9999"),
    "unterminated quote": message(body=OFFER, To='"Mr. J. User <sip:j.user@example.com>'),
    "several of what is single": message(body=OFFER, Subject="1\r\nCall-ID: 2\r\nCSeq: 5 BYE\r\nMax-Forwards: 1"),
    "many Vias": message(body=OFFER, Via=", ".join(f"SIP/2.0/UDP h{n}" for n in range(300))),
    "a bad date": message("OPTIONS sip:srs@127.0.0.1 SIP/2.0", Date="Fri, 01 Jan 2010 16:00:00 EST"),
    "a multipart without end": message(body=MULTIPART[:-9], Content_Type="multipart/mixed;boundary=b"),
    "a boundary of nothing": message(body=MULTIPART, Content_Type='multipart/mixed;boundary=""'),
    "a hundred parts": message(
        body=b"--b\r\n\r\nx\r\n" * 100 + b"--b--", Content_Type="multipart/mixed;boundary=b", Require="siprec"
    ),
    "metadata": message(body=MULTIPART, Content_Type="multipart/mixed;boundary=b", Require="siprec"),
    "a hundred streams": message(body=OFFER + b"m=audio 4002 RTP/AVP 0\r\n" * 100),
    "a call id of 2 kB": message(body=OFFER, Call_ID="x" * 2_000, X_Call_ID="y" * 2_000),
    "a response nobody asked for": message("SIP/2.0 200 OK", CSeq="1 INVITE"),
    "a response without a number": message("SIP/2.0 OK", CSeq="1 INVITE"),
    "a BYE of no call": message("BYE sip:srs@127.0.0.1 SIP/2.0", To="<sip:srs@127.0.0.1>;tag=nothing"),
    "only line ends": b"\r\n" * 200,
    "nothing": b"",
}  # fmt: skip


def broken(whole: bytes, chance: random.Random) -> bytes:
    """The message with some bytes changed, cut out, doubled or cut off."""
    found = bytearray(whole)
    for _ in range(chance.randint(1, 6)):
        if not found:
            break
        place, length = chance.randrange(len(found)), chance.randint(1, 30)
        match chance.randrange(4):
            case 0:
                found[place] = chance.randrange(256)
            case 1:
                del found[place : place + length]
            case 2:
                found[place:place] = found[place : place + length] * chance.randint(1, 20)
            case 3:
                del found[place + length * 10 :]
    return bytes(found)


@pytest.fixture(scope="module")
def running(shared_redis: PrivateRedis) -> Iterator[RunningBridge]:
    """A bridge to be tortured; strangers' calls that it takes end soon.

    They come faster than a peer may begin forks, and a refusal would keep them out of the
    bridge they are to torture, so the rate is unlimited here.
    """
    with bridge(
        shared_redis.url,
        rtp_timeout_seconds=2,
        shutdown_seconds=0.5,
        new_forks_per_second=0,
    ) as started:
        yield started


async def serves(running: RunningBridge, call_id: str) -> bool:
    """Whether a call is answered and ended as always."""
    async with recorder(running, call_id) as placed:
        status = (await placed.invite(placed.offer(""))).status
        print(f"the next call: {status}")
        answered = status == 200
        return answered and (await placed.ask("BYE")).status == 200


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_tortured_it_serves(running: RunningBridge, transport: str) -> None:
    """Every torture, whole and then broken at random, and the next call is answered."""
    chance, tried = random.Random(SEED), 0
    inputs = [*TORTURES.values()]
    inputs += [broken(chance.choice(inputs), chance) for _ in range(BROKEN_MESSAGES[transport])]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        for number, whole in enumerate(inputs):
            bytes_sent = whole.replace(b"{n}", str(number).encode())
            if transport == "udp":
                own.sendto(bytes_sent, running.address)
            else:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection(*running.address)
                    writer.write(bytes_sent)
                    await writer.drain()
                    writer.close()
            tried += 1
            if number % 20 == 0:
                await asyncio.sleep(0.02)
    print(f"torture: {tried} messages over {transport}")
    assert await serves(running, f"after-{transport}")
    assert running.process.poll() is None
    assert running.get("/healthz")[0] == 200


async def test_garbage_beside_the_audio_hurts_nothing(running: RunningBridge) -> None:
    """RTP and RTCP of any version, length and content at a live call's ports: the call goes on to its BYE."""
    chance = random.Random(SEED)
    async with recorder(running, "garbage") as placed:
        response = await placed.invite(placed.offer("1", "2"))
        ports = [stream.port + more for stream in sdp.parse_answer(response.body) for more in (0, 1)]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
            for number in range(GARBAGE_PACKETS):
                packet = bytearray(chance.randbytes(chance.choice((0, 1, 8, 12, 20, 172, 1_400))))
                if packet and number % 2:  # enough like RTP or RTCP to be looked into
                    packet[:2] = bytes((0x80 | chance.randrange(64), chance.choice((0, 8, 200, 201, 203, 204, 255))))
                own.sendto(packet, ("127.0.0.1", chance.choice(ports)))
                if number % 50 == 0:
                    await asyncio.sleep(0.02)
        print(f"garbage: {GARBAGE_PACKETS} packets")
        assert (await placed.ask("BYE")).status == 200
    assert running.closed("garbage")[-1].reason == "bye"  # type: ignore[union-attr] # the last one closes
    assert await serves(running, "after-garbage")


async def test_nothing_is_left_of_it(running: RunningBridge) -> None:
    """Calls that were opened by accident end by themselves: none is held for ever."""
    for _ in range(300):
        if running.metric("callvane_calls_active") == 0:
            return
        await asyncio.sleep(0.2)
    pytest.fail(f"{running.metric('callvane_calls_active')} calls are still held")
