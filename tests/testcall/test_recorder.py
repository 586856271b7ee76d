"""A steered recording session, against a server that answers every request the way the test sees fit."""

import asyncio
import socket
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from testcall import rtp, sip
from testcall.campaign import line_to
from testcall.dialog import response_to
from testcall.endpoint import Endpoint
from testcall.metadata import CallFacts, load_dialect
from testcall.recorder import Recorder
from testcall.sip import Request
from testcall.target import parse_target

PAYLOAD = b"\xff" * 160


@dataclass
class Server(asyncio.DatagramProtocol):
    """Answers 200 with as many streams as were offered, all to one port."""

    rtp_port: int
    transport: asyncio.DatagramTransport = field(init=False)
    requests: list[Request] = field(default_factory=list)
    sources: list[tuple[str, int]] = field(default_factory=list)
    payload_type: int = 0
    streams: int | None = None
    """How many it answers, where that is not as many as were offered."""

    @property
    def port(self) -> int:
        return int(self.transport.get_extra_info("sockname")[1])

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        request = sip.parse(data)
        if not isinstance(request, Request):  # the answer to our own BYE
            return
        self.requests.append(request)
        self.sources.append(addr)
        if request.method != "ACK":
            contact = ("Contact", f"<sip:srs@127.0.0.1:{self.port}>")
            response = response_to(request, 200, "OK", (contact,), self.answer(request), to_tag="theirs")
            self.transport.sendto(sip.serialise(response), addr)

    def answer(self, request: Request) -> bytes:
        """The SDP of the 200; for an INVITE without a body, an offer of two streams."""
        if request.method == "BYE" or (request.method == "UPDATE" and b"m=audio" not in request.body):
            return b""
        count = request.body.count(b"m=audio") if request.body else 2
        count = count if self.streams is None else self.streams
        media = f"m=audio {self.rtp_port} RTP/AVP {self.payload_type}\r\na=recvonly\r\n" * count
        return f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n{media}".encode()


@asynccontextmanager
async def session() -> AsyncIterator[tuple[Recorder, Server, socket.socket]]:
    """A session that is up, its server, and the socket that its packets come to."""
    with rtp.open_socket("127.0.0.1") as ears:
        server = Server(ears.getsockname()[1])
        listening = asyncio.get_running_loop().create_datagram_endpoint(lambda: server, ("127.0.0.1", 0))
        server.transport, _ = await listening
        target = parse_target(f"sip:srs@127.0.0.1:{server.port}")
        async with line_to(target, "udp") as (endpoint, sender):
            await endpoint.transport.connect()
            recorder = Recorder(endpoint, sender, load_dialect("rfc7865"), CallFacts(sip_call_id="1@x"), target)
            try:
                await recorder.ask()
                yield recorder, server, ears
            finally:
                recorder.close()
                server.transport.close()
                await asyncio.sleep(0)  # the loop closes the socket in its next round


def packets(ears: socket.socket) -> list[tuple[int, int, int, int, int]]:
    """Flags, type, number, timestamp and source of each packet that has come."""
    found = []
    while True:
        try:
            found.append(struct.unpack("!BBHII", ears.recv(2048)[:12]))
        except BlockingIOError:
            return found


async def test_a_change_is_told_as_a_new_version() -> None:
    """Each offer counts one up; a stream on hold says so, one that ended has port 0, a new one comes last."""
    async with session() as (recorder, server, _):
        first, second = recorder.lines
        first.direction, second.ended = "inactive", True
        recorder.add_line("customer", "3")
        await recorder.ask()
    invites = [request.body for request in server.requests if request.method == "INVITE"]
    versions = [body.split(b"o=testcall ")[1].split()[:2] for body in invites]
    assert [int(version) - int(session) for session, version in versions] == [0, 1]
    _, *media = invites[1].split(b"--")[1].split(b"m=audio ")
    assert b"a=inactive" in media[0]
    assert media[1].startswith(b"0 RTP/AVP")
    assert b"a=sendonly" in media[2]
    assert b"a=label:3" in media[2]


