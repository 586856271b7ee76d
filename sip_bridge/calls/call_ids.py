"""The names of calls: no two of one bridge share one. Pure."""

from __future__ import annotations

import zlib
from collections import OrderedDict


class CallIds:
    """Sees to it that no two calls of this bridge share an id, whatever the PBX sends: those that are open never do.

    Remembers the latest of those that are over, so that analysis can tell a new call from what is left of them.
    """

    def __init__(self, remembered: int = 10_000) -> None:
        """`remembered`: calls that are over."""
        self._remembered = remembered
        self._open: set[str] = set()
        self._over: OrderedDict[str, None] = OrderedDict()

    def claim(self, wanted: str, sip_call_id: str) -> str:
        """`wanted`, or where that was given before, the same with a mark made from the SIP Call-ID; until `release`."""
        found, tries = wanted or "call", 0
        while found in self._open or found in self._over:
            tries += 1
            found = f"{wanted}~{zlib.crc32(f'{sip_call_id} {tries}'.encode()):08x}"
        self._open.add(found)
        return found

    def reclaim(self, call_id: str) -> str:
        """The same id once more, for a call that was over and goes on; a new one where another call has it now."""
        if call_id in self._open:
            return self.claim(call_id, call_id)
        self._over.pop(call_id, None)
        self._open.add(call_id)
        return call_id

    def release(self, call_id: str) -> None:
        """The call is over; nothing where it is not open."""
        if call_id not in self._open:
            return
        self._open.remove(call_id)
        self._over[call_id] = None
        if len(self._over) > self._remembered:
            self._over.popitem(last=False)
