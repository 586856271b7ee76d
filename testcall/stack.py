"""A whole Callvane on this machine for as long as it is needed: a private Redis, a bridge, analysis and a console.

For the demo and the end-to-end tests. Everything listens on loopback, on ports that the system chooses and each part
names in its log; Redis is on a Unix socket, keeps nothing, and nobody else's Redis is touched. When the starting
process ends, however it ends, so does everything here.
"""

import asyncio
import contextlib
import os
import re
import shutil
import signal
import sys
import tempfile
import urllib.error
import urllib.request
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

ROOT: Final = Path(__file__).parent.parent
STOP_SECONDS: Final = 15.0
READY_SECONDS: Final = 120.0

NAMED_PORTS: Final = {
    "health": re.compile(r"metrics and health on http://\S+:(\d+)$"),
    "sip": re.compile(r"\bsip on \S+:(\d+) "),
    "page": re.compile(r"console: http://\S+:(\d+)$"),
}
"""How a part says where it listens."""
PARTS: Final = {"sip_bridge": ("health", "sip"), "analysis": ("health",), "console": ("health", "page")}
"""In the order of the data, each with the ports that it names."""
_UNTOLD: Final = re.compile(r"[\d:.]+ (debug|info) ")
"""Lines that only say where a part listens and how it fares."""

Say = Callable[[str], None]


class StackError(Exception):
    """A part that did not start or died: one line with the cause."""


