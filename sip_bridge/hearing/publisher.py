"""Passes events from the listener's thread to the event loop, which writes them to Redis.

The queue in between is bounded: if the loop is stuck, the oldest audio is dropped first, and counted.
`callbus.redis.fork_writer` then buffers what Redis does not accept.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from functools import partial
from threading import Lock

from prometheus_client import Counter

from callbus.messages.utterance import Utterance
from callbus.messages.wire import ForkEvent
from callbus.redis.backlog import Backlog
from callbus.redis.foretelling import DROPPED, TOLD_AHEAD
from callbus.redis.fork_writer import ForkWriter
from service.faults import survived

HANDOVER_DROPPED = Counter(
    "callvane_handover_dropped_total", "Fork events dropped because the bridge's event loop was stuck.", ["type"]
)
HANDOVER_EVENTS = 4_096
FORETOLD = 64
"""Utterances told ahead of their end that wait for the loop; more are not told."""
GATHER_SECONDS = 0.02
"""Events within this time are handed over and written together: waking the loop costs more than an event."""

log = logging.getLogger(__name__)


class Publisher:
    """Accepts events on any thread and passes them, in order, to the writer on its loop."""

    def __init__(self, writer: ForkWriter, loop: asyncio.AbstractEventLoop) -> None:
        self._writer = writer
        self._loop = loop
        self._waiting = Backlog(HANDOVER_EVENTS)
        self._foretold: deque[Utterance] = deque()
        self._lock = Lock()
        self._called = False

    def publish(self, event: ForkEvent) -> None:
        """Queue `event`. Any thread; blocks no longer than a queue operation."""
        with self._lock:
            dropped = self._waiting.append(event)
        if dropped is not None:
            HANDOVER_DROPPED.labels("utterance" if isinstance(dropped, Utterance) else "call").inc()
        self._call()

    def foretell(self, utterance: Utterance) -> None:
        """Queue what will be an utterance if nobody speaks on, unless too many wait. Any thread, as `publish`."""
        with self._lock:
            if len(self._foretold) >= FORETOLD:
                TOLD_AHEAD.labels(DROPPED).inc()
                return
            self._foretold.append(utterance)
        self._call()

    def hand_over(self) -> None:
        """Pass all queued events to the writer. Loop's thread only."""
        with self._lock:
            self._called = False
            foretold, self._foretold = self._foretold, deque()
            events = self._waiting.head(len(self._waiting))
        for event in events:
            self._try(partial(self._writer.publish, event), event.call_id)
        for utterance in foretold:
            self._try(partial(self._writer.foretell, utterance), utterance.call_id)

    @staticmethod
    def _try(give: Callable[[], None], call_id: str) -> None:
        try:
            give()
        except Exception:
            survived("publishing", log, call_id)

    def _call(self) -> None:
        """Have the loop hand over what waits."""
        with self._lock:
            call, self._called = not self._called, True
        if call:
            self._loop.call_soon_threadsafe(self._loop.call_later, GATHER_SECONDS, self.hand_over)
