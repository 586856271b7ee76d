"""A primary and its replica, between which the address that clients know may move."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from redis import asyncio as redis

from tests.conftest import PrivateRedis
from tests.network import Link, link
from tests.ports import held_port


class Pair:
    """Two real servers that keep what they hold, and a link that leads to one of them, as a floating address does."""

    def __init__(self, primary: PrivateRedis, replica: PrivateRedis, address: Link, ports: tuple[int, int]) -> None:
        self.primary = primary
        self.replica = replica
        self.address = address
        self._ports = ports

    async def hand_over(self) -> None:
        """Let the replica take over once it has all; the primary becomes its replica. The address does not move yet."""
        async with _client(self.primary) as old, _client(self.replica) as new:
            await old.execute_command("FAILOVER", "TO", "127.0.0.1", self._ports[1])
            await _until_role(new, "master")
            await _until_role(old, "slave")

    async def promote(self) -> None:
        """Part them: the replica takes writes of its own, the primary goes on by itself."""
        async with _client(self.replica) as new:
            await new.execute_command("REPLICAOF", "NO", "ONE")
            await _until_role(new, "master")

    def move(self) -> None:
        """New connections lead to the one that was the replica; those that are open stay where they are."""
        self.address.socket = self.replica.socket


@asynccontextmanager
async def pair(folder: Path) -> AsyncIterator[Pair]:
    """Both running, the replica with all that the primary has; the address leads to the primary."""
    with ExitStack() as stack:
        ports = stack.enter_context(held_port()), stack.enter_context(held_port())
        primary, replica = [_server(stack, folder / str(port), port) for port in ports]
        await asyncio.to_thread(primary.wait)
        await asyncio.to_thread(replica.wait)
        async with _client(replica) as client:
            await client.execute_command("REPLICAOF", "127.0.0.1", ports[0])
            async with asyncio.timeout(60):
                while (await client.info("replication"))["master_link_status"] != "up":
                    await asyncio.sleep(0.05)
        async with link(primary.socket) as address:
            yield Pair(primary, replica, address, ports)


def _server(stack: ExitStack, folder: Path, port: int) -> PrivateRedis:
    folder.mkdir()
    server = PrivateRedis(folder, append_only=True)
    stack.callback(server.stop)
    server.begin("--port", str(port), "--repl-diskless-sync-delay", "0")
    return server


def _client(server: PrivateRedis) -> Any:
    return redis.Redis.from_url(server.url, single_connection_client=True)


async def _until_role(client: Any, role: str) -> None:
    async with asyncio.timeout(60):
        while (await client.info("replication"))["role"] != role:
            await asyncio.sleep(0.02)
