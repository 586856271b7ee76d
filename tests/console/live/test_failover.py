"""A running console whose Redis fails over to a replica that lacks the latest, with a clock that is behind."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from callbus.messages.wire import encode_publication
from callbus.redis.bus import Bus
from tests.console.events import Events, events
from tests.console.made_up import call_state, transcript
from tests.console.running import Publisher, RunningConsole
from tests.failover import pair

AHEAD_MS = 3_600_000


async def until_said(page: Events, text: str) -> None:
    """Wait until a page shows these words, by themselves or on the whole board."""
    async with asyncio.timeout(60):
        while True:
            told = await page.next("transcript", "snapshot")
            said = [told.data] if told.kind == "transcript" else [w for c in told.data["calls"] for w in c["words"]]
            if text in [words["text"] for words in said]:
                return


async def write_ahead(bus: Bus, text: str) -> None:
    """Publish as a server does whose clock is far ahead."""
    payload = encode_publication(transcript(sequence=7, text=text))
    stream_id = f"{int(time.time() * 1000) + AHEAD_MS}-0"
    await bus.client.xadd(bus.keys.transcripts, {"m": payload}, id=stream_id)
    await bus.client.publish(bus.keys.transcripts, b'{"stream_id":"%s",%s' % (stream_id.encode(), payload[1:]))


async def test_what_follows_a_failover_is_shown(tmp_path: Path) -> None:
    """Though its ids in the streams are lower than those that were shown, and lost."""
    async with (
        pair(tmp_path) as servers,
        RunningConsole(servers.address.url) as console,
        Publisher(servers.primary.url) as old,
        Publisher(servers.replica.url) as new,
    ):
        await console.ready()
        async with events(console.url) as page:
            await old.publish(call_state(), transcript(sequence=6, text="replicated"))
            await until_said(page, "replicated")
            await old.bus.client.wait(1, 10_000)
            await servers.promote()
            await write_ahead(old.bus, "lost")
            await until_said(page, "lost")
            servers.move()
            servers.address.drop()
            await new.publish(transcript(sequence=8, text="after it"))
            await until_said(page, "after it")
        assert await console.stop() == 0, console.log


async def test_a_console_leaves_a_replica_without_a_primary(tmp_path: Path) -> None:
    """One that answers nothing any more; its connections to it stay, and the address has moved."""
    async with (
        pair(tmp_path) as servers,
        RunningConsole(servers.address.url) as console,
        Publisher(servers.primary.url) as old,
        Publisher(servers.replica.url) as new,
    ):
        await console.ready()
        async with events(console.url) as page:
            await page.next("snapshot")
            await servers.promote()
            await old.bus.client.config_set("replica-serve-stale-data", "no")
            await old.bus.client.execute_command("REPLICAOF", "127.0.0.1", "1")
            while not (await page.next("status")).data["stale_since"]:
                pass
            servers.move()
            while (await page.next("snapshot", "status")).data["stale_since"]:
                pass
            await new.publish(call_state(), transcript(sequence=8, text="after it"))
            await until_said(page, "after it")
        assert await console.stop() == 0, console.log
