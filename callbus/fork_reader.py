"""Analysis' side of the fork events: streams by partition, each owned by one worker at a time.

A call's events all lie in one partition, so that they are read in order. A worker holds a partition by a lease; when
it dies the lease runs out, another worker takes the partition and begins with what was read but not acknowledged.
What a worker makes of an event (publications, the call's state, the acknowledgement) is committed in one atomic step
that Redis refuses once the lease has passed to another: nothing is lost, nothing is done twice.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any

from prometheus_client import Counter, Gauge
from redis.exceptions import RedisError, ResponseError

from callbus.alert import Alert
from callbus.bus import SILENCE_SECONDS, Bus
from callbus.call import CallState, Phase
from callbus.presence import sweep
from callbus.scripts import COMMIT, RELEASE, RENEW
from callbus.transcript import Transcript
from callbus.wire import (
    ForkEvent,
    Publication,
    UnknownValue,
    UnknownVersion,
    WireError,
    decode_fork_event,
    encode_publication,
)

log = logging.getLogger(__name__)

DEAD_LETTERS = Counter(
    "callvane_dead_letters_total", "Messages in Redis that could not be read, by reason.", ["reason"]
)
for _unreadable in (WireError, UnknownVersion, UnknownValue):
    DEAD_LETTERS.labels(_unreadable.reason)
ALERTS_PUBLISHED = Counter("callvane_alerts_published_total", "Alerts published, by kind.", ["kind"])
ALERTS_UNHEARD = Counter(
    "callvane_alerts_without_subscriber_total", "Alerts published while nobody subscribed to the channel."
)
PARTITIONS_HELD = Gauge("callvane_partitions_held", "Partitions of fork events that this worker holds.")

GROUP = "analysis"
BATCH = 64
DEAD_LETTER_BYTES = 256
DEAD_LETTERS_KEPT = 1_000
ALERT_ID_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Delivery:
    """One fork event, to be committed once its work is done."""

    partition: int
    entry_id: bytes
    event: ForkEvent

    @property
    def at(self) -> float:
        """Unix seconds at which Redis took it."""
        return int(self.entry_id.partition(b"-")[0]) / 1000


class LeaseLost(Exception):
    """The partition belongs to another worker now; that one will do the work."""


class ForkReader:
    """An analysis worker's side. `worker` is a name of its own, new for every process."""

    def __init__(self, bus: Bus, worker: str) -> None:
        self._bus = bus
        self._worker = worker
        self._held: set[int] = set()
        self._fresh: set[int] = set()
        """Held, but what an earlier owner left unacknowledged is not read yet."""
        self._renewed_at = 0.0
        self._commit = bus.client.register_script(COMMIT)
        self._renew = bus.client.register_script(RENEW)
        self._release = bus.client.register_script(RELEASE)

    @property
    def held(self) -> frozenset[int]:
        """The partitions that this worker holds, as far as it knows."""
        return frozenset(self._held)

    async def deliveries(self) -> AsyncGenerator[list[Delivery], None]:
        """Events as they come, in order per call; an empty list at least once a second. Ends only by cancellation."""
        interval = self._bus.settings.lease_seconds / 3
        while True:
            try:
                if time.monotonic() - self._renewed_at >= interval:
                    await self._bus.persist(self._balance)
                    self._renewed_at = time.monotonic()
                yield await self._bus.persist(self._read)
            except ResponseError as error:
                # A Redis that came back empty has no groups: take the partitions anew, which makes them.
                if not str(error).startswith(("NOGROUP", "UNBLOCKED")):
                    raise
                self._held.clear()
                self._renewed_at = 0.0

    async def commit(
        self,
        partition: int,
        entry_ids: Sequence[bytes],
        *,
        state: tuple[str, bytes] | None = None,
        state_seconds: float | None = None,
        publications: Sequence[Publication] = (),
    ) -> None:
        """Publish, store the call's state (`(call_id, bytes)`) and acknowledge, all or nothing.

        The state expires after `state_seconds`; without it, after those of the settings. Waits while Redis is away.
        Raises LeaseLost when another worker holds the partition.
        """
        settings, keys = self._bus.settings, self._bus.keys
        arguments: list[Any] = [
            self._worker,
            GROUP,
            settings.stream_length,
            int(settings.retention_days * 86_400_000),
            int(settings.state_seconds if state_seconds is None else state_seconds),
            ALERT_ID_SECONDS,
            "set" if state else "keep",
            state[1] if state else b"",
            len(publications),
        ]
        for message in publications:
            arguments += self._publication(message)
        arguments += entry_ids
        names = [
            keys.lease(partition),
            keys.forks(partition),
            keys.state(state[0] if state else ""),
            keys.live,
        ]
        receivers = await self._bus.persist(lambda: self._commit(keys=names, args=arguments))
        if receivers is None:
            self._held.discard(partition)
            raise LeaseLost(partition)
        for message, heard in zip(publications, receivers, strict=True):
            if isinstance(message, Alert) and heard >= 0:
                ALERTS_PUBLISHED.labels(message.kind).inc()
                if heard == 0:
                    ALERTS_UNHEARD.inc()

    async def state(self, call_id: str) -> bytes | None:
        """The state committed last for a call; none for a new one."""
        found: bytes | None = await self._bus.persist(lambda: self._bus.client.get(self._bus.keys.state(call_id)))
        return found

    async def release(self) -> None:
        """Give the partitions back at once instead of letting their leases run out. One try: Redis may be away."""
        names = [self._bus.keys.workers, *(self._bus.keys.lease(p) for p in sorted(self._held))]
        self._held.clear()
        PARTITIONS_HELD.set(0)
        try:
            await self._release(keys=names, args=[self._worker])
        except (RedisError, OSError) as error:
            log.warning("leases were not given back, they run out by themselves: %.200s", error)

    def _publication(self, message: Publication) -> list[Any]:
        keys = self._bus.keys
        payload = encode_publication(message)
        match message:
            case Alert():
                return [keys.alerts, payload, keys.published(message.alert_id), "", ""]
            case Transcript():
                return [keys.transcripts, payload, "", "", ""]
            case CallState():
                active = message.phase is Phase.ACTIVE
                return [keys.calls, payload, "", "set" if active else "remove", message.call_id]

    async def _balance(self) -> None:
        """Renew the leases held, and take a fair share of those nobody holds."""
        settings, keys, client = self._bus.settings, self._bus.keys, self._bus.client
        now = time.time()
        await client.zadd(keys.workers, {self._worker: now})
        await client.zremrangebyscore(keys.workers, "-inf", now - 2 * settings.lease_seconds)
        workers = max(1, await client.zcard(keys.workers))
        share = -(-settings.partitions // workers)
        lease_ms = int(settings.lease_seconds * 1000)
        for partition in sorted(self._held):
            keep = len(self._held) <= share
            if not keep or not await self._renew(keys=[keys.lease(partition)], args=[self._worker, lease_ms]):
                self._held.discard(partition)
                if not keep:
                    await self._release(keys=[keys.workers, keys.lease(partition)], args=[self._worker, "share"])
        for partition in range(settings.partitions):
            if len(self._held) >= share:
                break
            if partition not in self._held and await client.set(
                keys.lease(partition), self._worker, nx=True, px=lease_ms
            ):
                await self._adopt(partition)
        PARTITIONS_HELD.set(len(self._held))
        await sweep(self._bus)

    async def _adopt(self, partition: int) -> None:
        stream = self._bus.keys.forks(partition)
        try:
            await self._bus.client.xgroup_create(stream, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise
        start: Any = "0-0"
        while True:
            start, *_ = await self._bus.client.xautoclaim(
                stream, GROUP, self._worker, min_idle_time=0, start_id=start, count=BATCH
            )
            if start in (b"0-0", "0-0"):
                break
        self._held.add(partition)
        self._fresh.add(partition)

    async def _read(self) -> list[Delivery]:
        if not self._held:
            await asyncio.sleep(min(1.0, self._bus.settings.lease_seconds / 6))
            return []
        for partition in sorted(self._fresh & self._held):
            # Owed by an earlier owner: our own pending entries, oldest first.
            stream = self._bus.keys.forks(partition)
            rows = await self._bus.client.xreadgroup(GROUP, self._worker, {stream: "0"})
            self._fresh.discard(partition)
            return await self._decode(rows)
        streams = {self._bus.keys.forks(partition): ">" for partition in sorted(self._held)}
        wait_ms = int(1000 * min(SILENCE_SECONDS / 3, 1.0, self._bus.settings.lease_seconds / 4))
        return await self._decode(
            await self._bus.client.xreadgroup(GROUP, self._worker, streams, count=BATCH, block=wait_ms)
        )

    async def _decode(self, rows: Any) -> list[Delivery]:
        deliveries = []
        for stream, entries in rows or ():
            partition = int(stream.rpartition(b":")[2])
            for entry_id, fields in entries:
                if not fields:  # pending, and trimmed from the full stream: its number is missing from its call
                    await self._bus.client.xack(stream, GROUP, entry_id)
                    continue
                try:
                    event = decode_fork_event(fields[b"m"])
                except (WireError, KeyError) as error:
                    await self._bury(stream, entry_id, fields.get(b"m", b""), error)
                else:
                    deliveries.append(Delivery(partition, entry_id, event))
        return deliveries

    async def _bury(self, stream: bytes, entry_id: bytes, payload: bytes, error: Exception) -> None:
        reason = error.reason if isinstance(error, WireError) else "malformed"
        DEAD_LETTERS.labels(reason).inc()
        pipeline = self._bus.client.pipeline(transaction=True)
        letter = {"reason": reason, "error": str(error)[:200], "begin": payload[:DEAD_LETTER_BYTES]}
        pipeline.xadd(self._bus.keys.dead_letters, letter, maxlen=DEAD_LETTERS_KEPT)
        pipeline.xack(stream, GROUP, entry_id)
        pipeline.xdel(stream, entry_id)
        await pipeline.execute()
