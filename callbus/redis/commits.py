"""What a worker makes of an event, written in one step, and what it has written before."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from prometheus_client import Counter

from callbus.messages.alert import Alert
from callbus.messages.call import CallState, Phase
from callbus.messages.debrief import Debrief
from callbus.messages.transcript import Transcript
from callbus.messages.wire import Publication, WireError, decode_publication, encode_publication
from callbus.redis.bus import Bus
from callbus.redis.delivery import GROUP, Delivery
from callbus.redis.leases import Leases
from callbus.redis.scripts.commit import COMMIT
from callbus.redis.states import States

ALERTS_PUBLISHED = Counter("callvane_alerts_published_total", "Alerts published, by kind.", ["kind"])
ALERTS_UNHEARD = Counter(
    "callvane_alerts_without_subscriber_total", "Alerts published while nobody subscribed to the channel."
)

ONCE_SECONDS = 86_400
"""How long Redis knows that an alert was published, and which event of a call was committed last."""


class LeaseLost(Exception):
    """The partition belongs to another worker now; that one will do the work."""


class Commits:
    """One worker's."""

    def __init__(self, bus: Bus, worker: str, leases: Leases) -> None:
        self._bus = bus
        self._worker = worker
        self._leases = leases
        self._states = States()
        self._commit = bus.client.register_script(COMMIT)

    async def commit(
        self,
        delivery: Delivery,
        *,
        state: bytes | None = None,
        state_seconds: float | None = None,
        idle_seconds: float | None = None,
        publications: Sequence[Publication] = (),
    ) -> None:
        """Publish, store the call's state and acknowledge, all or nothing.

        The state expires after `state_seconds`; without it, after those of the settings. A written conversation, which
        no bridge holds, ends after `idle_seconds` without another commit that says so; its state lasts longer. Waits
        while Redis is away.
        Raises LeaseLost when another worker holds the partition, or has held it since.
        """
        settings, keys = self._bus.settings, self._bus.keys
        partition, call_id = delivery.partition, delivery.event.call_id
        usual = settings.state_seconds + (idle_seconds or 0.0)
        kept_seconds = int(usual if state_seconds is None else state_seconds)
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
            "" if idle_seconds is None else int(idle_seconds) + 1,
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
            keys.conversations,
        ]
        receivers = None
        if delivery.tenure == self._leases.tenure(partition):
            receivers = await self._bus.persist(lambda: self._commit(keys=names, args=arguments))
        if receivers is None:
            self._leases.lose(partition)
            raise LeaseLost(partition)
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

    def sweep(self) -> None:
        """Let go of the states whose time is over."""
        self._states.sweep(time.monotonic())

    def _publication(self, message: Publication) -> list[Any]:
        keys = self._bus.keys
        payload = encode_publication(message)
        match message:
            case Alert():
                return [keys.alerts, payload, keys.published(message.alert_id), "", ""]
            case Transcript():
                return [keys.transcripts, payload, "", "", ""]
            case Debrief():
                return [keys.debriefs, payload, "", "", ""]
            case CallState():
                active = message.phase is Phase.ACTIVE
                return [keys.calls, payload, "", "set" if active else "remove", message.call_id]
