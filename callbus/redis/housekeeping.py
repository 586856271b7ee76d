"""Periodic work in Redis, with or without traffic: close dead bridges', lost and idle calls, trim old entries, settle
first contacts.

Every worker runs this; each round is done by the first worker to claim it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from prometheus_client import Counter, Gauge
from redis.exceptions import ResponseError

from callbus.messages.call import BRIDGE_LOST, IDLE, CallClosed, Reason
from callbus.messages.wire import WireError, decode_fork_event, encode_fork_event
from callbus.redis.bus import Bus
from callbus.redis.contacts import Contacts
from callbus.redis.partition import partition_of
from callbus.redis.scripts.bridge_calls import UNHELD
from callbus.redis.scripts.written_turns import IDLE as FINISH_IDLE
from callbus.redis.trouble import trouble_of

log = logging.getLogger(__name__)

CALLS_SWEPT = Counter(
    "callvane_calls_swept_total",
    "Calls closed because their bridge died or their end was lost.",
)
CONVERSATIONS_IDLE = Counter(
    "callvane_conversations_idle_total", "Written conversations closed because nobody wrote in them any more."
)
STREAM_BYTES = Gauge("callvane_stream_bytes", "Redis memory used by a stream, as reported by Redis.", ["type"])
SUBSCRIBERS = Gauge(
    "callvane_alert_subscribers", "Consoles and tools that subscribe to the alerts' channel by its name."
)

ROUND_SECONDS = 5.0
TRIM_SECONDS = 60.0
DEAD_SECONDS = 20.0
"""A bridge silent for this long is dead."""
IDLE_AT_ONCE = 256
"""Conversations that a round ends at most."""
UNHELD_SECONDS = 20.0
"""A call on the board that no live bridge holds has ended. Its end may still be waiting to be read."""


class Housekeeping:
    """One worker's share of the housekeeping."""

    def __init__(self, bus: Bus, contacts: Contacts | None = None) -> None:
        """`contacts`: None if nobody counts them."""
        self._bus = bus
        self._contacts = contacts
        self._unheld = bus.client.register_script(UNHELD)
        self._finish_idle = bus.client.register_script(FINISH_IDLE)

    async def run(self) -> None:
        """Do the rounds that are due, until cancelled."""
        while True:
            if await self._is_ours(self._bus.keys.swept, ROUND_SECONDS):
                await self._bus.persist(self.sweep)
            if await self._is_ours(self._bus.keys.trimmed, TRIM_SECONDS):
                await self._bus.persist(self.trim)
                if self._contacts:
                    await self._bus.persist(self._contacts.settle)
            await self._bus.persist(self.count_subscribers)
            await asyncio.sleep(ROUND_SECONDS / 5)

    async def _is_ours(self, key: str, seconds: float) -> bool:
        """Whether a round is due and this worker claimed it."""
        milliseconds = int(1000 * seconds)
        return bool(await self._bus.persist(lambda: self._bus.client.set(key, "1", nx=True, px=milliseconds)))

    async def sweep(self) -> None:
        """Close calls whose bridge died or whose end was lost, and idle conversations. One try."""
        keys, client = self._bus.keys, self._bus.client
        now, _ = await client.time()
        for name, beat_at in await client.zrangebyscore(keys.bridges, "-inf", now - DEAD_SECONDS, withscores=True):
            held = keys.bridge_calls("").encode() + name
            calls = await client.hgetall(held)
            await self._close(
                _closed(call_id, beat_at, beat_at - _seconds(opened_at), name) for call_id, opened_at in calls.items()
            )
            pipeline = client.pipeline(transaction=True)
            pipeline.delete(held)
            pipeline.zrem(keys.bridges, name)
            await pipeline.execute()
            if calls:
                log.warning("bridge %s died; closed its %s", _printable(name), _counted(len(calls)))
        await self._end_idle(now)
        names = [keys.live, keys.bridges, keys.unheld, keys.conversations]
        unheld = await self._unheld(keys=names, args=[UNHELD_SECONDS, keys.bridge_calls("")])
        await self._close(_closed(call_id, now) for call_id in unheld)
        if unheld:
            await client.zrem(keys.unheld, *unheld)
            if strange := [call_id for call_id in unheld if _closed(call_id, now) is None]:
                await client.hdel(keys.live, *strange)
            log.warning("closed %s whose end was lost", _counted(len(unheld)))

    async def _end_idle(self, now: float) -> None:
        """End the written conversations in which nobody writes any more."""
        keys, client = self._bus.keys, self._bus.client
        for call_id in await client.zrangebyscore(keys.conversations, "-inf", now, start=0, num=IDLE_AT_ONCE):
            closed = _closed(call_id, now, reason=IDLE)
            partition = partition_of(call_id.decode(errors="replace"), self._bus.settings.partitions)
            names = [keys.conversations, keys.conversation("").encode() + call_id, keys.forks(partition)]
            ended = await self._finish_idle(keys=names, args=[call_id, encode_fork_event(closed) if closed else b""])
            CONVERSATIONS_IDLE.inc(ended)

    async def _close(self, closings: Iterable[CallClosed | None]) -> None:
        """Write closings as a bridge does; a repeated closing changes nothing."""
        pipeline = self._bus.client.pipeline(transaction=True)
        for closed in filter(None, closings):
            stream = self._bus.keys.forks(partition_of(closed.call_id, self._bus.settings.partitions))
            pipeline.xadd(stream, {"m": encode_fork_event(closed)})
            CALLS_SWEPT.inc()
        await pipeline.execute()

    async def trim(self) -> None:
        """Keep every stream within its age and memory limits. One try."""
        settings, keys, client = self._bus.settings, self._bus.keys, self._bus.client
        seconds, _ = await client.time()
        oldest = max(0, int(1000 * (seconds - settings.retention_days * 86_400)))
        most = settings.stream_megabytes * 1e6
        for label, stream in (
            ("alert", keys.alerts),
            ("transcript", keys.transcripts),
            ("call", keys.calls),
            ("debrief", keys.debriefs),
            ("dead_letter", keys.dead_letters),
        ):
            await client.xtrim(stream, minid=oldest, approximate=False)
            taken: float = await self._bytes(stream)
            if taken > most:
                entries = await client.xlen(stream)
                await client.xtrim(stream, maxlen=int(entries * most / taken), approximate=False)
                taken = most
            STREAM_BYTES.labels(label).set(taken)

    async def count_subscribers(self) -> None:
        """Count who listens for alerts; nobody, where Redis does not tell. One try."""
        try:
            counted = await self._bus.client.pubsub_numsub(self._bus.keys.alerts)
        except ResponseError as error:
            if trouble_of(error).passes:
                raise
            SUBSCRIBERS.set(0)
        else:
            SUBSCRIBERS.set(sum(number for _, number in counted))

    async def _bytes(self, stream: str) -> int:
        try:
            return int(await self._bus.client.memory_usage(stream) or 0)
        except ResponseError:  # some servers that speak the Redis protocol do not report it
            return 0


def _closed(
    call_id: bytes, at: float, seconds: float = 0.0, bridge: bytes = b"", reason: Reason = BRIDGE_LOST
) -> CallClosed | None:
    """The closing that a call is owed; None if the entry was not written by a Callvane bridge."""
    try:
        owed = CallClosed(call_id.decode(), at, max(0.0, seconds), reason, bridge.decode())
        decode_fork_event(encode_fork_event(owed))  # would a reader accept it?
    except (UnicodeDecodeError, WireError):
        return None
    return owed


def _counted(calls: int) -> str:
    return "1 call" if calls == 1 else f"{calls} calls"


def _printable(name: bytes) -> str:
    """A bridge's name for the log; whoever can write to Redis can write any bytes there."""
    return "".join(letter if letter.isprintable() else "?" for letter in name[:64].decode(errors="replace"))


def _seconds(opened_at: bytes) -> float:
    try:
        return float(opened_at)
    except ValueError:
        return 0.0
