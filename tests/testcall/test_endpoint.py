"""Transactions, against a bare UDP socket that loses and repeats what it likes."""

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest

from testcall import sip
from testcall.dialog import Dialog, response_to
from testcall.endpoint import Endpoint, retransmissions
from testcall.sip import Request, Response


@dataclass
class Peer:
    """The other side: reads one message at a time and answers as the test wants."""

    socket: socket.socket

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.socket.getsockname()
        return host, port

    async def receive(self, seconds: float = 60) -> tuple[Request | Response, tuple[str, int]]:
        async with asyncio.timeout(seconds):
            data, source = await asyncio.get_running_loop().sock_recvfrom(self.socket, 65_535)
        return sip.parse(data), source

    async def request(self, seconds: float = 60) -> tuple[Request, tuple[str, int]]:
        message, source = await self.receive(seconds)
        assert isinstance(message, Request)
        return message, source

    def send(self, message: Request | Response, to: tuple[str, int]) -> None:
        self.socket.sendto(sip.serialise(message), to)


@pytest.fixture
def peer() -> Iterator[Peer]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as each:
        each.bind(("127.0.0.1", 0))
        each.setblocking(False)
        yield Peer(each)


@pytest.fixture
async def endpoint(peer: Peer) -> AsyncIterator[Endpoint]:
    async with Endpoint(peer.address, "udp") as each:
        await each.transport.connect()
        yield each


def dialog_of(endpoint: Endpoint) -> Dialog:
    host, port = endpoint.transport.local
    uri = f"sip:recorder@{host}:{port}"
    return Dialog("1@example.com", uri, "sip:callvane@127.0.0.1", f"<{uri}>", f"SIP/2.0/UDP {host}:{port}")


@pytest.mark.parametrize(
    ("method", "provisional", "expected"),
    [
        ("INVITE", False, [0.5, 1, 2, 4, 8, 16, 32]),
        ("INVITE", True, []),
        ("BYE", False, [0.5, 1, 2, 4, 4, 4, 4]),
        ("BYE", True, [4, 4, 4, 4, 4, 4, 4]),
    ],
)
def test_requests_are_repeated_by_the_book(method: str, provisional: bool, expected: list[float]) -> None:
    """Timers A and E of RFC 3261 section 17.1, from a T1 of half a second."""
    assert list(itertools.islice(retransmissions(method, provisional=provisional), 7)) == expected


async def test_lost_invite_is_sent_again(endpoint: Endpoint, peer: Peer) -> None:
    """An INVITE that meets no answer is repeated, the same to the byte, until one comes."""
    with endpoint.transaction(dialog_of(endpoint).request("INVITE")) as invitation:
        waiting = asyncio.create_task(invitation.final())
        first, _ = await peer.request()
        second, source = await peer.request()
        assert first == second
        peer.send(response_to(first, 200, "OK", to_tag="x"), source)
        assert (await waiting).status == 200


async def test_provisional_response_ends_repetition(endpoint: Endpoint, peer: Peer) -> None:
    """After a 100 the INVITE is not repeated, and the final response is waited for."""
    with endpoint.transaction(dialog_of(endpoint).request("INVITE")) as invitation:
        waiting = asyncio.create_task(invitation.final())
        invite, source = await peer.request()
        peer.send(response_to(invite, 100, "Trying"), source)
        with pytest.raises(TimeoutError):
            await peer.receive(seconds=0.8)
        peer.send(response_to(invite, 200, "OK", to_tag="x"), source)
        assert (await waiting).status == 200


async def test_final_responses_are_acknowledged_each_time(endpoint: Endpoint, peer: Peer) -> None:
    """A refusal that comes again, since its ACK was lost, is acknowledged again after the transaction is over."""
    with endpoint.transaction(dialog_of(endpoint).request("INVITE")) as invitation:
        waiting = asyncio.create_task(invitation.final())
        invite, source = await peer.request()
        refusal = response_to(invite, 486, "Busy Here", to_tag="x")
        peer.send(refusal, source)
        await waiting
    peer.send(refusal, source)
    acks = [(await peer.request())[0] for _ in range(2)]
    assert [ack.method for ack in acks] == ["ACK", "ACK"]
    assert {sip.branch_of(ack) for ack in acks} == {sip.branch_of(invite)}


async def test_silence_ends_in_time(endpoint: Endpoint) -> None:
    """A request that is never answered fails after its time, and nothing can be cancelled of it."""
    with endpoint.transaction(dialog_of(endpoint).request("INVITE")) as invitation:
        with pytest.raises(TimeoutError):
            await invitation.final(timeout_seconds=0.1)
        assert await invitation.cancel() is None


async def test_answer_that_crosses_a_cancel_is_told(endpoint: Endpoint, peer: Peer) -> None:
    """A 200 that was sent before our CANCEL came is returned, since it has made a call."""
    with endpoint.transaction(dialog_of(endpoint).request("INVITE")) as invitation:
        waiting = asyncio.create_task(invitation.final(timeout_seconds=0.3))
        invite, source = await peer.request()
        peer.send(response_to(invite, 180, "Ringing", to_tag="x"), source)
        with pytest.raises(TimeoutError):
            await waiting
        cancelling = asyncio.create_task(invitation.cancel())
        cancel, _ = await peer.request()
        assert (cancel.method, sip.branch_of(cancel)) == ("CANCEL", sip.branch_of(invite))
        peer.send(response_to(invite, 200, "OK", to_tag="x"), source)
        peer.send(response_to(cancel, 200, "OK", to_tag="x"), source)
        crossed = await cancelling
        assert crossed is not None
        assert crossed.status == 200


@pytest.mark.parametrize(("method", "status"), [("OPTIONS", 200), ("BYE", 481), ("INVITE", 481)])
async def test_requests_outside_calls_are_answered(endpoint: Endpoint, peer: Peer, method: str, status: int) -> None:
    """OPTIONS is answered with what is allowed; anything else outside a call with 481."""
    request = dialog_of(endpoint).request(method)
    peer.send(request, endpoint.transport.local)
    response, _ = await peer.receive()
    assert isinstance(response, Response)
    assert response.status == status
    assert (response.first("Allow") != "") == (status == 200)


async def test_repeated_request_has_the_same_answer(endpoint: Endpoint, peer: Peer) -> None:
    """A request that comes again is answered as before, and the call sees it once."""
    seen: list[Request] = []

    def answer(request: Request) -> Response:
        seen.append(request)
        return response_to(request, 200, f"answer {len(seen)}")

    endpoint.attach("1@example.com", answer)
    request = dialog_of(endpoint).request("BYE")
    for _ in range(2):
        peer.send(request, endpoint.transport.local)
        response, _ = await peer.receive()
        assert isinstance(response, Response)
        assert response.reason == "answer 1"
    endpoint.detach("1@example.com")
    assert len(seen) == 1


async def test_noise_is_counted_and_hurts_nobody(endpoint: Endpoint, peer: Peer) -> None:
    """Datagrams that are no SIP are counted; keep-alives are not; the next request is answered."""
    for data in (b"\r\n\r\n", b"\0", b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 100):
        peer.socket.sendto(data, endpoint.transport.local)
    peer.send(dialog_of(endpoint).request("OPTIONS"), endpoint.transport.local)
    response, _ = await peer.receive()
    assert isinstance(response, Response)
    assert endpoint.malformed == 2
