"""`make bench-worker`: how many calls an analysis worker holds beside its model, and what it does at twice as many.

The worker is the real process with the shipped scorer and a real Redis. Only the model's time is a stand-in: it sleeps
as long as the rows say, so that the table tells what everything else costs. At twice the load that a slower stand-in
holds, agents' words are left out and customers' come in time.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.stand_in import VARIABLE, ModelTime
from bench.table import Row, row, show
from bench.talk import UTTERANCES_A_SECOND, Heard, Talk
from callbus import Role
from callbus.redis.bus import Bus
from callbus.redis.settings import RedisSettings

ROOT = Path(__file__).parent.parent
START_SECONDS = 60.0
SETTLE_SECONDS = 15.0
"""Longer than a worker waits before it leaves anything out."""
FAST = ModelTime(0.004, 0.0015)
"""As base on an H200."""
SLOW = ModelTime(0.04, 0.03)
"""Slow enough that at twice its load nothing else on two cores is short."""
FAST_BATCH, SLOW_BATCH = 16, 8
HELD_SHARE = 0.75
"""Of what a stand-in reads in full batches. With more, agents' p95 is above 1.5 s: calls do not speak evenly."""
NAMED = re.compile(r"metrics and health on http://127\.0\.0\.1:(\d+)$")


STAGES = {
    "arrival": "callvane_arrival_seconds",
    "features": "callvane_features_seconds",
    "waiting for the model": "callvane_queue_seconds",
    "decision": "callvane_decision_seconds",
    "commit": "callvane_publish_seconds",
}


@dataclass(frozen=True, slots=True)
class Reading:
    """What the worker has used and counted so far."""

    at: float
    """Monotonic seconds."""
    loop: float
    """CPU seconds of its event loop."""
    others: float
    """Those of its other threads: features, scorer, log, health."""
    counters: dict[str, float]
    """Those without labels."""


class Worker:
    """The measured process."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self._process = process
        self._port = port

    def _cpu(self) -> tuple[float, float]:
        loop = others = 0.0
        for task in Path(f"/proc/{self._process.pid}/task").iterdir():
            with contextlib.suppress(OSError):  # the thread has ended meanwhile
                seconds = int((task / "schedstat").read_text().split()[0]) / 1e9
                if int(task.name) == self._process.pid:
                    loop += seconds
                else:
                    others += seconds
        return loop, others

    def read(self) -> Reading:
        """All of it."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/metrics", timeout=10) as page:
            found = re.findall(r"^(callvane_\w+) ([-+.e\d]+)$", page.read().decode(), re.MULTILINE)
        return Reading(time.monotonic(), *self._cpu(), {name: float(value) for name, value in found})


def main() -> None:
    """Measure and print the table."""
    about = (__doc__ or "").partition("\n\n")[0]
    parser = argparse.ArgumentParser(prog="make bench-worker", description=about)
    parser.add_argument("--calls", default="250,500,1000", help="sizes, comma-separated (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=12.0, help="measured at each size (default: %(default)s)")
    parser.add_argument("--overload", type=float, default=2.0, help="times what is held; 0: none (default: 2)")
    parser.add_argument("--profile", help="write what the event loop did, for pstats, to this file")
    options = parser.parse_args()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="callvane-bench-") as folder, _redis(folder) as url:
        sizes = [int(size) for size in options.calls.split(",") if size]
        rows += _measured(url, FAST, FAST_BATCH, sizes, options.seconds, options.profile)
        held = round(HELD_SHARE * SLOW.utterances_a_second(SLOW_BATCH) / UTTERANCES_A_SECOND)
        if options.overload:
            sizes = [held, round(options.overload * held)]
            rows += _measured(url, SLOW, SLOW_BATCH, sizes, options.seconds, None)
    show(rows)


def _measured(
    url: str, model: ModelTime, batch_size: int, sizes: list[int], seconds: float, profile: str | None
) -> list[Row]:
    rows: list[Row] = []
    if not sizes:
        return rows
    with _worker(url, model, batch_size, profile) as worker:
        for calls in sizes:
            print(f"{calls} calls", file=sys.stderr, flush=True)
            rows += asyncio.run(_size(url, worker, calls, seconds, model))
    return rows


