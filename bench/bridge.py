"""`make bench-bridge`: how many forked calls one bridge process holds on one core, and what they cost.

The bridge runs on one core; Redis and the callers (testcall in a process of its own, SIP and RTP at 50 packets a
second and stream, open loop) share the others. Each size is placed, left to settle, and measured for a while. The same
calls are then held by pjsua2 alone, with no Python touching their audio: the ratio is what the bridge adds.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.table import Row, row, show
from testcall import scenario
from testcall.campaign import Campaign, Tally, allow_many_sockets
from testcall.metadata import load_dialect
from testcall.target import parse_target

ROOT = Path(__file__).parent.parent
SETTLE_SECONDS = 3.0
CALLS_PER_SECOND = 50.0


@dataclass(frozen=True, slots=True)
class Reading:
    """What a process has used and counted up to a moment."""

    at: float
    cpu_seconds: float
    memory_bytes: int
    counters: dict[str, float]


class Subject:
    """A process under measurement, on the first core."""

    def __init__(self, command: list[str], sip_port: int, metrics_port: int, environment: dict[str, str]) -> None:
        self.sip_port = sip_port
        self._metrics_port = metrics_port
        cores = sorted(os.sched_getaffinity(0))
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=subprocess.DEVNULL,
            preexec_fn=lambda: os.sched_setaffinity(0, cores[:1]),
        )

    def until_ready(self) -> None:
        """Wait until its SIP port takes connections."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.sip_port), 1):
                return
            time.sleep(0.1)
        raise SystemExit("the process under measurement did not start")

    def read(self) -> Reading:
        """Its use of the machine, and its counters if it has any."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        memory = int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
        return Reading(time.monotonic(), cpu, memory, self._counters())

    def stop(self) -> None:
        """End it in order."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _counters(self) -> dict[str, float]:
        if not self._metrics_port:
            return {}
        with urllib.request.urlopen(f"http://127.0.0.1:{self._metrics_port}/metrics", timeout=10) as page:
            text = page.read().decode()
        return {name: float(value) for name, value in re.findall(r"^(callvane_\w+) ([-+.e\d]+)$", text, re.M)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="make bench-bridge", description=__doc__.partition("\n\n")[0] if __doc__ else ""
    )
    parser.add_argument("--calls", default="50,100,200,400,500", help="sizes, comma-separated (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=15.0, help="measured at each size (default: %(default)s)")
    options = parser.parse_args()
    if len(os.sched_getaffinity(0)) < 2:
        raise SystemExit("needs two cores: one for the bridge, one for its callers")
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[1:])
    allow_many_sockets()
    rows: list[Row] = []
    for calls in map(int, options.calls.split(",")):
        print(f"{calls} calls", file=sys.stderr, flush=True)
        with bare() as subject:
            floor = asyncio.run(hold(subject, calls, options.seconds))
        with bridge() as subject:
            held = asyncio.run(hold(subject, calls, options.seconds))
        rows += figures(calls, held, floor)
    show(rows)


@dataclass(frozen=True, slots=True)
class Held:
    """What holding so many calls took."""

    cpu_share: float
    """Of one core."""
    bytes_a_call: float
    lost: float
    """Frames that were sent and not heard within the measured time."""
    heard: float
    answered: int
    sender_late_seconds: float


async def hold(subject: Subject, calls: int, seconds: float) -> Held:
    """Place the calls, let them settle, measure, hang up."""
    subject.until_ready()
    empty = subject.read()
    tally = Tally()
    campaign = Campaign(
        [scenario.load(name) for name in scenario.names()],
        parse_target(f"sip:127.0.0.1:{subject.sip_port}"),
        load_dialect("rfc7865"),
        calls=calls,
        calls_per_second=CALLS_PER_SECOND,
        repeat=True,
    )
    placing = asyncio.create_task(campaign.run(lambda line: None, tally))
    await asyncio.sleep(calls / CALLS_PER_SECOND + SETTLE_SECONDS)
    before = await asyncio.to_thread(subject.read)
    await asyncio.sleep(seconds)
    after = await asyncio.to_thread(subject.read)
    placing.cancel()
    await asyncio.wait([placing])

    def grown(name: str) -> float:
        return after.counters.get(name, 0.0) - before.counters.get(name, 0.0)

    return Held(
        cpu_share=(after.cpu_seconds - before.cpu_seconds) / (after.at - before.at),
        bytes_a_call=(after.memory_bytes - empty.memory_bytes) / calls,
        lost=sum(grown(f"callvane_frames_{fate}_total") for fate in ("lost", "late", "dropped")),
        heard=grown("callvane_frames_received_total"),
        answered=round(after.counters.get("callvane_calls_active", calls)),
        sender_late_seconds=tally.lateness.quantile_seconds(0.99),
    )


def figures(calls: int, held: Held, floor: Held) -> list[Row]:
    """The rows of one size."""
    conditions = f"{calls} two-leg G.711 calls, one core"
    return [
        row("bridge calls held", held.answered, "calls", conditions, at_least=calls),
        row("bridge CPU", 100 * held.cpu_share, "% of a core", conditions, at_most=100),
        row("pjsua2 alone CPU", 100 * floor.cpu_share, "% of a core", conditions),
        row("bridge over pjsua2 alone", held.cpu_share / floor.cpu_share, "ratio", conditions, at_most=2.0),
        row("frames lost", held.lost, "frames", f"{conditions}, {held.heard:.0f} heard", at_most=0),
        row("bridge memory a call", held.bytes_a_call / 1e6, "MB", conditions, at_most=0.5),
        row("callers' own lateness p99", held.sender_late_seconds, "s", conditions),
    ]


@contextlib.contextmanager
def bridge() -> Iterator[Subject]:
    """The bridge with a Redis of its own."""
    sip, metrics = free_port(), free_port()
    with tempfile.TemporaryDirectory(prefix="callvane-bench-") as folder:
        redis = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", f"{folder}/redis.sock", "--save", "", "--appendonly", "no"],
            stdout=subprocess.DEVNULL,
        )
        environment = {
            "CALLVANE_REDIS__URL": f"unix://{folder}/redis.sock",
            "CALLVANE_BRIDGE__HOST": "127.0.0.1",
            "CALLVANE_BRIDGE__PORT": str(sip),
            "CALLVANE_BRIDGE__MAX_CALLS": "1000",
            "CALLVANE_METRICS__PORT": str(metrics),
            "CALLVANE_LOG__LEVEL": "error",
        }
        subject = Subject([sys.executable, "-m", "sip_bridge"], sip, metrics, environment)
        try:
            yield subject
        finally:
            subject.stop()
            redis.terminate()
            redis.wait()


@contextlib.contextmanager
def bare() -> Iterator[Subject]:
    """pjsua2 alone."""
    sip = free_port()
    subject = Subject([sys.executable, "-m", "bench.bare_pjsua2", str(sip)], sip, 0, {})
    try:
        yield subject
    finally:
        subject.stop()


def free_port() -> int:
    """A free TCP port on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
