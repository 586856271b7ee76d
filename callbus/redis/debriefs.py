"""Debriefs read back from their stream on demand, newest first. Nothing is kept here."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from callbus.messages.debrief import Debrief
from callbus.messages.wire import WireError, decode_publication
from callbus.redis.bus import Bus

PAGE = 50
"""Entries fetched at a time: some 400 kB, and a few milliseconds to decode."""


class DebriefsRead:
    """One look through the stream: of each call its last debrief. Bounded, and not repeated if Redis fails."""

    def __init__(
        self, bus: Bus, most: int, *, since: float = 0.0, before: tuple[int, int] | None = None, containing: bytes = b""
    ) -> None:
        """`most`: entries to look at. `since`: Unix seconds of the oldest. `before`: the id to begin below.

        `containing`: bytes without which an entry is passed over unread.
        """
        self._bus = bus
        self._most = most
        self._since = f"{max(0, int(1_000 * since))}-0"
        self._before = before
        self._containing = containing
        self.looked = 0
        """Entries looked at so far."""
        self.is_cut = False
        """Whether there are older ones that it did not look at, once it has ended."""

    async def each(self) -> AsyncGenerator[tuple[str, Debrief], None]:
        """Stream id and debrief, newest first. Raises what `trouble.FAILURES` lists; entries that cannot be read are
        passed over."""
        end = "+"
        if self._before is not None:
            milliseconds, number = max(self._before, (0, 1))  # nothing is below 0-1, and Redis takes no 0-0 here
            end = f"({milliseconds}-{number}"
        calls: set[str] = set()
        while True:
            wanted = min(PAGE, self._most + 1 - self.looked)
            rows = await self._bus.client.xrevrange(self._bus.keys.debriefs, max=end, min=self._since, count=wanted)
            for entry, fields in rows:
                if self.looked == self._most:
                    self.is_cut = True
                    return
                self.looked += 1
                payload = fields.get(b"m", b"")
                debrief = _debrief(payload) if self._containing in payload else None
                if debrief and debrief.call_id not in calls:
                    calls.add(debrief.call_id)
                    yield entry.decode(), debrief
            if len(rows) < wanted:
                return
            end = f"({rows[-1][0].decode()}"


def _debrief(payload: bytes) -> Debrief | None:
    try:
        message = decode_publication(payload)
    except WireError:
        return None
    return message if isinstance(message, Debrief) else None