async def _size(url: str, worker: Worker, calls: int, seconds: float, model: ModelTime) -> list[Row]:
    async with Bus(RedisSettings(url=url)) as bus:
        talk = asyncio.create_task(Talk(bus).play(calls, SETTLE_SECONDS, seconds))
        await asyncio.sleep(SETTLE_SECONDS)
        before = worker.read()
        await asyncio.sleep(seconds)
        after = worker.read()
        heard = await talk
    times = f"{1_000 * model.batch_seconds:g} ms a batch and {1_000 * model.row_seconds:g} ms a row"
    return _rows(
        heard, before, after, f"{calls} two-leg calls, {os.cpu_count()} cores, stand-in for the model's time: {times}"
    )


def _rows(heard: Heard, before: Reading, after: Reading, conditions: str) -> list[Row]:
    def grown(name: str) -> float:
        return after.counters.get(name, 0.0) - before.counters.get(name, 0.0)

    took = after.at - before.at
    loop, others = (after.loop - before.loop) / took, (after.others - before.others) / took
    stages = [
        row(f"{stage}, mean", grown(f"{name}_sum") / max(1.0, grown(f"{name}_count")), "s", conditions)
        for stage, name in STAGES.items()
    ]
    rate = heard.sent / heard.seconds
    late = sorted(heard.late)[int(0.99 * (len(heard.late) - 1))] if heard.late else 0.0
    customers, agents = Role.CUSTOMER, Role.AGENT
    return [
        row("utterances", rate, "a second", conditions),
        row("customers' turns scored", grown("callvane_turns_scored_total") / took, "a second", conditions),
        row("end of speech to transcript, customers, p50", heard.quantile(customers, 0.5), "s", conditions),
        row(
            "end of speech to transcript, customers, p95", heard.quantile(customers, 0.95), "s", conditions, at_most=1.5
        ),
        row("end of speech to transcript, agents, p50", heard.quantile(agents, 0.5), "s", conditions),
        row("end of speech to transcript, agents, p95", heard.quantile(agents, 0.95), "s", conditions),
        *stages,
        row("model busy", 100 * grown("callvane_model_busy_seconds_total") / took, "%", conditions),
        row("customers' words left out", heard.left_out_percent(customers), "%", conditions, at_most=0),
        row("agents' words left out", heard.left_out_percent(agents), "%", conditions),
        row("utterances without a transcript", heard.unanswered, "utterances", conditions, at_most=0),
        row("event loop CPU", 100 * loop, "% of a core", conditions, at_most=100),
        row("event loop CPU an utterance", 1_000 * loop / rate, "ms", conditions),
        row("other threads CPU", 100 * others, "% of a core", conditions),
        row("senders' own lateness p99", late, "s", conditions),
    ]


@contextlib.contextmanager
def _redis(folder: str) -> Iterator[str]:
    socket = f"{folder}/redis.sock"
    command = ["redis-server", "--port", "0", "--unixsocket", socket, "--save", "", "--dir", folder]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not Path(socket).exists():
            if time.monotonic() > deadline or process.poll() is not None:
                raise SystemExit("redis-server did not start")
            time.sleep(0.02)
        yield f"unix://{socket}"
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def _worker(url: str, model: ModelTime, batch_size: int, profile: str | None) -> Iterator[Worker]:
    profiled = ["-m", "cProfile", "-o", str(Path(profile).absolute())] if profile else []
    process = subprocess.Popen(
        [sys.executable, *profiled, "-m", "bench.stand_in"],
        cwd=ROOT,
        env={
            **os.environ,
            VARIABLE: msgspec.json.encode(model).decode(),
            "OPENBLAS_NUM_THREADS": "1",  # as analysis itself sets it, before numpy is imported
            "CALLVANE_REDIS__URL": url,
            "CALLVANE_METRICS__PORT": "0",
            "CALLVANE_ANALYSIS__BATCH_SIZE": str(batch_size),
        },
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield Worker(process, _port(process))
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=START_SECONDS)


def _port(process: subprocess.Popen[str]) -> int:
    """Of its metrics, once it is ready."""
    port = next((int(named[1]) for line in process.stderr or () if (named := NAMED.search(line.rstrip()))), 0)
    deadline = time.monotonic() + START_SECONDS
    while port and time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2):
            return port
        time.sleep(0.1)
    process.kill()
    raise SystemExit("the worker did not start")


if __name__ == "__main__":
    main()
