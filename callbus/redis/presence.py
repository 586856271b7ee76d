"""Which bridges live, and which calls they hold.

A bridge says every few seconds that it lives and what it holds; `housekeeping` closes the calls of one that has fallen
silent. One that Redis does not know (it was cut off for too long, or Redis has come back empty) tells its calls anew.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from uuid import uuid4

from callbus.messages.call import CallClosed, CallOpened
from callbus.messages.wire import ForkEvent
from callbus.redis.bus import Bus
from callbus.redis.scripts import BEAT

BEAT_SECONDS = 5.0
CALLS_SECONDS = 86_400
"""How long the list of a bridge's calls outlives it at most."""


class Presence:
    """A running bridge. One that starts again is another: its earlier calls are gone."""

    def __init__(self, bus: Bus, instance: str = "") -> None:
        """`instance` names it; empty gives it a name of its own."""
        self._bus = bus
        self.instance = instance or uuid4().hex
        self._calls: dict[str, CallOpened] = {}
        self._due = 0.0
        self._is_first = True
        """Whether no sign of life was given yet: there is nothing to tell anew."""
        self._beat = bus.client.register_script(BEAT)

    def note(self, event: ForkEvent) -> None:
        """Keep count of the calls that are open."""
        match event:
            case CallOpened():
                self._calls[event.call_id] = event
            case CallClosed():
                self._calls.pop(event.call_id, None)

    @property
    def wait_seconds(self) -> float:
        """Until the next sign of life is due."""
        return max(0.0, self._due - time.monotonic())

    async def beat(self) -> Iterable[CallOpened]:
        """Say that this bridge lives and which calls it holds; the openings of all, where Redis did not know it."""
        keys = self._bus.keys
        names = [keys.bridges, keys.bridge_calls(self.instance)]
        # Asked before as well: where the beat's own answer is lost, the next try finds the bridge known.
        before = await self._bus.persist(lambda: self._bus.client.zscore(keys.bridges, self.instance))
        was_known = await self._bus.persist(lambda: self._beat(keys=names, args=self._told()))
        self._due = time.monotonic() + BEAT_SECONDS
        is_first, self._is_first = self._is_first, False
        return () if is_first or (was_known and before is not None) else tuple(self._calls.values())

    def _told(self) -> list[str | float]:
        told: list[str | float] = [self.instance, CALLS_SECONDS]
        for call_id, opened in self._calls.items():
            told += (call_id, opened.opened_at)
        return told
