"""The bridge as a process: its start, its end, and Redis coming and going."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from callbus import CallClosed, CallOpened
from callbus.redis.bus import Bus
from callbus.redis.settings import RedisSettings
from testcall.endpoint import TRANSACTION_SECONDS
from tests.conftest import PrivateRedis
from tests.sip_bridge.running import ROOT, WAIT_SECONDS, bridge, program, recorder, told, until


async def test_a_stop_closes_the_calls_and_says_so(redis_url: str) -> None:
    """SIGTERM: BYE to the PBX, `shutdown` to analysis, exit status 0, and nobody takes the bridge for dead."""
    with bridge(redis_url) as stopping:
        async with recorder(stopping, "stopped-1") as one, recorder(stopping, "stopped-2", "udp") as other:
            await one.invite(one.offer("1", "2"))
            await other.invite(other.offer(""))
            stopping.process.terminate()
            await asyncio.to_thread(stopping.process.wait, WAIT_SECONDS)
            assert [request.method for request in (*one.received, *other.received)] == ["BYE", "BYE"]
        assert stopping.process.returncode == 0
        for call_id in ("stopped-1", "stopped-2"):
            last = stopping.events(call_id)[-1]
            assert isinstance(last, CallClosed)
            assert last.reason == "shutdown"
        async with Bus(RedisSettings(url=redis_url)) as bus:
            assert await bus.client.exists(bus.keys.bridges) == 0


async def test_a_peer_that_does_not_answer_cannot_hold_up_the_stop(redis_url: str) -> None:
    """Without an answer to its BYE, the bridge stops all the same, before SIP itself gives up, and closes the call."""
    with bridge(redis_url, shutdown_seconds=0.5) as stopping:
        async with recorder(stopping, "silent", "udp") as placed:
            await placed.invite(placed.offer(""))
            await placed.endpoint.transport.close()
            began = time.monotonic()
            assert stopping.stop() == 0
            assert time.monotonic() - began < TRANSACTION_SECONDS
        assert isinstance(stopping.events("silent")[-1], CallClosed)


async def test_ports_that_others_hold_are_passed_over(redis_url: str) -> None:
    """A fork is answered though more than a hundred pairs of RTP ports side by side are taken."""
    with contextlib.ExitStack() as held, bridge(redis_url, rtp_port_min=24_000, rtp_port_max=32_766) as crowded:
        for port in range(24_000, 24_400, 2):
            taken = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            with contextlib.suppress(OSError):  # another process has it: just as well
                taken.bind(("127.0.0.1", port))
        async with recorder(crowded, "crowded") as caller:
            assert (await caller.invite(caller.offer(""))).status == 200
            assert (await caller.ask("BYE")).status == 200


STANDING = """
import signal, sys
from threading import Event
from service.process import main
from sip_bridge import bridge
from sip_bridge.settings import SipBridgeSettings

class Held(bridge.Endpoint):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        turning = Event()
        signal.signal(signal.SIGUSR1, lambda *_: self.later(turning.wait))
        signal.signal(signal.SIGUSR2, lambda *_: turning.set())

bridge.Endpoint, bridge.STALL_SECONDS = Held, 1.0
sys.exit(main("sip_bridge", "", SipBridgeSettings, bridge.run, 0, []))
"""
"""A bridge whose sip thread stands still from SIGUSR1 to SIGUSR2."""


def test_a_sip_thread_that_stands_still_is_told(redis_url: str) -> None:
    """Both /healthz and /readyz say 503 and why, until it turns again; the end is in order."""
    with program(("-c", STANDING), redis_url) as standing:
        until(lambda: told(standing, 200, "ok"), standing.lines)
        standing.process.send_signal(signal.SIGUSR1)
        until(lambda: told(standing, 503, "the sip thread is stuck"), standing.lines)
        standing.process.send_signal(signal.SIGUSR2)
        until(lambda: told(standing, 200, "ok"), standing.lines)
        assert standing.stop() == 0


async def test_without_redis_calls_are_taken_and_kept(private_redis: PrivateRedis) -> None:
    """Redis absent at start: not ready, one line in the log, calls answered; all is written once it is there."""
    private_redis.stop()
    with bridge(private_redis.url) as waiting:
        until(lambda: waiting.get("/readyz")[1] == "redis does not answer at redis.url\n", waiting.lines)
        assert waiting.get("/readyz")[0] == 503
        assert waiting.get("/healthz")[0] == 200
        async with recorder(waiting, "without-redis") as placed:
            assert (await placed.invite(placed.offer(""))).status == 200
            await placed.ask("BYE")
        private_redis.start()
        first, last = waiting.closed("without-redis")
        assert (type(first), type(last)) == (CallOpened, CallClosed)
        until(lambda: waiting.get("/readyz")[0] == 200, waiting.lines)
        assert len([line for line in waiting.lines if "redis does not answer" in line]) == 1


def run(tmp_path: Path, config: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m sip_bridge` with a configuration file, until it ends by itself."""
    file = tmp_path / "callvane.toml"
    file.write_text(f"[metrics]\nport = 0\n{config}")
    command = [sys.executable, "-m", "sip_bridge", "--config", str(file), *arguments]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CALLVANE_")}
    return subprocess.run(command, capture_output=True, text=True, timeout=90, cwd=ROOT, env=environment, check=False)


