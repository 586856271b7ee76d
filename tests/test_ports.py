"""The ports that tests hold for programs."""

from __future__ import annotations

import random
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from sip_bridge.settings import BridgeSettings
from tests import ports
from tests.ports import RANGE, held_port

HOLDING = """
from tests import ports
ports.RANGE = range({}, {})
with ports.held_port() as port:
    print(port, flush=True)
    input()
"""


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> range:
    """Three ports, which are all that there is, and no other test's."""
    start = random.randrange(RANGE.stop, BridgeSettings().rtp_port_min - 3)
    monkeypatch.setattr(ports, "RANGE", range(start, start + 3))
    return ports.RANGE


def test_nobody_takes_one_by_chance() -> None:
    """The kernel's own choice and a bridge's RTP lie above."""
    lowest, _ = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    assert RANGE.stop <= lowest
    assert RANGE.stop <= BridgeSettings().rtp_port_min


def test_a_port_is_held_once(few: range) -> None:
    """As long as a test has it, no other test gets it; when all are held there is none; afterwards all are there."""
    with ExitStack() as held:
        assert {held.enter_context(held_port()) for _ in few} == set(few)
        with pytest.raises(OSError, match="is free"), held_port():
            pass
    with held_port() as port:
        assert port in few


def test_a_port_is_held_against_other_processes(few: range) -> None:
    """Until they end, however they end."""
    program = [sys.executable, "-c", HOLDING.format(few.start, few.stop)]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        theirs = int(other.stdout.readline())
        with ExitStack() as held:
            assert {held.enter_context(held_port()) for _ in range(2)} == set(few) - {theirs}
        other.kill()
        other.wait()
        with ExitStack() as held:
            assert {held.enter_context(held_port()) for _ in few} == set(few)


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_port_that_somebody_has_is_passed_over(few: range, kind: socket.SocketKind) -> None:
    """On whichever address of the machine."""
    with socket.socket(socket.AF_INET, kind) as stranger, ExitStack() as held:
        stranger.bind(("127.0.0.2", few[1]))
        assert {held.enter_context(held_port()) for _ in range(2)} == {few[0], few[2]}
