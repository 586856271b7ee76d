"""A real bridge process for a test, and a recorder that calls it with real SIP and RTP."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from threading import Thread
from typing import TypeVar

import redis

from callbus import CallClosed, CallOpened, Utterance
from callbus.messages.wire import ForkEvent, decode_fork_event
from testcall import rtp, sdp
from testcall.dialog import Dialog, response_to
from testcall.endpoint import Endpoint
from testcall.sip import Headers, Request, Response

ROOT = Path(__file__).parent.parent.parent
WAIT_SECONDS = 60.0
"""A busy machine is no failure; what is waited for comes within a second on an idle one."""

T = TypeVar("T")


class RunningBridge:
    """A bridge process: what it logs, counts and publishes."""

    def __init__(self, process: subprocess.Popen[str], redis_url: str) -> None:
        self.process = process
        self.redis_url = redis_url
        self.lines: list[str] = []
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()
        health = self.logged(r"metrics and health on http://127\.0\.0\.1:(\d+)")
        sip = self.logged(r"\bsip on (\S+):(\d+) ")
        self.address = (sip[1], int(sip[2]))
        self.health_port = int(health[1])

    @property
    def tls_address(self) -> tuple[str, int]:
        """Where it listens for TLS."""
        return ("127.0.0.1", int(self.logged(r"sips on 127\.0\.0\.1:(\d+)")[1]))

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line)

    def logged(self, pattern: str) -> re.Match[str]:
        """Wait for a line that the pattern is found in."""
        return until(
            lambda: next(filter(None, (re.search(pattern, line) for line in list(self.lines))), None), self.lines
        )

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of a page of its health endpoint."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.health_port}{path}", timeout=5) as page:
                return page.status, page.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def metric(self, sample: str) -> float:
        """A sample's value now, by its whole name, such as `callvane_forks_total{outcome="answered"}`."""
        for line in self.get("/metrics")[1].splitlines():
            name, _, value = line.rpartition(" ")
            if name == sample:
                return float(value)
        return 0.0

    def events(self, call_id: str = "") -> list[ForkEvent]:
        """What has been published so far, of one call or of all."""
        with redis.Redis.from_url(self.redis_url) as client:
            rows = [row for key in client.keys("callvane:forks:*") for row in client.xrange(key)]
        found = [decode_fork_event(fields[b"m"]) for _, fields in rows]
        return [event for event in found if not call_id or event.call_id == call_id]

    def closed(self, call_id: str) -> list[ForkEvent]:
        """All that was published of a call, once its last message is there."""
        return until(lambda: self._if_closed(call_id), self.lines)

    def _if_closed(self, call_id: str) -> list[ForkEvent]:
        events = self.events(call_id)
        return events if any(isinstance(event, CallClosed) for event in events) else []

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(WAIT_SECONDS)


@contextmanager
def bridge(redis_url: str, contacts: Mapping[str, str] | None = None, /, **settings: object) -> Iterator[RunningBridge]:
    """A bridge on free loopback ports; `settings` are those of [bridge], `contacts` those of that section."""
    with program(("-m", "sip_bridge"), redis_url, contacts, **settings) as running:
        yield running


