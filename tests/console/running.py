"""A console as an operator runs it, and somebody who publishes as analysis does."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from callbus.messages.wire import Publication
from callbus.redis.bus import Bus
from callbus.redis.settings import RedisSettings
from tests.callbus import sample_messages as messages

ROOT = Path(__file__).parents[2]
START_SECONDS = 60
STOP_SECONDS = 30
"""A busy machine is no failure."""
HEALTH = re.compile(rb"metrics and health on http://127\.0\.0\.1:(\d+)$", re.MULTILINE)
PAGE = re.compile(rb"console: http://127\.0\.0\.1:(\d+)$", re.MULTILINE)


class Publisher:
    """Publishes by the one way there is: an analysis worker's commit."""

    def __init__(self, url: str) -> None:
        self.bus = Bus(RedisSettings(url=url, partitions=1))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.bus.__aexit__(None, None, None)

    async def publish(self, *publications: Publication) -> None:
        """Publish, in order."""
        await messages.publish(self.bus, *publications)


class RunningConsole:
    """`python -m console` on ports that it chooses. Its settings are given as environment variables' endings."""

    def __init__(self, redis_url: str, *program: str, **console: Any) -> None:
        """`program`: Python's arguments for another one."""
        self._program = program or ("-m", "console")
        self.port = self.health_port = 0
        """As the log names them."""
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("CALLVANE_")},
            "CALLVANE_REDIS__URL": redis_url,
            "CALLVANE_METRICS__PORT": "0",
            "CALLVANE_CONSOLE__PORT": "0",
            **{f"CALLVANE_CONSOLE__{name.upper()}": str(value) for name, value in console.items()},
        }
        self.process: Process | None = None
        self.log = ""
        self._reading: asyncio.Task[None] | None = None
        self._listening = asyncio.Event()

    @property
    def url(self) -> str:
        """The page's address."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start, and wait until it listens for the page's connections."""
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, *self._program, cwd=ROOT, env=self._environment, stderr=PIPE
        )
        self._reading = asyncio.create_task(self._read(self.process))
        async with asyncio.timeout(START_SECONDS):
            await self._listening.wait()
        assert self.port, self.log

    async def ready(self) -> None:
        """Wait until /readyz says that it follows Redis."""
        async with httpx.AsyncClient() as client:
            async with asyncio.timeout(START_SECONDS):
                while (await client.get(f"http://127.0.0.1:{self.health_port}/readyz")).status_code != 200:
                    await asyncio.sleep(0.05)

    async def metric(self, name: str) -> float:
        """The value of one sample of /metrics, named with its labels."""
        async with httpx.AsyncClient() as client:
            page = (await client.get(f"http://127.0.0.1:{self.health_port}/metrics")).text
        return next((float(line.rsplit(" ", 1)[1]) for line in page.splitlines() if line.startswith(f"{name} ")), 0.0)

    async def stop(self) -> int:
        """SIGTERM; the exit status."""
        assert self.process is not None
        assert self._reading is not None
        if self.process.returncode is None:
            self.process.terminate()
        async with asyncio.timeout(STOP_SECONDS):
            status = await self.process.wait()
            await self._reading
        return status

    async def _read(self, process: Process) -> None:
        """Its log, to its end; the first lines name its ports."""
        assert process.stderr is not None
        async for line in process.stderr:
            self.log += line.decode()
            if named := HEALTH.search(line):
                self.health_port = int(named[1])
            if named := PAGE.search(line):
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
