"""The moods of a real Redis: what it, its operator or its host may do to those who use it, and back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

from redis import asyncio as redis
from redis.exceptions import RedisError

from callbus.redis.settings import Keys
from callbus.redis.trouble import Trouble
from tests.conftest import PrivateRedis

Mood = Callable[[PrivateRedis], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def _operator(server: PrivateRedis) -> AsyncIterator[Any]:
    """A connection that no mood shuts out: it was there before."""
    async with redis.Redis.from_url(server.url, single_connection_client=True) as client:
        await client.ping()
        yield client


async def _others_come_anew(client: Any) -> None:
    """End all connections but the operator's."""
    await client.client_kill_filter(_type="normal", skipme=True)


def _configured(**values: tuple[str, str]) -> Mood:
    """Settings of the server, by their names, as they are in the mood and after it."""

    @asynccontextmanager
    async def mood(server: PrivateRedis) -> AsyncIterator[None]:
        async with _operator(server) as client:
            for name, (during, _) in values.items():
                await client.config_set(name.replace("_", "-"), during)
            yield
            for name, (_, after) in reversed(values.items()):
                await client.config_set(name.replace("_", "-"), after)

    return mood


@asynccontextmanager
async def _replica(server: PrivateRedis) -> AsyncIterator[None]:
    async with _operator(server) as client:
        await client.execute_command("REPLICAOF", "127.0.0.1", "1")
        yield
        await client.execute_command("REPLICAOF", "NO", "ONE")


@asynccontextmanager
async def _orphan(server: PrivateRedis) -> AsyncIterator[None]:
    async with _configured(replica_serve_stale_data=("no", "yes"))(server), _replica(server):
        yield


@asynccontextmanager
async def _script(server: PrivateRedis) -> AsyncIterator[None]:
    async with _operator(server) as client, _operator(server) as other:
        await client.config_set("busy-reply-threshold", "50")
        running = asyncio.create_task(other.eval("while true do end", 0))
        yield
        await client.script_kill()
        with suppress(RedisError):
            await running


@asynccontextmanager
async def _unsaved(server: PrivateRedis) -> AsyncIterator[None]:
    async with _operator(server) as client:
        (server.data / "taken.rdb").mkdir()  # where the snapshot's file would stand
        await client.config_set("dbfilename", "taken.rdb")
        await client.config_set("save", "3600 100000")
        await client.bgsave()
        while (await client.info("persistence"))["rdb_last_bgsave_status"] == "ok":
            await asyncio.sleep(0.02)
        yield
        await client.config_set("stop-writes-on-bgsave-error", "no")
        await client.config_set("save", "")
        (server.data / "taken.rdb").rmdir()


@asynccontextmanager
async def _locked(server: PrivateRedis) -> AsyncIterator[None]:
    async with _operator(server) as client:
        await client.config_set("requirepass", "another")
        await _others_come_anew(client)
        yield
        await client.config_set("requirepass", "")


@asynccontextmanager
async def _forbidden(server: PrivateRedis) -> AsyncIterator[None]:
    async with _operator(server) as client:
        await client.execute_command("ACL", "SETUSER", "operator", "on", "nopass", "~*", "&*", "+@all")
        await client.execute_command("AUTH", "operator", "")
        await client.execute_command("ACL", "SETUSER", "default", "-@write", "-@scripting")
        yield
        await client.execute_command("ACL", "SETUSER", "default", "+@all")


@asynccontextmanager
async def _crowded(server: PrivateRedis) -> AsyncIterator[None]:
    async with _operator(server) as client:
        await client.config_set("maxclients", "1")
        await _others_come_anew(client)
        yield
        await client.config_set("maxclients", "10000")


@asynccontextmanager
async def _wrong_type(server: PrivateRedis) -> AsyncIterator[None]:
    """Somebody else's key stands where the live calls are."""
    keys = Keys("callvane")
    async with _operator(server) as client:
        await client.delete(keys.live)
        await client.set(keys.live, "mine")
        yield
        await client.delete(keys.live)


@asynccontextmanager
async def _frozen(server: PrivateRedis) -> AsyncIterator[None]:
    server.freeze()
    yield
    server.thaw()


@asynccontextmanager
async def _stopped(server: PrivateRedis) -> AsyncIterator[None]:
    await asyncio.to_thread(server.stop)
    yield
    await asyncio.to_thread(server.start)


@asynccontextmanager
async def _loading(server: PrivateRedis) -> AsyncIterator[None]:
    """Started again with its data, which take a while."""
    async with _operator(server) as client:
        await client.bgrewriteaof()  # into one file that it reads key by key, and answers between
        while (await client.info("persistence"))["aof_rewrite_in_progress"]:
            await asyncio.sleep(0.02)
    await asyncio.to_thread(server.stop)
    server.begin("--key-load-delay", "200000", "--loading-process-events-interval-bytes", "1024")
    while not server.socket.exists():
        await asyncio.sleep(0.01)
    yield
    await asyncio.to_thread(server.wait)


MOODS: dict[Trouble, Mood] = {
    Trouble.FULL: _configured(maxmemory=("1", "0")),
    Trouble.READ_ONLY: _replica,
    Trouble.BEHIND: _orphan,
    Trouble.SCRIPT: _script,
    Trouble.NOT_SAVING: _unsaved,
    Trouble.ALONE: _configured(min_replicas_to_write=("1", "0")),
    Trouble.LOCKED_OUT: _locked,
    Trouble.FORBIDDEN: _forbidden,
    Trouble.CROWDED: _crowded,
    Trouble.REFUSED: _wrong_type,
    Trouble.LOADING: _loading,
    Trouble.AWAY: _stopped,
}
"""By what a client should make of them. A private Redis that keeps its data (`append_only`) loses none in any."""
FROZEN: Mood = _frozen
"""It holds its connections and answers nothing."""
