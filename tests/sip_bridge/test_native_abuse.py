"""What is written in C and C++ takes anything, from any thread: rings, and the SIP and RTP ports of a running bridge.

`make sanitize` runs these against a library that says so when memory is touched that is nobody's, and for longer. How
many inputs were tried is printed (`pytest -s`).
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from testcall import sdp
from tests.conftest import PrivateRedis
from tests.sip_bridge.abusing import CODECS, FACTOR, Packets
from tests.sip_bridge.running import ROOT, WAIT_SECONDS, Recorder, RunningBridge, bridge, recorder, until
from tools.fuzz.bodies import invites
from tools.fuzz.mutation import mutate

SEED = 3550
RING_INPUTS = 40_000 * FACTOR
RTP_PACKETS = 4_000 * FACTOR
DATAGRAMS = 1_500 * FACTOR
INVITES = 600 * FACTOR
CONNECTIONS = 40 * FACTOR

REQUEST = (
    "OPTIONS sip:srs@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK{n}\r\nMax-Forwards: 70\r\n"
    "From: <sip:abuse@127.0.0.1>;tag=a\r\nTo: <sip:srs@127.0.0.1>\r\nCall-ID: abuse-{n}\r\nCSeq: 1 OPTIONS\r\n"
    "Content-Length: 0\r\n\r\n"
)


@pytest.fixture(scope="module")
def running(shared_redis: PrivateRedis) -> Iterator[RunningBridge]:
    """A bridge that hears anybody on its RTP ports; calls that nobody goes on with end soon."""
    settings = {"rtp_source": "off", "rtp_timeout_seconds": 2, "new_forks_per_second": 1_000, "shutdown_seconds": 0.5}
    with bridge(shared_redis.url, **settings) as started:
        yield started


def offer(placed: Recorder) -> bytes:
    """Two streams with everything that the bridge decodes."""
    streams = [sdp.OfferedStream(each.getsockname()[1], "", codecs=CODECS) for each in placed.sockets]
    return sdp.offer("127.0.0.1", streams, session=1)


async def serves(running: RunningBridge) -> bool:
    """Whether a call is answered and ended as always, by a process that never ended, once there is room for it."""
    await asyncio.to_thread(until, lambda: running.metric("callvane_calls_active") == 0, running.lines)
    async with recorder(running, f"after-{random.getrandbits(64)}") as placed:
        answered = (await placed.invite(offer(placed))).status == 200
        ended = (await placed.ask("BYE")).status == 200
    return answered and ended and running.process.poll() is None


def test_rings_take_anything_from_two_threads_at_once() -> None:
    """Packets of any type, size, order, source and time, pauses and changed types: nothing but speech comes out."""
    command = [sys.executable, "-m", "tests.sip_bridge.abusing", str(SEED), str(RING_INPUTS)]
    ended = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=WAIT_SECONDS * (1 + FACTOR), check=False
    )
    print(ended.stdout.strip())
    assert ended.returncode == 0, ended.stderr


async def test_rtp_of_every_codec_and_none_hurts_nothing(running: RunningBridge) -> None:
    """Datagrams that are nearly RTP, of two sources, and a re-INVITE among them: the call goes on to its BYE."""
    chance = random.Random(SEED)
    async with recorder(running, "rtp") as placed:
        ports = [stream.port for stream in sdp.parse_answer((await placed.invite(offer(placed))).body)]
        senders = [(own, Packets(chance)) for own in placed.sockets]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            senders.append((stranger, Packets(chance)))
            for number in range(RTP_PACKETS):
                own, packets = senders[number % 20 % 3]
                port = ports[senders.index((own, packets)) % 2]
                bare = chance.randbytes(chance.randrange(1_500)) if number % 50 == 0 else packets.datagram()
                own.sendto(bare, ("127.0.0.1", port + (number % 40 == 0)))
                if number % 50 == 0:
                    await asyncio.sleep(0.02)
                if number % (RTP_PACKETS // 4) == 0:
                    assert (await placed.invite(offer(placed))).status == 200
        print(f"rtp: {RTP_PACKETS} datagrams")
        assert (await placed.ask("BYE")).status == 200
    assert await serves(running)


async def test_random_bytes_on_the_sip_port_hurt_nothing(running: RunningBridge) -> None:
    """Datagrams of noise, and requests with noise spilt over them: the next call is answered."""
    chance = random.Random(SEED)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        for number in range(DATAGRAMS):
            noise = chance.randbytes(chance.choice((0, 1, 4, 64, 1_500, 60_000)))
            whole = bytearray(REQUEST.format(n=number).encode()) if number % 2 else bytearray()
            place = chance.randrange(len(whole) + 1)
            whole[place : place + chance.randrange(40)] = noise
            own.sendto(whole[:65_000], running.address)
            if number % 20 == 0:
                await asyncio.sleep(0.02)
    print(f"sip: {DATAGRAMS} datagrams")
    assert await serves(running)


def broken(whole: bytes, chance: random.Random, number: int) -> bytes:
    """An INVITE with changes; its length is right all the same, so that the library gets to read it."""
    own = whole.replace(b"192.0.2.1", b"127.0.0.1").replace(b"fuzz", b"fuzz%d" % number)
    head, end, body = mutate(own, chance).partition(b"\r\n\r\n")
    return re.sub(rb"Content-Length: \d+", b"Content-Length: %d" % len(body), head) + end + body


async def test_broken_invites_hurt_nothing(running: RunningBridge) -> None:
    """Every vendor's, with changes to headers, SDP and metadata: those calls end, and the next one is answered."""
    chance, whole = random.Random(SEED), [*invites().values()]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        for number in range(INVITES):
            own.sendto(broken(chance.choice(whole), chance, number)[:65_000], running.address)
            if number % 5 == 0:
                await asyncio.sleep(0.02)
    print(f"sip: {INVITES} INVITEs")
    assert await serves(running)


async def test_a_stream_of_bytes_in_any_pieces_hurts_nothing(running: RunningBridge) -> None:
    """Connections on which requests come in pieces, and noise between them: the next call is answered."""
    chance, tried = random.Random(SEED), 0
    for number in range(CONNECTIONS):
        whole = b"".join(
            chance.choice((b"", b"\r\n\r\n", b"\0")) + REQUEST.format(n=f"t{number}-{each}").encode()
            for each in range(chance.randint(1, 4))
        )
        place = chance.randrange(len(whole))
        whole = whole[:place] + chance.randbytes(chance.choice((0, 0, 1, 200_000))) + whole[place:]
        with contextlib.suppress(OSError):  # what is no SIP may be hung up on
            _, writer = await asyncio.open_connection(*running.address)
            while whole:
                size = chance.choice((1, 10, 100, 5_000, 100_000))
                writer.write(whole[:size])
                await writer.drain()
                whole, tried = whole[size:], tried + 1
                await asyncio.sleep(0.001)
            writer.close()
    print(f"sip: {tried} pieces over {CONNECTIONS} connections")
    assert await serves(running)
