"""A bridge's side of the fork events: accepted at once, written to their partition's stream when Redis allows."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from prometheus_client import Counter, Gauge

from callbus.messages.call import CallClosed, CallOpened
from callbus.messages.utterance import Utterance
from callbus.messages.wire import ForkEvent, encode_fork_event
from callbus.redis.backlog import Backlog
from callbus.redis.bus import Bus
from callbus.redis.foretelling import Foretelling
from callbus.redis.partition import partition_of
from callbus.redis.presence import Presence
from callbus.redis.scripts.fork_stream import WRITE
from callbus.redis.trouble import FAILURES

BACKLOG = Gauge("callvane_fork_events_waiting", "Fork events waiting for Redis in this bridge.")
BACKLOG_DROPPED = Counter(
    "callvane_fork_events_dropped_total", "Fork events dropped because Redis was unavailable too long.", ["type"]
)
TRIMMED = Counter(
    "callvane_utterances_trimmed_total",
    "Utterances evicted from a full partition before a worker finished them.",
)

BATCH = 64
REMEMBERED_SECONDS = 86_400
"""How long Redis remembers a bridge's latest batch: longer than any retry."""


class ForkWriter:
    """Writes a bridge's fork events. Belongs to one event loop."""

    def __init__(self, bus: Bus, instance: str = "") -> None:
        """`instance`: as in `presence.Presence`."""
        self._bus = bus
        self._backlog = Backlog(bus.settings.backlog_events)
        self._foretelling = Foretelling(bus)
        self._batch: Sequence[ForkEvent] = ()
        """The batch being written. A writer that was stopped starts with it when it runs again."""
        self._batch_name = ""
        """Lets Redis recognise a repeated batch."""
        self._presence = Presence(bus, instance)
        self._script = bus.client.register_script(WRITE)
        self._awake = asyncio.Event()
        self._written = asyncio.Event()
        self._written.set()

    @property
    def waiting(self) -> float:
        """How full the backlog is, 0 to 1."""
        return len(self._backlog) / self._bus.settings.backlog_events

    def publish(self, event: ForkEvent) -> None:
        """Queue `event` as this bridge's. Never blocks; see Backlog for what is evicted when it is full."""
        event = replace(event, recording_id=self._presence.instance)
        self._presence.note(event)
        dropped = self._backlog.append(event)
        if dropped is not None:
            BACKLOG_DROPPED.labels("utterance" if isinstance(dropped, Utterance) else "call").inc()
        BACKLOG.set(len(self._backlog))
        self._written.clear()
        self._awake.set()

    def foretell(self, utterance: Utterance) -> None:
        """Tell of an utterance ahead of its end, if all that is queued is written soon. Never blocks."""
        self._foretelling.append(replace(utterance, recording_id=self._presence.instance))
        self._awake.set()

    async def run(self) -> None:
        """Write queued events in order, and send this bridge's heartbeat, until cancelled."""
        while True:
            await self._beat()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._presence.wait_seconds):
                    await self._awake.wait()
            self._awake.clear()
            while self._has_batch():
                await self._write()
                self._batch = ()
                BACKLOG.set(len(self._backlog))
                await self._beat()
            self._written.set()
            await self._foretelling.send()

    async def flush(self, timeout_seconds: float) -> bool:
        """Wait until everything queued is written; False on timeout."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._written.wait()
        except TimeoutError:
            return False
        return True

    async def leave(self, timeout_seconds: float) -> None:
        """Take this bridge, whose `run` has ended, out of the living ones if all it had to say is written."""
        if not self._written.is_set():
            return
        with suppress(TimeoutError, *FAILURES):
            async with asyncio.timeout(timeout_seconds):
                await self._presence.leave()

    async def _beat(self) -> None:
        if not self._presence.wait_seconds:
            for opened in await self._presence.beat():
                self.publish(opened)

    def _has_batch(self) -> bool:
        if not self._batch:
            self._batch, self._batch_name = self._backlog.head(BATCH), secrets.token_hex(8)
        return bool(self._batch)

    async def _write(self) -> None:
        settings, keys, instance = self._bus.settings, self._bus.keys, self._presence.instance
        partitions: dict[int, int] = {}
        arguments: list[Any] = [self._batch_name, REMEMBERED_SECONDS, settings.partition_length]
        for event in self._batch:
            place = partitions.setdefault(partition_of(event.call_id, settings.partitions), len(partitions) + 1)
            kind = "audio" if isinstance(event, Utterance) else ""
            opened_at: float | str = ""
            verb = ""
            match event:
                case CallOpened():
                    verb, opened_at = "open", event.opened_at
                case CallClosed():
                    verb = "close"
            arguments += (place, encode_fork_event(event), kind, verb, event.call_id, opened_at)
        names = [keys.written(instance), keys.bridge_calls(instance), keys.oldest_audio, *map(keys.forks, partitions)]
        TRIMMED.inc(await self._bus.persist(lambda: self._script(keys=names, args=arguments)))
