"""What a bridge says of its callers. Calls are opened on another thread than the event loop that look-ups run on."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
from collections.abc import Callable

from callbus.messages.contact import CrmRecord
from service.faults import survived
from sip_bridge.contacts.lookup import BUSY, LOOKUPS, Lookup

HASH_BYTES = 16
MOST_LOOKUPS = 256
"""Under way at the same time; for further callers nobody is asked."""

log = logging.getLogger(__name__)


class Contacts:
    """Belongs to the event loop; `hash_of` and `look_up` may be called on any thread and never block."""

    def __init__(self, key: bytes, lookup: Lookup | None, loop: asyncio.AbstractEventLoop) -> None:
        """`lookup`: None if nobody is asked."""
        self._key = key
        self._lookup = lookup
        self._loop = loop
        self._tasks: set[asyncio.Task[None]] = set()

    def hash_of(self, number: str) -> str:
        """The number's keyed hash, as in CallOpened; empty for no number."""
        if not number:
            return ""
        return hmac.digest(self._key, number.encode(errors="replace"), hashlib.sha256)[:HASH_BYTES].hex()

    def look_up(self, caller: str, number: str, tell: Callable[[CrmRecord], None]) -> None:
        """Soon, ask about a caller. `tell` is called on the loop's thread if there is something to tell."""
        if self._lookup:
            self._loop.call_soon_threadsafe(self._begin, self._lookup, caller, number, tell)

    async def close(self) -> None:
        """End all look-ups and close their connections."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._lookup:
            await self._lookup.close()

    def _begin(self, lookup: Lookup, caller: str, number: str, tell: Callable[[CrmRecord], None]) -> None:
        if len(self._tasks) >= MOST_LOOKUPS:
            LOOKUPS.labels(BUSY).inc()
            return
        task = asyncio.create_task(_ask(lookup, caller, number, tell))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _ask(lookup: Lookup, caller: str, number: str, tell: Callable[[CrmRecord], None]) -> None:
    try:
        if found := await lookup.find(caller, number):
            tell(found)
    except Exception:
        survived("lookup", log)
