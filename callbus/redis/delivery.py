"""An entry of a fork stream as a worker gets it: an event to work on, or something that nobody can read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from prometheus_client import Counter

from callbus.messages.wire import ForkEvent, UnknownValue, UnknownVersion, WireError, decode_fork_event
from callbus.redis.bus import Bus
from callbus.redis.scripts.fork_stream import BURY

DEAD_LETTERS = Counter(
    "callvane_dead_letters_total", "Messages in Redis that could not be read, by reason.", ["reason"]
)
for _unreadable in (WireError, UnknownVersion, UnknownValue):
    DEAD_LETTERS.labels(_unreadable.reason)
GROUP = "analysis"
DEAD_LETTER_BYTES = 256
DEAD_LETTERS_KEPT = 1_000


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


class Entries:
    """Reads the entries of fork streams."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._burying = bus.client.register_script(BURY)

    async def event(self, stream: bytes, entry_id: bytes, fields: Mapping[bytes, bytes]) -> ForkEvent | None:
        """What stands in an entry; none where nobody can read it: it is buried then."""
        try:
            return decode_fork_event(fields[b"m"])
        except (WireError, KeyError) as error:
            await self._bury(stream, entry_id, fields.get(b"m", b""), error)
            return None

    async def _bury(self, stream: bytes, entry_id: bytes, payload: bytes, error: Exception) -> None:
        reason = error.reason if isinstance(error, WireError) else "malformed"
        DEAD_LETTERS.labels(reason).inc()
        letter = [reason, str(error)[:200], payload[:DEAD_LETTER_BYTES]]
        kept_seconds = int(self._bus.settings.retention_days * 86_400) + 1
        await self._burying(
            keys=[stream, self._bus.keys.dead_letters],
            args=[GROUP, entry_id, DEAD_LETTERS_KEPT, kept_seconds, *letter],
        )
