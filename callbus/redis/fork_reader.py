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
from typing import Any

from callbus.messages.call import CallState
from callbus.messages.wire import Publication
from callbus.redis.bus import Bus
from callbus.redis.commits import Commits
from callbus.redis.connections import SILENCE_SECONDS
from callbus.redis.delivery import GROUP, Delivery, Entries
from callbus.redis.leases import Leases
from callbus.redis.scripts.fork_stream import FORGET
from callbus.redis.trouble import GroupExists, GroupMissing, Unblocked

BATCH = 64
UNREAD = ">"
"""What was given to no worker yet."""


class ForkReader:
    """An analysis worker's side. `worker` is a name of its own, new for every process."""

    def __init__(self, bus: Bus, worker: str) -> None:
        self._bus = bus
        self._worker = worker
        self._leases = Leases(bus, worker)
        self._commits = Commits(bus, worker, self._leases)
        self._entries = Entries(bus)
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
        self._forget = bus.client.register_script(FORGET)

    @property
    def held(self) -> frozenset[int]:
        """The partitions that this worker holds, as far as it knows."""
        return self._leases.held

    async def deliveries(self) -> AsyncGenerator[list[Delivery], None]:
        """Events as they come, in order per call; an empty list at least once a second. Ends only by cancellation."""
        while True:
            try:
                if time.monotonic() - self._balanced_at >= self._leases.interval_seconds:
                    await self._balance()
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
        idle_seconds: float | None = None,
        publications: Sequence[Publication] = (),
    ) -> None:
        """See Commits.commit."""
        await self._commits.commit(
            delivery,
            state=state,
            state_seconds=state_seconds,
            idle_seconds=idle_seconds,
            publications=publications,
        )
        self._given[delivery.partition].discard(delivery.entry_id)

    async def state(self, call_id: str, partition: int) -> bytes | None:
        """See Commits.state."""
        return await self._commits.state(call_id, partition)

    async def shown(self, call_id: str) -> CallState | None:
        """See Commits.shown."""
        return await self._commits.shown(call_id)

    async def release(self) -> None:
        """Give the partitions back at once instead of letting their leases run out. One try: Redis may be away."""
        self._open.clear()
        await self._leases.release()

    async def _balance(self) -> None:
        """Bring what is held up to date, with all that another worker left in it."""
        new = await self._bus.persist(self._leases.balance)
        self._owed |= new
        for partition in {*self._given} - (self._leases.held - new):
            del self._given[partition]
        self._commits.sweep()
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
        due = self._balanced_at + self._leases.interval_seconds - time.monotonic()
        wait_ms = max(1, int(1000 * min(SILENCE_SECONDS / 3, due)))  # 0 would be for ever
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
                if event := await self._entries.event(stream, entry_id, fields):
                    deliveries.append(Delivery(partition, tenure, entry_id, event))
        return deliveries
