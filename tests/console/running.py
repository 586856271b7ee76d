"""A console as an operator runs it, and somebody who publishes as analysis does."""

from __future__ import annotations

import asyncio
import contextlib
import os
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
from tests.ports import free_port

ROOT = Path(__file__).parents[2]


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
    """`python -m console` on free ports. Its settings are given as environment variables' endings."""

    def __init__(self, redis_url: str, *program: str, **console: Any) -> None:
        """`program`: Python's arguments for another one."""
        self._program = program or ("-m", "console")
        self.port = int(console.pop("port", 0)) or free_port()
        self.health_port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("CALLVANE_")},
            "CALLVANE_REDIS__URL": redis_url,
            "CALLVANE_METRICS__PORT": str(self.health_port),
            "CALLVANE_CONSOLE__PORT": str(self.port),
            **{f"CALLVANE_CONSOLE__{name.upper()}": str(value) for name, value in console.items()},
        }
        self.process: Process | None = None
        self.log = ""

    async def start(self) -> None:
        """Start, and wait until the page is served."""
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, *self._program, cwd=ROOT, env=self._environment, stderr=PIPE
        )
        deadline = asyncio.get_running_loop().time() + 20
        async with httpx.AsyncClient() as client:
            while True:
                with contextlib.suppress(httpx.TransportError):
                    await client.get(self.url)
                    return
                assert self.process.returncode is None, await self.stop()
                assert asyncio.get_running_loop().time() < deadline, "the page is not served"
                await asyncio.sleep(0.05)

    async def ready(self) -> None:
        """Wait until /readyz says that it follows Redis."""
        async with httpx.AsyncClient() as client:
            for _ in range(400):
                if (await client.get(f"http://127.0.0.1:{self.health_port}/readyz")).status_code == 200:
                    return
                await asyncio.sleep(0.05)
        raise AssertionError("the console does not become ready")

    async def metric(self, name: str) -> float:
        """The value of one sample of /metrics, named with its labels."""
        async with httpx.AsyncClient() as client:
            page = (await client.get(f"http://127.0.0.1:{self.health_port}/metrics")).text
        return next((float(line.rsplit(" ", 1)[1]) for line in page.splitlines() if line.startswith(f"{name} ")), 0.0)

    async def stop(self) -> int:
        """SIGTERM; the exit status."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.terminate()
        _, errors = await asyncio.wait_for(self.process.communicate(), 15)
        self.log += errors.decode()
        status = self.process.returncode
        assert status is not None
        return status

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process is not None and self.process.returncode is None:
            await self.stop()
