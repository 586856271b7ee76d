"""Analysis' side of the fork events: streams by partition, each owned by one worker at a time.

A call's events all lie in one partition, so that they are read in order. A worker holds a partition by a lease; when
it dies the lease runs out, another worker takes the partition and begins with what was read but not acknowledged.
What a worker makes of an event (publications, the call's state, the acknowledgement) is committed in one atomic step
that Redis refuses once the partition has passed to another: nothing is lost, nothing is done twice.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any

from prometheus_client import Counter

from callbus.messages.alert import Alert
from callbus.messages.call import CallState, Phase
from callbus.messages.transcript import Transcript
from callbus.messages.wire import (
    ForkEvent,
    Publication,
    UnknownValue,
    UnknownVersion,
    WireError,
    decode_fork_event,
    decode_publication,
    encode_publication,
)
from callbus.redis.bus import SILENCE_SECONDS, Bus
from callbus.redis.leases import Leases
from callbus.redis.scripts import BURY, COMMIT, FORGET
from callbus.redis.states import States
from callbus.redis.trouble import GroupExists, GroupMissing, Unblocked

DEAD_LETTERS = Counter(
    "callvane_dead_letters_total", "Messages in Redis that could not be read, by reason.", ["reason"]
)
for _unreadable in (WireError, UnknownVersion, UnknownValue):
    DEAD_LETTERS.labels(_unreadable.reason)
ALERTS_PUBLISHED = Counter("callvane_alerts_published_total", "Alerts published, by kind.", ["kind"])
ALERTS_UNHEARD = Counter(
    "callvane_alerts_without_subscriber_total", "Alerts published while nobody subscribed to the channel."
)

GROUP = "analysis"
BATCH = 64
DEAD_LETTER_BYTES = 256
DEAD_LETTERS_KEPT = 1_000
ONCE_SECONDS = 86_400
"""How long Redis knows that an alert was published, and which event of a call was committed last."""
UNREAD = ">"
"""What was given to no worker yet."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One fork event, to be committed once its work is done."""

    partition: int
    tenure: int
    """Which of the worker's tenures of the partition it was read in."""
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
        self._leases = Leases(bus, worker)
        self._states = States()
        self._open: set[int] = set()
        """Held, and their streams have a group."""
        self._owed: set[int] = set()
        """Held, but what was given out and is not acknowledged is still to be read: an earlier owner's, or our own
        where the answer was lost."""
        self._given: dict[int, set[bytes]] = defaultdict(set)
        """By partition: entries that were delivered and are not committed yet."""
        self._is_unsure = False
        """Whether a read has begun that did not come to its end: Redis may have given something out."""
        self._balanced_at = self._searched_at = float("-inf")
        self._commit = bus.client.register_script(COMMIT)
        self._burying = bus.client.register_script(BURY)
        self._forget = bus.client.register_script(FORGET)

    @property
    def held(self) -> frozenset[int]:
        """The partitions that this worker holds, as far as it knows."""
        return self._leases.held

    async def deliveries(self) -> AsyncGenerator[list[Delivery], None]:
        """Events as they come, in order per call; an empty list at least once a second. Ends only by cancellation."""
        while True:
            if time.monotonic() - self._balanced_at >= self._leases.interval_seconds:
                await self._balance()
            try:
                yield await self._bus.persist(self._read, but=(GroupMissing, Unblocked))
            except (GroupMissing, Unblocked):  # Redis has come back empty, or is another one
                self._open.clear()
                self._balanced_at = float("-inf")

    async def commit(
        self,
        delivery: Delivery,
        *,
        state: bytes | None = None,
        state_seconds: float | None = None,
        publications: Sequence[Publication] = (),
    ) -> None:
        """Publish, store the call's state and acknowledge, all or nothing.

        The state expires after `state_seconds`; without it, after those of the settings. Waits while Redis is away.
        Raises LeaseLost when another worker holds the partition, or has held it since.
        """
        settings, keys = self._bus.settings, self._bus.keys
        partition, call_id = delivery.partition, delivery.event.call_id
        kept_seconds = int(settings.state_seconds if state_seconds is None else state_seconds)
        arguments: list[Any] = [
            self._worker,
            self._leases.milliseconds,
            GROUP,
            delivery.entry_id,
            int(settings.retention_days * 86_400) + 1,
            "keep" if state is None else "set",
            state or b"",
            kept_seconds,
            ONCE_SECONDS,
        ]
        for message in publications:
            arguments += self._publication(message)
        names = [
            keys.lease(partition),
            keys.holder(partition),
            keys.forks(partition),
            keys.state(call_id),
            keys.committed(call_id),
            keys.live,
        ]
        receivers = None
        if delivery.tenure == self._leases.tenure(partition):
            receivers = await self._bus.persist(lambda: self._commit(keys=names, args=arguments))
        if receivers is None:
            self._leases.lose(partition)
            raise LeaseLost(partition)
        self._given[partition].discard(delivery.entry_id)
        if state is not None:
            self._states.put(call_id, partition, delivery.tenure, state, time.monotonic() + kept_seconds)
        for message, heard in zip(publications, receivers, strict=True):
            if isinstance(message, Alert) and heard >= 0:
                ALERTS_PUBLISHED.labels(message.kind).inc()
                if heard == 0:
                    ALERTS_UNHEARD.inc()

    async def state(self, call_id: str, partition: int) -> bytes | None:
        """The state committed last for a call; none for a new one."""
        kept = self._states.find(call_id, partition, self._leases.tenure(partition), time.monotonic())
        if kept is not None:
            return kept
        found: bytes | None = await self._bus.persist(lambda: self._bus.client.get(self._bus.keys.state(call_id)))
        return found

    async def shown(self, call_id: str) -> CallState | None:
        """The call as it was published last, while it is active; none where it is not."""
        found = await self._bus.persist(lambda: self._bus.client.hget(self._bus.keys.live, call_id))
        if found is None:
            return None
        try:
            message = decode_publication(found)
        except WireError:
            return None
        return message if isinstance(message, CallState) else None

    async def release(self) -> None:
        """Give the partitions back at once instead of letting their leases run out. One try: Redis may be away."""
        self._open.clear()
        await self._leases.release()

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
        """Bring what is held up to date, with all that another worker left in it."""
        new = await self._bus.persist(self._leases.balance)
        self._owed |= new
        for partition in {*self._given} - (self._leases.held - new):
            del self._given[partition]
        self._states.sweep(time.monotonic())
        self._balanced_at = time.monotonic()
        held = self._leases.held
        self._open &= held
        self._owed &= held
        for partition in sorted(held - self._open):
            await self._bus.persist(lambda opened=partition: self._make_group(opened))  # type: ignore[misc]
            self._open.add(partition)
        if self._owed or self._balanced_at - self._searched_at >= self._bus.settings.lease_seconds:
            self._searched_at = self._balanced_at
            for partition in sorted(self._open):
                if await self._bus.persist(lambda opened=partition: self._claim(opened), but=(GroupMissing,)):  # type: ignore[misc]
                    self._owed.add(partition)

    async def _make_group(self, partition: int) -> None:
        try:
            await self._bus.client.xgroup_create(self._bus.keys.forks(partition), GROUP, id="0", mkstream=True)
        except GroupExists:
            return

    async def _claim(self, partition: int) -> bool:
        """Take what other workers have read and will not acknowledge any more; whether there was any.

        A worker may have read on for a moment after its lease ran out: they are looked for again and again.
        """
        client, stream = self._bus.client, self._bus.keys.forks(partition)
        pending = await client.xpending(stream, GROUP)
        others = [each["name"] for each in pending["consumers"] or () if each["name"] != self._worker.encode()]
        for name in others:
            while entries := await client.xpending_range(stream, GROUP, "-", "+", BATCH, consumername=name):
                ids = [entry["message_id"] for entry in entries]
                await client.xclaim(stream, GROUP, self._worker, 0, ids, justid=True)
            await self._forget(keys=[stream], args=[GROUP, name])
        return bool(others)

    async def _read(self) -> list[Delivery]:
        if not self._open:
            await asyncio.sleep(min(self._leases.interval_seconds, self._bus.settings.lease_seconds / 6))
            return []
        if self._is_unsure:
            self._owed |= self._open
        self._is_unsure = True
        deliveries = await self._owed_or_new()
        for delivery in deliveries:
            self._given[delivery.partition].add(delivery.entry_id)
        self._is_unsure = False
        return deliveries

    async def _owed_or_new(self) -> list[Delivery]:
        for partition in sorted(self._owed):  # our own pending entries, oldest first
            stream = self._bus.keys.forks(partition)
            owed = await self._decode(await self._bus.client.xreadgroup(GROUP, self._worker, {stream: "0"}))
            self._owed.discard(partition)
            if owed:
                return owed
        streams = {self._bus.keys.forks(partition): UNREAD for partition in sorted(self._open)}
        wait_ms = int(1000 * min(SILENCE_SECONDS / 3, self._leases.interval_seconds))
        return await self._decode(
            await self._bus.client.xreadgroup(GROUP, self._worker, streams, count=BATCH, block=wait_ms)
        )

    async def _decode(self, rows: Any) -> list[Delivery]:
        deliveries = []
        for stream, entries in rows or ():
            partition = int(stream.rpartition(b":")[2])
            tenure = self._leases.tenure(partition)
            for entry_id, fields in entries:
                if entry_id in self._given[partition]:
                    continue
                if not fields:  # pending, and trimmed from the full stream: its number is missing from its call
                    await self._bus.client.xack(stream, GROUP, entry_id)
                    continue
                try:
                    event = decode_fork_event(fields[b"m"])
                except (WireError, KeyError) as error:
                    await self._bury(stream, entry_id, fields.get(b"m", b""), error)
                else:
                    deliveries.append(Delivery(partition, tenure, entry_id, event))
        return deliveries

    async def _bury(self, stream: bytes, entry_id: bytes, payload: bytes, error: Exception) -> None:
        reason = error.reason if isinstance(error, WireError) else "malformed"
        DEAD_LETTERS.labels(reason).inc()
        letter = [reason, str(error)[:200], payload[:DEAD_LETTER_BYTES]]
        kept_seconds = int(self._bus.settings.retention_days * 86_400) + 1
        await self._burying(
            keys=[stream, self._bus.keys.dead_letters],
            args=[GROUP, entry_id, DEAD_LETTERS_KEPT, kept_seconds, *letter],
        )
