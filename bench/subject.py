"""Processes to measure, all on the first core: pjsua2 alone, a bridge, several bridges behind one address."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.ports import held_port

ROOT = Path(__file__).parent.parent
START_SECONDS = 30.0
STOP_SECONDS = 30.0
MAX_CALLS = 1_000
FIRST_CORE = min(os.sched_getaffinity(0))
"""Taken when this process starts, whatever cores it keeps for itself later."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Resources used and events counted so far."""

    at: float
    """Monotonic seconds."""
    cpu_seconds: float
    memory_bytes: int
    """Resident."""
    counters: dict[str, float] = field(default_factory=dict)
    """The unlabelled counters of /metrics."""


class Process:
    """One process on the first core."""

    def __init__(self, command: list[str], sip_port: int, metrics_port: int = 0, **environment: str) -> None:
        self.sip_port = sip_port
        self._metrics_port = metrics_port
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=subprocess.DEVNULL,
            preexec_fn=lambda: os.sched_setaffinity(0, {FIRST_CORE}),
        )

    def until_ready(self) -> None:
        """Wait until its SIP port accepts connections."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.sip_port), 1):
                return
            time.sleep(0.1)
        raise SystemExit("the measured process did not start")

    def read(self) -> Reading:
        """Its resource use, and its counters if it has any."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        memory = int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
        return Reading(time.monotonic(), cpu, memory, self._counters())

    def threads(self) -> dict[int, float]:
        """CPU seconds of each thread, by id."""
        found = {}
        for task in Path(f"/proc/{self._process.pid}/task").iterdir():
            with contextlib.suppress(OSError):  # the thread has ended meanwhile
                found[int(task.name)] = int((task / "schedstat").read_text().split()[0]) / 1e9
        return found

    def metrics(self) -> str:
        """Its metrics in exported form."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._metrics_port}/metrics", timeout=10) as page:
            return str(page.read().decode())

    def stop(self) -> None:
        """Stop it properly."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _counters(self) -> dict[str, float]:
        if not self._metrics_port:
            return {}
        found = re.findall(r"^(callvane_\w+) ([-+.e\d]+)$", self.metrics(), re.M)
        return {name: float(value) for name, value in found}


@dataclass(frozen=True, slots=True)
class Subject:
    """What is called at one address, read as one process."""

    sip_port: int
    processes: Sequence[Process]

    def read(self) -> Reading:
        """The sum over its processes."""
        readings = [process.read() for process in self.processes]
        counters: dict[str, float] = {}
        for name in (name for each in readings for name in each.counters):
            counters[name] = sum(each.counters.get(name, 0.0) for each in readings)
        return Reading(
            readings[-1].at,
            sum(each.cpu_seconds for each in readings),
            sum(each.memory_bytes for each in readings),
            counters,
        )


@contextlib.contextmanager
def bare() -> Iterator[Subject]:
    """pjsua2 alone."""
    with held_port() as sip:
        bare = Process([sys.executable, "-m", "bench.bare_pjsua2", str(sip)], sip)
        with _running([bare]) as processes:
            yield Subject(sip, processes)


@contextlib.contextmanager
def bridge(**settings: str) -> Iterator[Subject]:
    """A bridge with its own Redis. `settings`: further [bridge] settings, names in upper case."""
    with (
        contextlib.ExitStack() as ports,
        _folder() as folder,
        _redis(folder) as redis,
        _running([_bridge(ports, redis, **settings)]) as processes,
    ):
        yield Subject(processes[0].sip_port, processes)


@contextlib.contextmanager
def bridges(count: int) -> Iterator[Subject]:
    """Bridges behind Kamailio as configured in `deploy/kamailio`; it carries SIP, RTP goes to the bridges directly."""
    from tests.interop.balancer import balancer

    with (
        contextlib.ExitStack() as ports,
        _folder() as folder,
        _redis(folder) as redis,
        _running([_bridge(ports, redis) for _ in range(count)]) as processes,
        balancer(folder, *(("127.0.0.1", each.sip_port) for each in processes)) as through,
    ):
        yield Subject(through.address[1], processes)


def why_no_bridges() -> str:
    """Why several bridges cannot be measured here; empty if they can."""
    return "" if shutil.which("kamailio") else "kamailio is not installed (apt-get install kamailio)"


def _bridge(ports: contextlib.ExitStack, redis_url: str, **settings: str) -> Process:
    sip, metrics = (ports.enter_context(held_port()) for _ in range(2))
    environment = {
        "CALLVANE_REDIS__URL": redis_url,
        "CALLVANE_BRIDGE__HOST": "127.0.0.1",
        "CALLVANE_BRIDGE__PORT": str(sip),
        "CALLVANE_BRIDGE__MAX_CALLS": str(MAX_CALLS),
        "CALLVANE_BRIDGE__NEW_FORKS_PER_SECOND": "0",
        "CALLVANE_METRICS__PORT": str(metrics),
        "CALLVANE_LOG__LEVEL": "error",
        **{f"CALLVANE_BRIDGE__{name}": value for name, value in settings.items()},
    }
    return Process([sys.executable, "-m", "sip_bridge"], sip, metrics, **environment)


@contextlib.contextmanager
def _running(processes: list[Process]) -> Iterator[list[Process]]:
    try:
        for process in processes:
            process.until_ready()
        yield processes
    finally:
        for process in processes:
            process.stop()


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="callvane-bench-") as name:
        yield Path(name)


@contextlib.contextmanager
def _redis(folder: Path) -> Iterator[str]:
    """A Redis without persistence; yields its URL."""
    redis = subprocess.Popen(
        ["redis-server", "--port", "0", "--unixsocket", f"{folder}/redis.sock", "--save", "", "--appendonly", "no"],
        stdout=subprocess.DEVNULL,
    )
    try:
        yield f"unix://{folder}/redis.sock"
    finally:
        redis.terminate()
        redis.wait()
