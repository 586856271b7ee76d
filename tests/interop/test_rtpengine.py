"""The recipe for rtpengine: a real rtpengine relays a call, whose streams reach the bridge with their roles."""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from callbus import CallOpened, Role, Utterance
from testcall import rtp, scenario, sdp
from tests.conftest import PrivateRedis
from tests.ports import held_port
from tests.sip_bridge.running import bridge, until

pytestmark = pytest.mark.skipif(
    shutil.which("rtpengine") is None, reason="rtpengine is not installed (apt-get install rtpengine-daemon)"
)

SCRIPT = Path(__file__).parents[2] / "deploy" / "rtpengine" / "callvane_fork.py"
CALL_ID = 'a1b2"<&@pbx.example.com'
SAID = slice(200, 520)
"""Packets of the scenario: the agent's first turn ends, then the customer has the floor."""
CALLER, CALLEE = "tag-caller", "tag-callee"


def _script() -> Any:
    spec = importlib.util.spec_from_file_location("callvane_fork", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextmanager
def process(log: Path, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process, whose output goes to a file, and that is gone afterwards."""
    with log.open("wb") as output:
        started = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield started
    finally:
        started.terminate()
        started.wait(10)


@contextmanager
def rtpengine(folder: Path) -> Iterator[tuple[str, int]]:
    """An rtpengine in userspace on loopback that takes commands; where it does."""
    log = folder / "rtpengine.log"
    options = ["--config-file=none", "--foreground", "--log-stderr", "--table=-1", "--interface=127.0.0.1"]
    limits = ["--port-min=43000", "--port-max=43999", f"--pidfile={folder / 'pid'}", "--num-threads=2"]
    with (
        held_port() as port,
        process(log, "rtpengine", *options, *limits, f"--listen-ng=127.0.0.1:{port}") as engine,
    ):
        until(lambda: _answers_ping(port, engine, log), [])
        yield "127.0.0.1", port


def _answers_ping(port: int, engine: subprocess.Popen[bytes], log: Path) -> bool:
    """Whether rtpengine takes commands by now; fails where it has ended."""
    assert engine.poll() is None, log.read_text(errors="replace")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(1)
        asking.connect(("127.0.0.1", port))
        try:
            asking.send(b"1 d7:command4:pinge")
            return b"pong" in asking.recv(1_024)
        except OSError:
            time.sleep(0.05)
            return False


@contextmanager
def forking(folder: Path, engine: tuple[str, int], to: tuple[str, int]) -> Iterator[tuple[tuple[str, int], Path]]:
    """The recipe's script, once it waits for calls: where it is told of them, and its log."""
    log = folder / "fork.log"
    with held_port() as port:
        listen = ("127.0.0.1", port)
        where = {"--rtpengine": engine, "--bridge": to, "--listen": listen}
        options = [word for name, (host, number) in where.items() for word in (name, f"{host}:{number}")]
        with process(log, sys.executable, str(SCRIPT), *options) as script:
            until(lambda: "waiting for calls" in log.read_text() or script.poll() is not None, [])
            assert script.poll() is None, log.read_text()
            yield listen, log


@asynccontextmanager
async def commands(address: tuple[str, int]) -> AsyncIterator[Any]:
    """The script's own client of rtpengine."""
    loop = asyncio.get_running_loop()
    transport, client = await loop.create_datagram_endpoint(_script().Rtpengine, remote_addr=address)
    yield client
    transport.close()


async def test_both_parties_are_heard(private_redis: PrivateRedis, tmp_path: Path) -> None:
    """Told of a call by a datagram, the script brings both directions to the bridge as one call, and ends with it."""
    with (
        bridge(private_redis.url) as running,
        rtpengine(tmp_path) as engine,
        forking(tmp_path, engine, running.address) as (listen, log),
    ):
        async with commands(engine) as client:
            await _call(client, listen, log)
        events = running.closed(CALL_ID)
    opened = [event for event in events if isinstance(event, CallOpened)]
    assert {leg.role for leg in opened[-1].legs} == {Role.CUSTOMER, Role.AGENT}
    assert [event.role for event in events if isinstance(event, Utterance)] == [Role.AGENT, Role.CUSTOMER]


async def _call(client: Any, listen: tuple[str, int], log: Path) -> None:
    """A call through rtpengine: the end of the agent's first words, who was called, and the caller's answer."""
    caller, callee = rtp.open_socket("127.0.0.1"), rtp.open_socket("127.0.0.1")
    teller = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        offer = await client.ask("offer", call_id=CALL_ID, from_tag=CALLER, sdp=_sdp(caller))
        answer = await client.ask("answer", call_id=CALL_ID, from_tag=CALLER, to_tag=CALLEE, sdp=_sdp(callee))
        teller.sendto("\n".join(["start", CALL_ID, CALLER, CALLEE]).encode(), listen)
        until(lambda: "forked" in log.read_text(), [])
        streams = []
        payloads = scenario.load("turns_angry").payloads
        for each, reply, said in ((caller, answer, payloads("customer")), (callee, offer, payloads("agent"))):
            leg = sdp.parse_answer(reply["sdp"].encode())[0]
            each.connect((leg.address, leg.port))
            streams.append(rtp.Stream(said[SAID], each.send))
        begun = time.monotonic()
        for index in range(len(streams[0].payloads)):
            await asyncio.sleep(max(0.0, begun + index * rtp.PACKET_SECONDS - time.monotonic()))
            for stream in streams:
                stream.send(stream.packet(index))
        teller.sendto("\n".join(["stop", CALL_ID]).encode(), listen)
        await client.ask("delete", call_id=CALL_ID, from_tag=CALLER)
    finally:
        for each in (caller, callee, teller):
            each.close()


def _sdp(each: socket.socket) -> str:
    port = each.getsockname()[1]
    return f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"
