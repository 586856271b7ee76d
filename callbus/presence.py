"""Which bridges live, and the end of the calls of those that do not.

A bridge says every few seconds that it lives and which calls it holds. When one falls silent (killed, its host gone), a
worker closes its calls in its place, so that none stays "in progress" for ever.
"""

from __future__ import annotations

import logging
import time
from typing import Any
from uuid import uuid4

from prometheus_client import Counter

from callbus.bus import Bus
from callbus.call import CallClosed, CallOpened
from callbus.partition import partition_of
from callbus.wire import ForkEvent, encode_fork_event

log = logging.getLogger(__name__)

CALLS_SWEPT = Counter("callvane_calls_swept_total", "Calls closed because their bridge died.")

BEAT_SECONDS = 5.0
DEAD_SECONDS = 20.0
"""A bridge unheard of for so long is dead; Redis' clock counts, since hosts' clocks differ."""
BRIDGE_LOST = "bridge_lost"


class Presence:
    """A running bridge. One that starts again is another: its earlier calls are gone."""

    def __init__(self, bus: Bus, instance: str = "") -> None:
        """`instance` names it; empty gives it a name of its own."""
        self._bus = bus
        self.instance = instance or uuid4().hex
        self._calls: dict[str, float] = {}
        self._due = 0.0

    def note(self, event: ForkEvent) -> None:
        """Keep count of the calls that are open."""
        match event:
            case CallOpened():
                self._calls[event.call_id] = event.opened_at
            case CallClosed():
                self._calls.pop(event.call_id, None)

    def record(self, pipeline: Any, event: ForkEvent) -> None:
        """Note an open call beside its event in the stream: it is known even if no further sign of life follows."""
        key = self._bus.keys.bridge_calls(self.instance)
        match event:
            case CallOpened():
                pipeline.hset(key, event.call_id, event.opened_at)
            case CallClosed():
                pipeline.hdel(key, event.call_id)

    @property
    def wait_seconds(self) -> float:
        """Until the next sign of life is due."""
        return max(0.0, self._due - time.monotonic())

    async def beat(self) -> None:
        """Say that this bridge lives and which calls it holds."""
        await self._bus.persist(self._beat)
        self._due = time.monotonic() + BEAT_SECONDS

    async def _beat(self) -> None:
        keys = self._bus.keys
        seconds, _ = await self._bus.client.time()
        pipeline = self._bus.client.pipeline(transaction=True)
        pipeline.zadd(keys.bridges, {self.instance: seconds})
        pipeline.delete(keys.bridge_calls(self.instance))
        if self._calls:
            pipeline.hset(keys.bridge_calls(self.instance), mapping=self._calls)
        await pipeline.execute()


async def sweep(bus: Bus) -> None:
    """Close the calls of dead bridges. For every worker to call often: one of them does it, every few seconds."""
    keys, client = bus.keys, bus.client
    if not await client.set(keys.sweeper, "1", nx=True, px=int(BEAT_SECONDS * 1000)):
        return
    seconds, _ = await client.time()
    last_beats = await client.zrangebyscore(keys.bridges, "-inf", seconds - DEAD_SECONDS, withscores=True)
    for instance, beat_at in last_beats:
        calls = await client.hgetall(keys.bridge_calls(instance.decode()))
        pipeline = client.pipeline(transaction=True)
        for call_id, opened_at in calls.items():
            name = call_id.decode()
            closed = CallClosed(name, beat_at, max(0.0, beat_at - float(opened_at)), BRIDGE_LOST, instance.decode())
            stream = keys.forks(partition_of(name, bus.settings.partitions))
            pipeline.xadd(stream, {"m": encode_fork_event(closed)})
        pipeline.delete(keys.bridge_calls(instance.decode()))
        pipeline.zrem(keys.bridges, instance)
        await pipeline.execute()
        CALLS_SWEPT.inc(len(calls))
        log.warning("a bridge has died; %d calls that it held are closed", len(calls))
