"""What stands in the streams that everybody reads."""

from __future__ import annotations

import asyncio

from callbus import CallState, Phase
from callbus.messages.wire import Publication, decode_publication
from callbus.redis.bus import Bus


async def published(bus: Bus) -> list[Publication]:
    """All of it at one moment: transcripts, alerts, call states, each in their order."""
    async with bus.client.pipeline(transaction=True) as pipeline:
        for name in (bus.keys.transcripts, bus.keys.alerts, bus.keys.calls):
            pipeline.xrange(name)
        streams = await pipeline.execute()
    return [decode_publication(fields[b"m"]) for rows in streams for _, fields in rows]


async def until_ended(bus: Bus, *calls: str, seconds: float = 90) -> list[Publication]:
    """The same, once the latest state of each of these calls says that it has ended, and not for want of its bridge."""
    async with asyncio.timeout(seconds):
        while True:
            found = await published(bus)
            latest = {each.call_id: each for each in found if isinstance(each, CallState)}
            ended = {each.call_id for each in latest.values() if each.phase is Phase.ENDED}
            lost = {each.call_id for each in latest.values() if each.reason == "bridge_lost"}
            if ended - lost >= set(calls):
                return found
            await asyncio.sleep(0.05)


async def until_followed(bus: Bus, *channels: str) -> None:
    """Wait until somebody subscribes to each."""
    async with asyncio.timeout(60):
        while not all(count for _, count in await bus.client.pubsub_numsub(*channels)):
            await asyncio.sleep(0.02)
