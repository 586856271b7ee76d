"""Call ids, unique within one bridge. Pure."""

from __future__ import annotations

import zlib
from collections import OrderedDict


class CallIds:
    """Gives every call of this bridge its own id, whatever the PBX sends. Open calls never share one.

    Remembers the ids of the latest ended calls too, so that analysis does not confuse a new call with their remains.
    """

    def __init__(self, remembered: int = 10_000) -> None:
        """`remembered`: number of ended calls whose ids are remembered."""
        self._remembered = remembered
        self._open: set[str] = set()
        self._over: OrderedDict[str, None] = OrderedDict()

    def claim(self, wanted: str, sip_call_id: str) -> str:
        """Return `wanted`, or if it is taken, `wanted` with a suffix from the SIP Call-ID. Held until `release`."""
        found, tries = wanted or "call", 0
        while found in self._open or found in self._over:
            tries += 1
            found = f"{wanted}~{zlib.crc32(f'{sip_call_id} {tries}'.encode()):08x}"
        self._open.add(found)
        return found

    def reclaim(self, call_id: str) -> str:
        """Return the id again for an ended call that resumes, or a new one if another call has it now."""
        if call_id in self._open:
            return self.claim(call_id, call_id)
        self._over.pop(call_id, None)
        self._open.add(call_id)
        return call_id

    def release(self, call_id: str) -> None:
        """The call has ended. Ignored if it is not open."""
        if call_id not in self._open:
            return
        self._open.remove(call_id)
        self._over[call_id] = None
        if len(self._over) > self._remembered:
            self._over.popitem(last=False)
