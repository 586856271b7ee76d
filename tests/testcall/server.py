"""A real SIP server for a test to call: sipp with one of the scenarios in `sipp/`, and the RTP that it asks for."""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from testcall import rtp

SCRIPTS = Path(__file__).parent / "sipp"
_KINDS = {"udp": ("u1", socket.SOCK_DGRAM), "tcp": ("t1", socket.SOCK_STREAM)}


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
        async with asyncio.timeout(10):
            return await self.process.wait() == 0


@asynccontextmanager
async def serving(script: str, transport: str, folder: Path, calls: int = 1) -> AsyncIterator[Server]:
    """Runs sipp until the block is left."""
    sipp = shutil.which("sipp")
    if sipp is None:
        pytest.skip("sipp is not installed (Debian: apt install sip-tester)")
    mode, kind = _KINDS[transport]
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    legs = (rtp.open_socket("127.0.0.1"), rtp.open_socket("127.0.0.1"))
    keys = [each for name, leg in zip(("first", "second"), legs, strict=True) for each in _key(name, leg)]
    options = ["-i", "127.0.0.1", "-p", str(port), "-t", mode, "-m", str(calls), "-nostdin", "-timeout", "60", *keys]
    process = await asyncio.create_subprocess_exec(
        sipp, "-sf", str(SCRIPTS / f"{script}.xml"), *options, cwd=folder,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        await _taken(port, kind)
        yield Server(f"sip:callvane@127.0.0.1:{port}", process, legs)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        for leg in legs:
            leg.close()


def _key(name: str, leg: socket.socket) -> list[str]:
    return ["-key", f"{name}_port", str(leg.getsockname()[1])]


async def _taken(port: int, kind: socket.SocketKind) -> None:
    """Waits until somebody listens on the port."""
    async with asyncio.timeout(10):
        while True:
            with socket.socket(socket.AF_INET, kind) as probe:
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    return
            await asyncio.sleep(0.05)