class Stack:
    """Use as an asynchronous context manager: everything is ready inside, and gone afterwards."""

    def __init__(
        self, say: Say, settings: Mapping[str, str] | None = None, *, sip_port: int = 0, console_port: int = 0
    ) -> None:
        """`settings` are environment variables for all parts; a port of 0 takes a free one."""
        self._say = say
        self._settings = dict(settings or {})
        self._folder = Path(tempfile.mkdtemp(prefix="callvane-"))
        self._parts: dict[str, Process] = {}
        self._readers: list[asyncio.Task[None]] = []
        self._wanted = {"CALLVANE_BRIDGE__PORT": str(sip_port), "CALLVANE_CONSOLE__PORT": str(console_port)}
        self._ports: dict[tuple[str, str], int] = {}
        """Of each part, as it has named them."""
        self.redis_url = f"unix://{self._folder}/redis.sock"

    @property
    def target(self) -> str:
        """The bridge's SIP URI."""
        return f"sip:127.0.0.1:{self._ports['sip_bridge', 'sip']}"

    @property
    def softphone(self) -> str:
        """What a person dials with a softphone on this machine, to be heard as a customer."""
        return f"sip:callvane@127.0.0.1:{self._ports['sip_bridge', 'sip']}"

    @property
    def console_url(self) -> str:
        """The page's address."""
        return f"http://127.0.0.1:{self._ports['console', 'page']}/"

    def metrics_url(self, part: str) -> str:
        """Where a part shows its metrics."""
        return f"http://127.0.0.1:{self._ports[part, 'health']}/metrics"

    async def __aenter__(self) -> Self:
        try:
            await self._start_redis()
            await self._start_part("sip_bridge")
            await self._start_part("analysis")
            await self._until_ready("sip_bridge")
            await self._start_part("console", CALLVANE_CONSOLE__SOFTPHONE=self.softphone)
            await self._until_ready("analysis")
            await self._until_ready("console")
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    async def until_one_dies(self) -> str:
        """The name of the first part that ends by itself."""
        waits = {asyncio.create_task(part.wait()): name for name, part in self._parts.items()}
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            return waits[done.pop()]
        finally:
            for wait in waits:
                wait.cancel()

    async def _start_redis(self) -> None:
        server = shutil.which("redis-server")
        if server is None:
            raise StackError("redis-server is not installed; run `make setup`")
        options = f"--port 0 --unixsocket {self._folder}/redis.sock --unixsocketperm 700 --dir {self._folder}".split()
        quiet = ["--save", "", "--appendonly", "no", "--loglevel", "warning"]
        self._parts["redis"] = await _spawn(server, *options, *quiet, output=DEVNULL)
        self._say("redis: on a socket of its own")

    async def _start_part(self, name: str, **told: str) -> None:
        settings = {
            "CALLVANE_REDIS__URL": self.redis_url,
            "CALLVANE_METRICS__PORT": "0",
            "CALLVANE_LOG__LEVEL": "info",
            "CALLVANE_LOG__FORM": "text",
            "CALLVANE_BRIDGE__HOST": "127.0.0.1",
            "CALLVANE_BRIDGE__PLAIN_ROLE": "customer",
            # Only this machine reaches loopback; its softphone may call from any address here, and speak from another.
            "CALLVANE_BRIDGE__ALLOWED_PEERS": '["any"]',
            "CALLVANE_BRIDGE__RTP_SOURCE": "learn",
            **self._wanted,
            **told,
        }
        part = await _spawn(
            sys.executable, "-m", name, output=PIPE, environment={**os.environ, **settings, **self._settings}
        )
        self._parts[name] = part
        self._readers.append(asyncio.create_task(self._relay(name, part), name=f"relay {name}"))

    async def _relay(self, name: str, part: Process) -> None:
        """Every line of note that a part prints, under its name; and where it says that it listens."""
        assert part.stdout is not None  # noqa: S101 -- it is a pipe
        with contextlib.suppress(ValueError):  # a line beyond the reader's limit
            async for raw in part.stdout:
                line = raw.decode(errors="replace").rstrip()
                for what, pattern in NAMED_PORTS.items():
                    if found := pattern.search(line):
                        self._ports.setdefault((name, what), int(found[1]))
                if not _UNTOLD.match(line):
                    self._say(f"{name}: {line}")

    async def _until_ready(self, name: str) -> None:
        self._say(f"{name}: starting")
        try:
            async with asyncio.timeout(READY_SECONDS):
                while (reason := await self._unready(name)) and self._parts[name].returncode is None:
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise StackError(f"{name} is not ready after {READY_SECONDS:.0f} s: {reason}") from None
        if self._parts[name].returncode is not None:
            await asyncio.sleep(0.1)  # its last lines are on their way
            raise StackError(f"{name} ended with status {self._parts[name].returncode}; see its lines above")
        self._say(f"{name}: ready, metrics on http://127.0.0.1:{self._ports[name, 'health']}/metrics")

    async def _unready(self, name: str) -> str:
        """Why a part is not ready; empty when it is."""
        if unnamed := [what for what in PARTS[name] if (name, what) not in self._ports]:
            return f"it has not said where it listens: {', '.join(unnamed)}"
        return await asyncio.to_thread(_unready, self._ports[name, "health"])

    async def _stop(self) -> None:
        """In the order of the data, so that each part can still deliver what it holds; Redis last."""
        for name in (*PARTS, "redis"):
            if (part := self._parts.get(name)) and part.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    part.send_signal(signal.SIGTERM)
                try:
                    async with asyncio.timeout(STOP_SECONDS):
                        await part.wait()
                except TimeoutError:
                    self._say(f"{name}: did not stop in {STOP_SECONDS:.0f} s, killed")
                    part.kill()
                    await part.wait()
        await asyncio.gather(*self._readers)
        shutil.rmtree(self._folder, ignore_errors=True)


async def _spawn(*command: str, output: int, environment: Mapping[str, str] | None = None) -> Process:
    """Start a command that gets SIGTERM should this process die without stopping it; Ctrl-C does not reach it."""
    tether = shutil.which("setpriv")
    return await asyncio.create_subprocess_exec(
        *([tether, "--pdeathsig", "TERM"] if tether else []),
        *command,
        stdin=DEVNULL,
        stdout=output,
        stderr=asyncio.subprocess.STDOUT,
        cwd=ROOT,
        env=environment,
        start_new_session=True,
    )


def _unready(port: int) -> str:
    """Empty when a part says it is ready, else why not."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2):
            return ""
    except urllib.error.HTTPError as error:
        with error:
            return error.read(200).decode(errors="replace").strip()
    except OSError as error:
        return str(error)
