"""SIP and RTP over IPv6, over both versions, and offers of the one that is not there, at a running bridge."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from testcall.rtp import PACKET_SECONDS, Stream
from tests.sip_bridge.running import RunningBridge, bridge, utterances
from tests.sip_bridge.speaking import likeness, sentence

FAMILIES = {"IP4": ("127.0.0.1", socket.AF_INET), "IP6": ("::1", socket.AF_INET6)}


class Caller:
    """A SIP and an RTP socket of one version of IP, over UDP."""

    def __init__(self, running: RunningBridge, family: str) -> None:
        self.host, kind = FAMILIES[family]
        self._running = running
        self.sip, self.rtp = socket.socket(kind, socket.SOCK_DGRAM), socket.socket(kind, socket.SOCK_DGRAM)
        for each in (self.sip, self.rtp):
            each.bind((self.host, 0))
        self.sip.setblocking(False)

    async def ask(self, method: str, number: int, to: str, body: str = "", call_id: str = "") -> str:
        """The final response to a request; nothing is waited for after an ACK."""
        shown = f"[{self.host}]" if ":" in self.host else self.host
        here = f"{shown}:{self.sip.getsockname()[1]}"
        head = (
            f"{method} sip:srs@{shown} SIP/2.0",
            f"Via: SIP/2.0/UDP {here};rport;branch=z9hG4bK{method}{number}{call_id}",
            f"From: <sip:recorder@{here}>;tag=1",
            f"To: <sip:srs@{shown}>{to}",
            f"Call-ID: {call_id}",
            f"CSeq: {number} {method}",
            f"Contact: <sip:recorder@{here}>",
            "Content-Type: application/sdp",
            f"Content-Length: {len(body)}",
        )
        loop = asyncio.get_running_loop()
        address = (self.host, self._running.address[1])
        await loop.sock_sendto(self.sip, ("\r\n".join(head) + "\r\n\r\n" + body).encode(), address)
        while method != "ACK":
            async with asyncio.timeout(60):
                answer = (await loop.sock_recv(self.sip, 65_536)).decode()
            if re.match(r"SIP/2\.0 [2-6]", answer):
                return answer
        return ""

    def offer(self, family: str) -> str:
        """One stream, received nowhere, of a version of IP."""
        host = FAMILIES[family][0]
        return (
            f"v=0\r\no=- 1 1 IN {family} {host}\r\ns=-\r\nc=IN {family} {host}\r\nt=0 0\r\n"
            f"m=audio {self.rtp.getsockname()[1]} RTP/AVP 0\r\na=sendonly\r\n"
        )


@contextmanager
def caller(running: RunningBridge, family: str) -> Iterator[Caller]:
    """One that lets go of its sockets."""
    placed = Caller(running, family)
    try:
        yield placed
    finally:
        placed.sip.close()
        placed.rtp.close()


@pytest.mark.parametrize(
    ("host", "family", "peers"), [("::1", "IP6", "[]"), ("::", "IP6", '["::1"]'), ("::", "IP4", '["127.0.0.1"]')]
)
async def test_a_call_over_either_version(redis_url: str, host: str, family: str, peers: str) -> None:
    """`::` listens on both; the answer names an address of the offer's version, and what is said there is heard."""
    said = sentence("customer")
    with bridge(redis_url, host=host, allowed_peers=peers) as running, caller(running, family) as placed:
        call_id = f"over-{family}-{len(host)}"
        answer = await placed.ask("INVITE", 1, "", placed.offer(family), call_id)
        assert answer.startswith("SIP/2.0 200")
        found = (
            re.search(rf"^c=IN {family} \S+", answer, re.MULTILINE),
            re.search(r"^m=audio (\d+)", answer, re.MULTILINE),
        )
        assert found[0]
        assert found[1]
        tag = re.search(r"^To: .*(;tag=\S+)", answer, re.MULTILINE)
        assert tag
        await placed.ask("ACK", 1, tag[1], call_id=call_id)
        placed.rtp.connect((placed.host, int(found[1][1])))
        stream = Stream(said, placed.rtp.send)
        for index in range(len(said)):
            stream.send(stream.packet(index))
            await asyncio.sleep(PACKET_SECONDS)
        assert (await placed.ask("BYE", 2, tag[1], call_id=call_id)).startswith("SIP/2.0 200")
        events = await asyncio.to_thread(running.closed, call_id)
    assert likeness(utterances(events), said) > 0.8


@pytest.mark.parametrize(("host", "family", "other"), [("127.0.0.1", "IP4", "IP6"), ("::1", "IP6", "IP4")])
async def test_an_offer_of_the_other_version_is_488(redis_url: str, host: str, family: str, other: str) -> None:
    """With a Warning that says which version would do; beside a stream that can be received, it is refused alone."""
    with bridge(redis_url, host=host) as running, caller(running, family) as placed:
        answer = await placed.ask("INVITE", 1, "", placed.offer(other), "strange")
        assert answer.startswith("SIP/2.0 488")
        assert f'Warning: 305 callvane "{other} is not accepted, use {family}"' in answer
        both = placed.offer(family) + f"m=audio 9 RTP/AVP 0\r\nc=IN {other} {FAMILIES[other][0]}\r\na=sendonly\r\n"
        answer = await placed.ask("INVITE", 1, "", both, "both")
        assert answer.startswith("SIP/2.0 200")
        assert [port != "0" for port in re.findall(r"^m=audio (\d+)", answer, re.MULTILINE)] == [True, False]