async def test_a_request_may_leave_parts_out() -> None:
    """An UPDATE with metadata alone says its type; one without a body is a refresh."""
    async with session() as (recorder, server, _):
        await recorder.ask("UPDATE", without=("sdp",))
        await recorder.ask("UPDATE", ("Session-Expires", "90"), without=("sdp", "metadata"))
    metadata, refresh = [request for request in server.requests if request.method == "UPDATE"]
    assert metadata.first("Content-Type") == "application/rs-metadata+xml"
    assert (refresh.body, refresh.first("Content-Type"), refresh.first("Session-Expires")) == (b"", "", "90")


async def test_an_offer_of_the_other_side_is_answered_in_the_ack() -> None:
    """Without a body in the INVITE, the ACK carries our SDP."""
    async with session() as (recorder, server, _):
        await recorder.ask(without=("sdp", "metadata"))
        await recorder.hang_up()
    acks = [request for request in server.requests if request.method == "ACK"]
    assert [ack.body.count(b"m=audio") for ack in acks] == [0, 2]


async def test_packets_go_on_where_they_were() -> None:
    """One source, numbers without a gap, timestamps that follow the clock, also when the codec changes in between."""
    async with session() as (recorder, server, ears):
        line = recorder.lines[0]
        await recorder.play({line: [PAYLOAD] * 3})
        line.codecs, server.payload_type = ("8 PCMA/8000",), 8
        await recorder.ask()
        await asyncio.sleep(0.2)
        await recorder.play({line: [PAYLOAD] * 2})
        found = packets(ears)
    assert [kind & 0x7F for _, kind, *_ in found] == [0, 0, 0, 8, 8]
    assert [(number - found[0][2]) % 65536 for _, _, number, _, _ in found] == [0, 1, 2, 3, 4]
    assert found[3][3] - found[2][3] > 160 + 0.2 * 8000
    assert len({source for *_, source in found}) == 1


async def test_speech_ends_though_the_loop_was_held_up() -> None:
    """Packets whose time passed while the event loop stood still for over a second are lost; the speech still ends."""
    async with session() as (recorder, _, ears):
        speaking = asyncio.create_task(recorder.play({line: [PAYLOAD] * 100 for line in recorder.lines}))
        while not packets(ears):
            await asyncio.sleep(0.01)
        time.sleep(1.5 * rtp.MAX_LATENESS_SECONDS)  # noqa: ASYNC251 -- this is what holds it up
        async with asyncio.timeout(60):
            await speaking
        assert len(packets(ears)) < 200 - 100 * rtp.MAX_LATENESS_SECONDS


async def test_a_standby_goes_on_from_its_own_address() -> None:
    """After the move, requests come from the other address and name it, in the same dialog."""
    async with (
        session() as (recorder, server, _),
        Endpoint(("127.0.0.1", server.port), "udp", "127.0.0.2") as standby,
    ):
        await standby.transport.connect()
        await recorder.move(standby)
        await recorder.ask()
    first, second = [request for request in server.requests if request.method == "INVITE"]
    assert server.sources[0][0] == "127.0.0.1"
    assert server.sources[-1][0] == "127.0.0.2"
    for name in ("Via", "Contact"):
        assert "127.0.0.2" in second.first(name)
    assert b"c=IN IP4 127.0.0.2" in second.body
    assert (second.first("Call-ID"), second.first("From")) == (first.first("Call-ID"), first.first("From"))


async def test_an_answer_that_does_not_fit_is_named() -> None:
    """Fewer streams answered than offered is no agreement."""
    async with session() as (recorder, server, _):
        server.streams = 1
        with pytest.raises(ValueError, match="2 streams were offered, 1 answered"):
            await recorder.ask()


async def test_a_goodbye_of_the_other_side_is_told() -> None:
    """Its BYE is answered, kept, and handed to whoever asked."""
    async with session() as (recorder, server, _):
        told: list[Request] = []
        recorder.hung_up = told.append
        invite = server.requests[0]
        to = f"{invite.first('From')}"
        headers = (("Via", f"SIP/2.0/UDP 127.0.0.1:{server.port};branch=z9hG4bKb"), ("From", "<sip:srs@x>;tag=theirs"))
        goodbye = Request("BYE", "sip:recorder@x", (*headers, ("To", to), ("Call-ID", "1@x"), ("CSeq", "1 BYE")))
        server.transport.sendto(sip.serialise(goodbye), server.sources[0])
        async with asyncio.timeout(60):
            while not told:
                await asyncio.sleep(0.01)
        assert recorder.received == told
