"""Which bridges are alive, and which calls they hold.

A bridge sends a heartbeat with its calls every few seconds; `housekeeping` closes the calls of a silent one. A bridge
that Redis does not know (it was cut off too long, or Redis came back empty) reports all its calls again.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from uuid import uuid4

from callbus.messages.call import CallClosed, CallOpened
from callbus.messages.wire import ForkEvent
from callbus.redis.bus import Bus
from callbus.redis.scripts.bridge_calls import ABSENT, BEAT

BEAT_SECONDS = 5.0
CALLS_SECONDS = 86_400
"""Longest time the list of a bridge's calls outlives the bridge."""


async def absent_calls(bus: Bus, call_ids: Sequence[str]) -> frozenset[str]:
    """Those of the calls that are not live and that no bridge holds. One try."""
    if not call_ids:
        return frozenset()
    keys = bus.keys
    look = bus.client.register_script(ABSENT)
    absent = await look(keys=[keys.live, keys.bridges], args=[keys.bridge_calls(""), *call_ids])
    return frozenset(call_id.decode() for call_id in absent)


class Presence:
    """A running bridge. After a restart it is a new one: its earlier calls are gone."""

    def __init__(self, bus: Bus, instance: str = "") -> None:
        """`instance` names the bridge; if empty, it gets a unique name."""
        self._bus = bus
        self.instance = instance or uuid4().hex
        self._calls: dict[str, CallOpened] = {}
        self._told: frozenset[str] = frozenset()
        """The calls of the latest heartbeat."""
        self._due = 0.0
        self._is_first = True
        """Whether no heartbeat was sent yet, so there is nothing to report again."""
        self._beat = bus.client.register_script(BEAT)

    def note(self, event: ForkEvent) -> None:
        """Track the open calls."""
        match event:
            case CallOpened():
                self._calls[event.call_id] = event
            case CallClosed():
                self._calls.pop(event.call_id, None)

    @property
    def wait_seconds(self) -> float:
        """Time until the next heartbeat is due."""
        return max(0.0, self._due - time.monotonic())

    async def beat(self) -> Iterable[CallOpened]:
        """Send a heartbeat with this bridge's calls. Returns the openings that Redis does not know any more.

        All of them if it does not know the bridge; those of single calls if a replica took over that had not got them.
        """
        keys = self._bus.keys
        names = [keys.bridges, keys.bridge_calls(self.instance)]
        # Ask before the beat too: if the beat's own answer is lost, the next try finds the bridge known.
        before, found = await self._bus.persist(self._known)
        told, calls = self._told, tuple(self._calls.items())
        was_known = await self._bus.persist(lambda: self._beat(keys=names, args=self._arguments()))
        self._due = time.monotonic() + BEAT_SECONDS
        self._told = frozenset(call_id for call_id, _ in calls)
        is_first, self._is_first = self._is_first, False
        if is_first:
            return ()
        is_known = was_known and before is not None
        return [opened for call_id, opened in calls if not is_known or call_id in told - found]

    async def leave(self) -> None:
        """Tell Redis that this bridge has stopped in order, so that nobody takes it for dead. One try.

        A bridge that still holds calls stays known: somebody must close them.
        """
        if self._calls:
            return
        keys = self._bus.keys
        async with self._bus.client.pipeline(transaction=True) as pipeline:
            pipeline.zrem(keys.bridges, self.instance)
            pipeline.delete(keys.bridge_calls(self.instance))
            await pipeline.execute()

    async def _known(self) -> tuple[float | None, frozenset[str]]:
        """When Redis heard of this bridge last, and which calls it holds for it."""
        async with self._bus.client.pipeline(transaction=True) as pipeline:
            pipeline.zscore(self._bus.keys.bridges, self.instance)
            pipeline.hkeys(self._bus.keys.bridge_calls(self.instance))
            heard_at, calls = await pipeline.execute()
        return heard_at, frozenset(call_id.decode(errors="replace") for call_id in calls)

    def _arguments(self) -> list[str | float]:
        arguments: list[str | float] = [self.instance, CALLS_SECONDS]
        for call_id, opened in self._calls.items():
            arguments += (call_id, opened.opened_at)
        return arguments
