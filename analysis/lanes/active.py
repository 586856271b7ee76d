"""The active calls of a worker, and what it has last seen of each. Its partition may have been another's meanwhile."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass

from prometheus_client import Gauge

from analysis.words.language import Spoken

CALLS = Gauge("callvane_analysis_calls_active", "Active calls on this worker.")

FORGET_SECONDS = 3_600.0
"""A call without events for this long no longer counts as active."""


@dataclass(slots=True)
class Seen:
    """An active call."""

    partition: int
    at: float
    """Its latest event, monotonic seconds."""
    recording_id: str
    """The heard one."""
    spoken: Spoken
    """What is known of its language."""


class Active:
    """Belongs to one event loop."""

    def __init__(self) -> None:
        self._seen: dict[str, Seen] = {}

    def saw(self, call_id: str, partition: int, recording_id: str, spoken: Spoken) -> None:
        """An event of a call whose recording is heard."""
        self._seen[call_id] = Seen(partition, time.monotonic(), recording_id, spoken)

    def learn(self, call_id: str, spoken: Spoken) -> None:
        """What is known of its language now."""
        if seen := self._seen.get(call_id):
            seen.spoken = spoken

    def find(self, call_id: str) -> Seen | None:
        """What was seen of a call; None if it is not active."""
        return self._seen.get(call_id)

    def forget(self, call_id: str) -> None:
        """It is over, or another worker's."""
        self._seen.pop(call_id, None)

    def count(self, held: Collection[int]) -> None:
        """Forget the calls of partitions that are not held, and those that nothing was heard of for long."""
        now = time.monotonic()
        gone = [
            call_id
            for call_id, seen in self._seen.items()
            if seen.partition not in held or now - seen.at > FORGET_SECONDS
        ]
        for call_id in gone:
            del self._seen[call_id]
        CALLS.set(len(self._seen))
