"""From the listener's thread to the event loop, which writes to Redis.

The queue between them is bounded: when the loop stands still, the oldest audio goes first and is counted. Behind it
`callbus.redis.fork_writer` keeps what Redis does not take.
"""

from __future__ import annotations

import asyncio
import logging
from threading import Lock

from prometheus_client import Counter

from callbus.messages.utterance import Utterance
from callbus.messages.wire import ForkEvent
from callbus.redis.backlog import Backlog
from callbus.redis.fork_writer import ForkWriter
from service.faults import survived

HANDOVER_DROPPED = Counter(
    "callvane_handover_dropped_total", "Fork events dropped because the bridge's event loop stood still.", ["type"]
)
HANDOVER_EVENTS = 4_096
GATHER_SECONDS = 0.02
"""What comes within this time is handed over and written together: a wake of the loop costs more than an event."""

log = logging.getLogger(__name__)


class Publisher:
    """Takes events on any thread, in order, and gives them to the writer on its loop."""

    def __init__(self, writer: ForkWriter, loop: asyncio.AbstractEventLoop) -> None:
        self._writer = writer
        self._loop = loop
        self._waiting = Backlog(HANDOVER_EVENTS)
        self._lock = Lock()
        self._called = False

    def publish(self, event: ForkEvent) -> None:
        """Hand over `event`. Any thread; never blocks for longer than a queue operation."""
        with self._lock:
            dropped = self._waiting.append(event)
            call, self._called = not self._called, True
        if dropped is not None:
            HANDOVER_DROPPED.labels("utterance" if isinstance(dropped, Utterance) else "call").inc()
        if call:
            self._loop.call_soon_threadsafe(self._loop.call_later, GATHER_SECONDS, self.hand_over)

    def hand_over(self) -> None:
        """Give all that waits to the writer. On the loop's thread."""
        with self._lock:
            self._called = False
            events = self._waiting.head(len(self._waiting))
        for event in events:
            try:
                self._writer.publish(event)
            except Exception:
                survived("publishing", log, event.call_id)
