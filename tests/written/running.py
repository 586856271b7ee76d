"""The process that takes written messages, as an operator runs it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

ROOT = Path(__file__).parents[2]
START_SECONDS = 60
STOP_SECONDS = 30
TOKEN = "correct-horse-battery-staple"  # noqa: S105 # of a test
HEALTH = re.compile(rb"metrics and health on http://127\.0\.0\.1:(\d+)$", re.MULTILINE)
DOOR = re.compile(rb"written: http://127\.0\.0\.1:(\d+)$", re.MULTILINE)
HELLO = {"conversation": "c1", "channel": "chat", "party": "customer", "text": "hello", "message_id": "m1"}


class RunningWritten:
    """`python -m written` on ports that it chooses. Its settings are given as environment variables' endings."""

    def __init__(self, redis_url: str, **settings: Any) -> None:
        self.port = self.health_port = 0
        self.log = ""
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("CALLVANE_")},
            "CALLVANE_REDIS__URL": redis_url,
            "CALLVANE_METRICS__PORT": "0",
            "CALLVANE_WRITTEN__PORT": "0",
            "CALLVANE_WRITTEN__TOKENS": f'["another-token-of-somebody", "{TOKEN}"]',
            **{f"CALLVANE_WRITTEN__{name.upper()}": str(value) for name, value in settings.items()},
        }
        self.process: Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._listening = asyncio.Event()

    @property
    def url(self) -> str:
        """Where it takes messages."""
        return f"http://127.0.0.1:{self.port}"

    def client(self, token: str = TOKEN) -> httpx.AsyncClient:
        """A client that has a token."""
        return httpx.AsyncClient(base_url=self.url, headers={"Authorization": f"Bearer {token}"}, timeout=60)

    async def start(self) -> None:
        """Start, and wait until it listens."""
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "written", cwd=ROOT, env=self._environment, stderr=PIPE
        )
        self._reading = asyncio.create_task(self._read(self.process))
        async with asyncio.timeout(START_SECONDS):
            await self._listening.wait()
        assert self.port, self.log

    async def health(self, path: str) -> httpx.Response:
        """What the health thread says."""
        async with httpx.AsyncClient() as client:
            return await client.get(f"http://127.0.0.1:{self.health_port}{path}")

    async def ready(self, status: int = 200) -> None:
        """Wait until /readyz says so."""
        async with asyncio.timeout(START_SECONDS):
            while (await self.health("/readyz")).status_code != status:
                await asyncio.sleep(0.05)

    async def metric(self, name: str) -> float:
        """The value of one sample of /metrics, named with its labels."""
        page = (await self.health("/metrics")).text
        return next((float(line.rsplit(" ", 1)[1]) for line in page.splitlines() if line.startswith(f"{name} ")), 0.0)

    async def stop(self) -> int:
        """SIGTERM; the exit status."""
        assert self.process is not None
        assert self._reading is not None
        if self.process.returncode is None and not self._reading.done():  # else it is ending by itself
            # Not terminate(): it may reap a process that is just ending, and its status would be lost.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGTERM)
        async with asyncio.timeout(STOP_SECONDS):
            status = await self.process.wait()
            await self._reading
        return status

    async def _read(self, process: Process) -> None:
        assert process.stderr is not None
        async for line in process.stderr:
            self.log += line.decode()
            if named := HEALTH.search(line):
                self.health_port = int(named[1])
            if named := DOOR.search(line):
                self.port = int(named[1])
                self._listening.set()
        self._listening.set()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process is not None and self.process.returncode is None:
            await self.stop()
