"""A real SIP server for a test to call: sipp with one of the scenarios in `sipp/`, and the RTP that it asks for."""

import asyncio
import re
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from testcall import rtp
from tests.ports import held_port

SCRIPTS = Path(__file__).parent / "sipp"
WAIT_SECONDS = 60
"""A busy machine is no failure."""
_MODES = {"udp": "u1", "tcp": "t1"}
_STATES = {"udp": "07", "tcp": "0A"}
"""Of a socket that is bound and one that listens, in the kernel's tables."""


@dataclass
class Server:
    target: str
    process: asyncio.subprocess.Process
    legs: tuple[socket.socket, socket.socket]

    def packets(self, leg: int) -> list[bytes]:
        """What has arrived on one leg's port; the socket holds about 250 packets."""
        found = []
        while True:
            try:
                found.append(self.legs[leg].recv(2048))
            except BlockingIOError:
                return found

    async def succeeded(self) -> bool:
        """True if each of its calls went as the script says."""
        async with asyncio.timeout(WAIT_SECONDS):
            return await self.process.wait() == 0


@asynccontextmanager
async def serving(script: str, transport: str, folder: Path, calls: int = 1) -> AsyncIterator[Server]:
    """Runs sipp until the block is left."""
    sipp = shutil.which("sipp")
    if sipp is None:
        pytest.skip("sipp is not installed (Debian: apt install sip-tester)")
    legs = (rtp.open_socket("127.0.0.1"), rtp.open_socket("127.0.0.1"))
    keys = [each for name, leg in zip(("first", "second"), legs, strict=True) for each in _key(name, leg)]
    with held_port() as port:
        options = ["-i", "127.0.0.1", "-p", str(port), "-t", _MODES[transport], "-m", str(calls), "-nostdin", *keys]
        process = await asyncio.create_subprocess_exec(
            sipp, "-sf", str(SCRIPTS / f"{script}.xml"), *options, "-timeout", "60", cwd=folder,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            await _listening(port, transport)
            yield Server(f"sip:callvane@127.0.0.1:{port}", process, legs)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            for leg in legs:
                leg.close()


def _key(name: str, leg: socket.socket) -> list[str]:
    return ["-key", f"{name}_port", str(leg.getsockname()[1])]


async def _listening(port: int, transport: str) -> None:
    """Waits until somebody listens on the port; asks the kernel, since a try to take it could come before sipp's."""
    listens = re.compile(rf": 0100007F:{port:04X} \S+ {_STATES[transport]} ")
    async with asyncio.timeout(WAIT_SECONDS):
        while not listens.search(Path(f"/proc/net/{transport}").read_text()):  # noqa: ASYNC240 -- no disk
            await asyncio.sleep(0.05)
