"""Whose packets reach a stream: the filter on real sockets, then at a running bridge."""

from __future__ import annotations

import asyncio
import os
import socket
from ipaddress import ip_address
from pathlib import Path

import pytest

from sip_bridge.pjsip import rtp_source
from sip_bridge.pjsip.rtp_source import RtpSources, drops
from testcall import rtp, sdp
from tests.sip_bridge.running import bridge, recorder, utterances
from tests.sip_bridge.speaking import likeness, sentence


def bound(address: str, port: int = 0) -> socket.socket:
    """A UDP socket on a loopback address."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family, socket.SOCK_DGRAM)
    made.bind((address, port))
    made.setblocking(False)
    return made


def received(own: socket.socket) -> list[bytes]:
    """All packets that wait in a socket."""
    found = []
    while True:
        try:
            found.append(own.recv(100))
        except BlockingIOError:
            return found


def named(own: socket.socket) -> str:
    """A socket's address and port, as the library writes them."""
    host, port = own.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def foreign() -> float:
    """Foreign packets counted since the start of the process."""
    return float(rtp_source.FOREIGN._value.get())


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_the_filter_keeps_one_address(address: str) -> None:
    """With the sender's address it lets its packets through, with a neighbour's none."""
    with bound(address) as own, bound(address) as sender:
        for held, count in ((ip_address(address), 1), (ip_address(address) + 1, 0), (ip_address("192.0.2.1"), 0)):
            if held.version == ip_address(address).version:
                rtp_source._attach(own, held)
                sender.sendto(b"packet", own.getsockname())
                assert len(received(own)) == count


def test_strict_holds_to_the_sdp_until_that_changes() -> None:
    """Packets of the address in the SDP pass, others are dropped and counted; a re-INVITE names another."""
    before = foreign()
    with bound("127.0.0.1") as own, bound("127.0.0.2") as pbx, bound("127.0.0.3") as other:
        sources = RtpSources("strict")
        sources.expect(0, own.fileno(), "127.0.0.2:4000")
        for sender in (pbx, other, other):
            sender.sendto(sender.getsockname()[0].encode(), own.getsockname())
        assert received(own) == [b"127.0.0.2"]
        sources.inspect(0, named(pbx), drops(own))
        sources.inspect(0, named(pbx), drops(own))
        assert foreign() - before == 2
        sources.expect(0, own.fileno(), "127.0.0.3:4000")
        other.sendto(b"moved", own.getsockname())
        assert received(own) == [b"moved"]


@pytest.mark.parametrize(("mode", "told"), [("learn", "127.0.0.9:4000"), ("strict", "0.0.0.0:4000")])
def test_learning_holds_to_who_was_heard_first(mode: str, told: str) -> None:
    """Whatever the SDP says in `learn`, and where it says nothing in `strict`; a changed SDP is learnt anew."""
    with bound("127.0.0.1") as own, bound("127.0.0.2") as first, bound("127.0.0.3") as later:
        sources = RtpSources(mode)  # type: ignore[arg-type] # one of the words
        sources.expect(0, own.fileno(), told)
        sources.inspect(0, "", drops(own))
        first.sendto(b"first", own.getsockname())
        sources.inspect(0, named(first), drops(own))
        sources.expect(0, own.fileno(), told)
        later.sendto(b"later", own.getsockname())
        assert received(own) == [b"first"]
        if mode == "learn":
            sources.expect(0, own.fileno(), "127.0.0.8:4000")
            later.sendto(b"later", own.getsockname())
            assert received(own) == [b"later"]


def test_sockets_are_only_lent() -> None:
    """The library's descriptor stays open, whatever is asked of it."""
    with bound("127.0.0.1") as own:
        sources = RtpSources("strict")
        sources.expect(0, own.fileno(), "127.0.0.2:4000")
        sources.inspect(0, "127.0.0.2:4000", drops(own))
        assert own.getsockname()[1] > 0


@pytest.mark.parametrize("same_port", [True, False])
def test_a_stream_made_anew_is_held_anew(same_port: bool) -> None:
    """Its new socket may have the descriptor of the old one, and its port."""
    with bound("127.0.0.2") as pbx, bound("127.0.0.3") as other:
        own, sources = bound("127.0.0.1"), RtpSources("strict")
        descriptor, port = own.fileno(), own.getsockname()[1]
        sources.expect(0, descriptor, "127.0.0.2:4000")
        own.close()
        with bound("127.0.0.1", port if same_port else 0) as anew:
            lent = anew.fileno() if anew.fileno() == descriptor else os.dup2(anew.fileno(), descriptor)
            sources.inspect(0, "127.0.0.9:4000", drops(anew))  # before we are told
            sources.expect(0, descriptor, "127.0.0.2:4000")
            for sender in (pbx, other):
                sender.sendto(sender.getsockname()[0].encode(), anew.getsockname())
            assert received(anew) == [b"127.0.0.2"]
            sources.expect(0, descriptor, "0.0.0.0:4000")
            other.sendto(b"anybody", anew.getsockname())
            assert received(anew) == [b"anybody"]
            if lent != anew.fileno():
                os.close(lent)


def test_anothers_socket_is_left_alone() -> None:
    """Where the library has closed a stream's socket, its descriptor may be anybody's."""
    with bound("127.0.0.2") as pbx, bound("127.0.0.3") as other:
        own, sources = bound("127.0.0.1"), RtpSources("learn")
        descriptor = own.fileno()
        sources.expect(0, descriptor, "127.0.0.2:4000")
        with bound("127.0.0.1") as anothers:
            os.dup2(anothers.fileno(), descriptor)
            sources.inspect(0, named(pbx), drops(anothers))
            other.sendto(b"other", anothers.getsockname())
            assert received(anothers) == [b"other"]
        own.close()


@pytest.mark.parametrize("descriptor", [-1, 1_000_000, "closed", "a file"])
def test_what_is_no_socket_is_unguarded(descriptor: int | str, tmp_path: Path) -> None:
    """It is counted, and nothing else happens, now or later."""
    before = rtp_source.UNGUARDED._value.get()
    with (tmp_path / "file").open("w") as file:
        made = bound("127.0.0.1")
        number = {"closed": made.fileno(), "a file": file.fileno()}.get(str(descriptor), descriptor)
        made.close()
        sources = RtpSources("strict")
        sources.expect(0, int(number), "127.0.0.2:4000")
        sources.inspect(0, "127.0.0.2:4000", 0)
        assert rtp_source.UNGUARDED._value.get() - before == 1
        assert not file.closed


async def test_foreign_packets_are_not_heard(redis_url: str) -> None:
    """At a running bridge: speech from another address than the SDP's is dropped and counted, the PBX's is heard."""
    spoken = sentence("customer")
    with bridge(redis_url, rtp_source="strict") as running:
        async with recorder(running, "intruded") as placed:
            response = await placed.invite(placed.offer(""))
            answered = sdp.parse_answer(response.body)[0]
            with bound("127.0.0.7") as intruder:
                noise = rtp.Stream(sentence("agent"), lambda packet: None)
                for index in range(len(noise.payloads)):
                    intruder.sendto(noise.packet(index), (answered.address, answered.port))
                    await asyncio.sleep(rtp.PACKET_SECONDS)
            assert running.metric("callvane_rtp_packets_received_total") == 0
            await placed.play(response, spoken)
            await placed.ask("BYE")
        said = utterances(running.closed("intruded"))
        assert likeness(said, spoken) > likeness(said, sentence("agent"))
        assert running.metric("callvane_rtp_foreign_packets_total") == len(noise.payloads)
        assert running.metric("callvane_rtp_streams_unguarded_total") == 0