@contextmanager
def program(
    arguments: Sequence[str], redis_url: str, contacts: Mapping[str, str] | None = None, /, **settings: object
) -> Iterator[RunningBridge]:
    """A bridge that Python runs by these arguments."""
    environment = {
        "CALLVANE_REDIS__URL": redis_url,
        "CALLVANE_METRICS__PORT": "0",
        "CALLVANE_BRIDGE__HOST": "127.0.0.1",
        "CALLVANE_BRIDGE__PORT": "0",
        **{f"CALLVANE_BRIDGE__{name.upper()}": str(value) for name, value in settings.items()},
        **{f"CALLVANE_CONTACTS__{name.upper()}": value for name, value in (contacts or {}).items()},
    }
    process = subprocess.Popen(
        [sys.executable, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environment},
    )
    try:
        yield RunningBridge(process, redis_url)
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(WAIT_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        assert process.stderr is not None
        process.stderr.close()


class Recorder:
    """One SIP dialog towards a bridge, with as many RTP streams as a test wants."""

    def __init__(self, endpoint: Endpoint, call_id: str) -> None:
        host, port = endpoint.transport.local
        self.call_id = call_id
        self.endpoint = endpoint
        self.dialog = Dialog(
            call_id=call_id,
            local_uri=f"sip:recorder@{host}:{port}",
            remote_uri=f"sip:srs@{endpoint.target[0]}:{endpoint.target[1]}",
            contact=f"<sip:recorder@{host}:{port};transport={endpoint.transport.name.lower()}>;+sip.src",
            via=f"SIP/2.0/{endpoint.transport.name} {host}:{port}",
        )
        self.sockets = [rtp.open_socket(host), rtp.open_socket(host)]
        self.received: list[Request] = []
        """Requests that the bridge sent within the dialog."""
        self.answers = 200
        """The status with which they are answered."""
        self.request: Request | None = None
        endpoint.attach(call_id, self._answer)

    def offer(self, *labels: str) -> bytes:
        """An SDP with a sendonly stream for each label."""
        streams = [
            sdp.OfferedStream(each.getsockname()[1], label) for each, label in zip(self.sockets, labels, strict=False)
        ]
        return sdp.offer("127.0.0.1", streams, session=1)

    async def invite(
        self, body: bytes = b"", content_type: str = "application/sdp", *headers: tuple[str, str]
    ) -> Response:
        """Send the (re-)INVITE, take its final response, acknowledge it."""
        described: Headers = (("Content-Type", content_type),) if body else ()
        self.request = self.dialog.request("INVITE", (*headers, *described), body)
        with self.endpoint.transaction(self.request) as transaction:
            response = await transaction.final(30)
        if response.status < 300:
            self.dialog.answered(response)
            self.endpoint.acknowledge(self.request, self.dialog.ack(self.request), self.endpoint.target)
        return response

    async def ask(self, method: str, *headers: tuple[str, str]) -> Response:
        """Send another request within the dialog, such as BYE."""
        with self.endpoint.transaction(self.dialog.request(method, headers)) as transaction:
            return await transaction.final(30)

    async def play(self, response: Response, *streams: Sequence[bytes], payload_type: int = 0) -> None:
        """Send each stream's payloads, one every 20 ms, to the port that was answered for it."""
        answered = sdp.parse_answer(response.body)
        for each, leg in zip(self.sockets, answered, strict=False):
            each.connect((leg.address, leg.port))
        sent = [rtp.Stream(payloads, each.send) for each, payloads in zip(self.sockets, streams, strict=False)]
        begun = time.monotonic()
        for index in range(max(map(len, streams))):
            await asyncio.sleep(max(0.0, begun + index * rtp.PACKET_SECONDS - time.monotonic()))
            for stream in sent:
                if index < len(stream.payloads):
                    packet = bytearray(stream.packet(index))
                    packet[1] = packet[1] & 0x80 | payload_type
                    with contextlib.suppress(OSError):
                        stream.send(bytes(packet))

    def close(self) -> None:
        """Let go of the sockets."""
        self.endpoint.detach(self.call_id)
        for each in self.sockets:
            each.close()

    def _answer(self, request: Request) -> Response:
        self.received.append(request)
        return response_to(request, self.answers, "OK" if self.answers == 200 else "Not")


@asynccontextmanager
async def recorder(
    bridge: RunningBridge, call_id: str, transport: str = "tcp", secure: ssl.SSLContext | None = None
) -> AsyncIterator[Recorder]:
    """A recorder that has not called yet. `secure`: what it trusts and shows over `tls`."""
    address = bridge.tls_address if transport == "tls" else bridge.address
    async with Endpoint(address, transport, secure=secure) as endpoint:
        await endpoint.transport.connect()
        placed = Recorder(endpoint, call_id)
        try:
            yield placed
        finally:
            placed.close()


async def raw(bridge: RunningBridge, message: bytes) -> bytes:
    """What comes back for bytes sent over a TCP connection of their own, until a final response or silence."""
    reader, writer = await asyncio.open_connection(*bridge.address)
    writer.write(message)
    found = b""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(2):
            while chunk := await reader.read(65_536):
                found += chunk
                if re.search(rb"^SIP/2.0 [2-6]", found, re.MULTILINE):
                    break
    writer.close()
    return found


def multipart(*parts: tuple[str, bytes]) -> bytes:
    """A body of parts, each a content type and its content, with the boundary `b`."""
    return (
        b"".join(b"--b\r\nContent-Type: %s\r\n\r\n%s\r\n" % (kind.encode(), part) for kind, part in parts)
        + b"--b--\r\n"
    )


def until(found: Callable[[], T | None], lines: list[str]) -> T:
    """What `found` gives, once that is something."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not (result := found()):
        assert time.monotonic() < deadline, "waited in vain; the bridge said:\n" + "".join(lines)
        time.sleep(0.05)
    return result


def told(running: RunningBridge, status: int, reason: str) -> bool:
    """Whether both probes say this."""
    return all(running.get(path) == (status, f"{reason}\n") for path in ("/healthz", "/readyz"))


def opened(events: Sequence[ForkEvent]) -> list[CallOpened]:
    """Those of the events that open a call or tell its legs anew."""
    return [event for event in events if isinstance(event, CallOpened)]


def utterances(events: Sequence[ForkEvent]) -> list[Utterance]:
    """The utterances among the events."""
    return [event for event in events if isinstance(event, Utterance)]
