"""Utterances told ahead of their end, as they are if nobody speaks on. Over pub/sub: kept nowhere, and never repeated.

A worker may read them meanwhile. Losing one costs nothing, because the utterance itself follows as a fork event. So
they are the first thing that a bridge does not send when Redis is slow, away or full, and the last thing it sends of
what it has. No worker acknowledges them, and no partition's length or age counts them.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Collection

from prometheus_client import Counter
from redis.asyncio.client import PubSub

from callbus.messages.utterance import Utterance
from callbus.messages.wire import WireError, decode_fork_event, encode_fork_event
from callbus.redis.bus import Bus
from callbus.redis.delivery import DEAD_LETTERS
from callbus.redis.partition import partition_of
from callbus.redis.trouble import FAILURES

log = logging.getLogger(__name__)

SENT, UNHEARD, DROPPED = OUTCOMES = ("sent", "unheard", "dropped")
TOLD_AHEAD = Counter(
    "callvane_utterances_told_ahead_total",
    "Utterances that a bridge told ahead of their end: sent, unheard (no worker reads ahead), dropped (Redis or the "
    "event loop was late).",
    ["outcome"],
)
for _outcome in OUTCOMES:
    TOLD_AHEAD.labels(_outcome)

WAITING = 64
"""Most that wait for Redis; what comes beyond is not told."""
FRESH_SECONDS = 0.2
"""What has waited longer is not told: the utterance itself is about to follow."""
SEND_SECONDS = 0.5
"""Longest time that sending may keep the bridge's events waiting."""
DEAF_SECONDS = 5.0
"""How long nothing more is told of a partition to which nobody listened."""
IDLE_SECONDS = 10.0
"""Without a message for so long a reader connects again, in case its connection has died unseen."""
RETRY_SECONDS = 2.0
POLL_SECONDS = 0.5
"""Between two looks at which partitions are held."""


class Foretelling:
    """A bridge's side. Belongs to one event loop."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._waiting: deque[tuple[float, Utterance]] = deque()
        self._deaf: dict[int, float] = {}
        """Partitions to which nobody listened, and until when (monotonic) that is believed."""

    def append(self, utterance: Utterance) -> None:
        """Queue it, unless too many wait or nobody would listen."""
        partition = partition_of(utterance.call_id, self._bus.settings.partitions)
        if self._deaf.get(partition, 0.0) > time.monotonic():
            TOLD_AHEAD.labels(UNHEARD).inc()
        elif len(self._waiting) >= WAITING or not self._bus.connected:
            TOLD_AHEAD.labels(DROPPED).inc()
        else:
            self._waiting.append((time.monotonic(), utterance))

    async def send(self) -> None:
        """Tell what waits, if that is still of use. One try; raises nothing but what cancels it."""
        now, told = time.monotonic(), self._waiting
        self._waiting = deque()
        fresh = [utterance for at, utterance in told if now - at <= FRESH_SECONDS and self._bus.connected]
        TOLD_AHEAD.labels(DROPPED).inc(len(told) - len(fresh))
        if not fresh:
            return
        partitions = [partition_of(each.call_id, self._bus.settings.partitions) for each in fresh]
        try:
            async with asyncio.timeout(SEND_SECONDS), self._bus.client.pipeline(transaction=False) as pipeline:
                for partition, utterance in zip(partitions, fresh, strict=True):
                    pipeline.publish(self._bus.keys.ahead(partition), encode_fork_event(utterance))
                listeners = await pipeline.execute()
        except (TimeoutError, *FAILURES):  # the events that follow meet the same trouble, and tell of it
            TOLD_AHEAD.labels(DROPPED).inc(len(fresh))
            return
        for partition, count in zip(partitions, listeners, strict=True):
            TOLD_AHEAD.labels(SENT if count else UNHEARD).inc()
            if not count:
                self._deaf[partition] = now + DEAF_SECONDS


class AheadReader:
    """A worker's side."""

    def __init__(self, bus: Bus, held: Callable[[], Collection[int]]) -> None:
        """`held`: the partitions to listen to now."""
        self._bus = bus
        self._held = held
        self._is_told = False

    async def utterances(self) -> AsyncGenerator[Utterance]:
        """What bridges tell of the calls in the held partitions. Ends only by cancellation."""
        while True:
            pubsub = self._bus.client.pubsub(ignore_subscribe_messages=True)
            try:
                async for utterance in self._heard(pubsub):
                    yield utterance
            except FAILURES as error:
                if not self._is_told and self._bus.connected:
                    self._is_told = True
                    log.warning(
                        "nothing is read ahead while redis does not let us listen, or closes the connection: %.200s",
                        error,
                    )
                await asyncio.sleep(RETRY_SECONDS)
            finally:
                await pubsub.aclose()

    async def _heard(self, pubsub: PubSub) -> AsyncGenerator[Utterance]:
        listening: set[str] = set()
        heard_at = time.monotonic()
        while time.monotonic() - heard_at < IDLE_SECONDS:
            wanted = {self._bus.keys.ahead(partition) for partition in self._held()}
            if wanted - listening:
                await pubsub.subscribe(*wanted - listening)
            if listening - wanted:
                await pubsub.unsubscribe(*listening - wanted)
            listening = wanted
            if not wanted:
                await asyncio.sleep(POLL_SECONDS)
                continue
            received = await pubsub.get_message(timeout=POLL_SECONDS)
            if received is None:
                continue
            heard_at = time.monotonic()
            if utterance := _readable(received["data"]):
                self._is_told = False
                yield utterance


def _readable(payload: bytes) -> Utterance | None:
    try:
        event = decode_fork_event(payload)
    except WireError as error:
        DEAD_LETTERS.labels(error.reason).inc()
        return None
    return event if isinstance(event, Utterance) else None