@pytest.mark.parametrize(
    ("section", "complaint"),
    [
        pytest.param("max_callz = 3", "bridge.max_callz: unknown key", id="unknown key"),
        pytest.param("max_calls = 0", "bridge.max_calls:", id="out of range"),
        pytest.param('agent_uri_patterns = ["("]', "'(' is not a regular expression", id="bad pattern"),
        pytest.param('transports = ["carrier pigeon"]', "bridge.transports.0:", id="unknown transport"),
        pytest.param(
            "rtp_port_min = 20000\nrtp_port_max = 20100", "must hold 4 ports for each of max_calls", id="ports"
        ),
        *[
            pytest.param(
                f'host = "{host}"\nport = 0\nallowed_peers = ["any"]', f"bridge.host: '{host}' {fault}", id=host
            )
            for host, fault in (
                (
                    "192.0.2.1",
                    "cannot be listened on: Cannot assign requested address; use an IP address of this machine",
                ),
                ("2001:db8::9", "cannot be listened on: Cannot assign requested address; use an IP address of this"),
                (
                    "[::1]",
                    "is not an IP address; use an IP address of this machine without brackets or port, or 0.0.0.0",
                ),
                ("not an address", "is not an IP address; use"),
                ("localhost", "is not an IP address; use"),
                ("", "is not an IP address; use"),
            )
        ],
        *[
            pytest.param(
                f'host = "{host}"\nport = 0\nallowed_peers = ["any"]\npublic_address = "{public}"',
                f"bridge.public_address: '{public}' is no IPv{version} address",
                id=f"public {public}",
            )
            for host, public, version in (
                ("127.0.0.1", "not an address", 4),
                ("127.0.0.1", "192.0.2.1:5060", 4),
                ("127.0.0.1", "2001:db8::1", 4),
                ("127.0.0.1", "localhost", 4),
                ("::1", "192.0.2.1", 6),
                ("::", "192.0.2.1", 6),
            )
        ],
        pytest.param("", "bridge: allowed_peers is empty, and other machines can reach host 0.0.0.0", id="open"),
        pytest.param('allowed_peers = ["all"]', "'all' is not an address, a network or \"any\"", id="no such peer"),
    ],
)
def test_bad_settings_end_it_with_one_line(tmp_path: Path, section: str, complaint: str) -> None:
    """Exit status 2, and a line on standard error that names the setting."""
    ended = run(tmp_path, f"[bridge]\n{section}\n")
    assert ended.returncode == 2
    assert complaint in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_a_taken_port_is_named(tmp_path: Path, kind: int) -> None:
    """A port that another program listens on ends it with status 2 and a line that says so."""
    with socket.socket(socket.AF_INET, kind) as other:
        other.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            other.listen()
        port = other.getsockname()[1]
        ended = run(tmp_path, f'[bridge]\nhost = "127.0.0.1"\nport = {port}\n')
    assert ended.returncode == 2
    assert re.search(rf"bridge\.port: (udp|tcp) 127\.0\.0\.1:{port} is taken", ended.stderr.splitlines()[-1])


def test_too_few_open_files_are_named() -> None:
    """A limit of open files below what max_calls needs ends it with status 2, before a call is lost to it."""
    command = ["bash", "-c", f"ulimit -n 900 && exec {sys.executable} -m sip_bridge"]
    environment = {**os.environ, "CALLVANE_METRICS__PORT": "0", "CALLVANE_BRIDGE__ALLOWED_PEERS": '["192.0.2.1"]'}
    ended = subprocess.run(command, capture_output=True, text=True, timeout=90, cwd=ROOT, env=environment, check=False)
    assert ended.returncode == 2
    assert "bridge.max_calls: needs 2256 open files, only 900 are allowed" in ended.stderr.splitlines()[-1]


def test_help_says_what_it_does(tmp_path: Path) -> None:
    """--help names the option and the purpose."""
    ended = run(tmp_path, "", "--help")
    assert ended.returncode == 0
    assert "--config FILE" in ended.stdout
