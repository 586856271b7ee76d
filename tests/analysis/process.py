"""A real analysis process, and the utterances of a scenario's audio to feed it with."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from callbus import CallClosed, CallOpened, Leg, Role, Utterance
from callbus.messages.wire import ForkEvent
from callbus.redis.bus import Bus
from callbus.redis.fork_writer import ForkWriter
from testcall import scenario, ulaw, wav

ROOT = Path(__file__).parents[2]
RATE_HZ = 8_000
LEASE_SECONDS = 1.0
"""Of the workers on a test's bus: another takes over soon."""
MARGIN_SECONDS = 0.2
HEALTH = re.compile(r"metrics and health on http://127\.0\.0\.1:(\d+)$")
LEGS = (Leg("1", Role.AGENT, "Anna"), Leg("2", Role.CUSTOMER))


def utterances(name: str, call_id: str, ended_at: float) -> list[Utterance]:
    """A scenario's turns, one utterance each, cut out of its audio; the last one ended at `ended_at`."""
    spoken = scenario.load_manifest().scenarios[name].turns
    audio = {party: ulaw.decode(wav.read(scenario.load(name).audio_path(party))) for party in scenario.PARTIES}
    opened_at = ended_at - spoken[-1].end_seconds
    cut = []
    for sequence, turn in enumerate(spoken):
        start, end = turn.start_seconds - MARGIN_SECONDS, turn.end_seconds + MARGIN_SECONDS
        samples = audio[turn.party][int(start * RATE_HZ) : int(end * RATE_HZ)]
        role = Role(turn.party)
        leg = "1" if role is Role.AGENT else "2"
        pcm = samples.astype("<i2").tobytes()
        cut.append(
            Utterance(call_id, leg, role, sequence, start, turn.end_seconds, opened_at + turn.end_seconds, RATE_HZ, pcm)
        )
    return cut


def whole_call(name: str, call_id: str) -> list[ForkEvent]:
    """A scenario as a bridge would tell it, all at once."""
    now = time.time()
    said = utterances(name, call_id, now)
    opened = CallOpened(call_id, "bridge", said[0].ended_at - said[0].end_seconds, LEGS)
    return [opened, *said, CallClosed(call_id, now, said[-1].end_seconds, "bye")]


def of(bus: Bus, **section: str) -> dict[str, str]:
    """Settings of a worker on that bus."""
    own = {f"analysis__{name}": value for name, value in section.items()}
    return {"redis__url": bus.settings.url, "redis__lease_seconds": str(LEASE_SECONDS), **own}


async def publish(bus: Bus, events: Sequence[ForkEvent], bridge: str = "bridge") -> None:
    """Write events as the running bridge of that name does, and wait until Redis has them."""
    writer = ForkWriter(bus, bridge)
    writing = asyncio.create_task(writer.run())
    for event in events:
        writer.publish(event)
    assert await writer.flush(10)
    writing.cancel()
    await asyncio.wait([writing])


class Analysis:
    """A process `python -m analysis`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._port = 0
        """Of its health endpoint, once it has named it."""
        self.lines: list[str] = []
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, *program: str, **settings: str) -> Analysis:
        """With settings by environment: `redis__url=…`. `program`: Python's arguments for another one."""
        own = {"metrics__port": "0", "analysis__device": "cpu", "analysis__cpu_threads": "1", **settings}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *(program or ("-m", "analysis")),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, **{f"CALLVANE_{name.upper()}": value for name, value in own.items()}},
        )
        return cls(process)

    async def until_ready(self, seconds: float = 120) -> None:
        """Wait until /readyz says 200."""
        async with asyncio.timeout(seconds):
            while (reason := await self.unready()) is None or reason:
                assert self._process.returncode is None, self.lines
                await asyncio.sleep(0.05)

    @property
    def pid(self) -> int:
        """Of the process; it stands in the worker's name."""
        return self._process.pid

    async def unready(self) -> str | None:
        """What /readyz says: empty when ready, none when nobody answers."""
        return await self.complaint("/readyz")

    async def complaint(self, path: str) -> str | None:
        """What a page says that is not well: empty when it is, none when nobody answers."""

        def ask() -> str | None:
            if not self._port:
                return None
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self._port}{path}", timeout=2):
                    return ""
            except urllib.error.HTTPError as error:
                with error:
                    return error.read().decode().strip()
            except OSError:
                return None

        return await asyncio.to_thread(ask)

    async def metric(self, name: str) -> float:
        """The value of a metric, given with its labels as it stands on /metrics; 0 when it is not there."""

        def ask() -> str:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/metrics", timeout=5) as page:
                text: str = page.read().decode()
            return text

        found = re.search(rf"^{re.escape(name)} (\S+)$", await asyncio.to_thread(ask), re.MULTILINE)
        return float(found.group(1)) if found else 0.0

    def signal(self, number: signal.Signals) -> None:
        """Send it."""
        self._process.send_signal(number)

    async def ended(self, seconds: float = 60) -> int:
        """Its exit status, once it ends."""
        status = await asyncio.wait_for(self._process.wait(), seconds)
        await self._reading
        return status

    async def stop(self) -> None:
        """Kill it, if it still runs."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self.ended()

    async def _read(self) -> None:
        assert self._process.stderr
        async for line in self._process.stderr:
            self.lines.append(line.decode().rstrip())
            if not self._port and (named := HEALTH.search(self.lines[-1])):
                self._port = int(named[1])


@asynccontextmanager
async def analysis(*program: str, **settings: str) -> AsyncIterator[Analysis]:
    """A process that is ready inside, and gone afterwards. Parameters as `Analysis.start`."""
    process = await Analysis.start(*program, **settings)
    try:
        await process.until_ready()
        yield process
    finally:
        await process.stop()
