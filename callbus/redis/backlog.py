"""Fork events a bridge holds while Redis is unavailable or slow."""

from __future__ import annotations

from collections import deque

from callbus.messages.conditions import CallEvent
from callbus.messages.utterance import Utterance
from callbus.messages.wire import ForkEvent


class Backlog:
    """A bounded queue of fork events.

    Overflow policy: evict the oldest utterance, then the oldest health event. Evict openings and closings, oldest
    first, only when nothing else is left: a call without an end is worse than one without a sentence.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._events: deque[ForkEvent] = deque()

    def __len__(self) -> int:
        return len(self._events)

    def append(self, event: ForkEvent) -> ForkEvent | None:
        """Add `event`; return the event evicted to make room, if any."""
        self._events.append(event)
        if len(self._events) <= self._limit:
            return None
        for expendable in (Utterance, CallEvent):
            for index, waiting in enumerate(self._events):
                if isinstance(waiting, expendable):
                    del self._events[index]
                    return waiting
        return self._events.popleft()

    def head(self, count: int) -> list[ForkEvent]:
        """Remove and return the oldest `count` events."""
        return [self._events.popleft() for _ in range(min(count, len(self._events)))]
