"""Which partitions of the fork events a worker holds, by Redis' own clock; see scripts.BALANCE.

A dead worker keeps its partitions only until their leases expire; the others look for free ones about once a second.
A worker whose lease expired resumes as before if no other worker took the partition.
"""

from __future__ import annotations

import logging
from collections import Counter as Counts

from prometheus_client import Gauge

from callbus.redis.bus import Bus
from callbus.redis.scripts.lease import BALANCE, RELEASE
from callbus.redis.trouble import FAILURES

log = logging.getLogger(__name__)

PARTITIONS_HELD = Gauge("callvane_partitions_held", "Fork-event partitions held by this worker.")

INTERVAL_SECONDS = 0.8
SETTLING_SECONDS = 2.5
"""In a Redis without data: longer than workers take to find it again, so each gets back the partitions it held."""


class Leases:
    """One worker's leases. `worker` is a unique name, new for every process."""

    def __init__(self, bus: Bus, worker: str) -> None:
        self._bus = bus
        self._worker = worker
        self._balance = bus.client.register_script(BALANCE)
        self._release = bus.client.register_script(RELEASE)
        self._tenures: Counts[int] = Counts()
        self.held: frozenset[int] = frozenset()
        """As far as this worker knows."""
        self.interval_seconds = min(INTERVAL_SECONDS, bus.settings.lease_seconds / 3)
        """Between two calls of `balance`."""
        self.milliseconds = int(bus.settings.lease_seconds * 1000)

    def tenure(self, partition: int) -> int:
        """How often the partition has moved to or from this worker. State kept under one tenure is void in the next."""
        return self._tenures[partition]

    async def balance(self) -> frozenset[int]:
        """Renew, give back, take. Returns the held partitions that another worker held before. One try."""
        settings, keys = self._bus.settings, self._bus.keys
        partitions = range(settings.partitions)
        settling = min(SETTLING_SECONDS, settings.lease_seconds / 2)
        held, new = await self._balance(
            keys=[
                keys.workers,
                keys.beginning,
                *(keys.lease(each) for each in partitions),
                *(keys.holder(each) for each in partitions),
            ],
            args=[self._worker, self.milliseconds, int(1000 * settling), settings.partitions, *sorted(self.held)],
        )
        for partition in (self.held - set(held)) | set(new):
            self._tenures[partition] += 1
        self.held = frozenset(held)
        PARTITIONS_HELD.set(len(self.held))
        return frozenset(new)

    def lose(self, partition: int) -> None:
        """Record that another worker holds the partition."""
        if partition in self.held:
            self.held -= {partition}
            self._tenures[partition] += 1
            PARTITIONS_HELD.set(len(self.held))

    async def release(self) -> None:
        """Give everything back at once instead of letting it expire. One try: Redis may be unavailable."""
        names = [self._bus.keys.workers, *(self._bus.keys.lease(each) for each in sorted(self.held))]
        self.held = frozenset()
        PARTITIONS_HELD.set(0)
        try:
            await self._release(keys=names, args=[self._worker])
        except FAILURES as error:
            log.warning("could not give leases back; they will expire: %.200s", error)
