"""Last committed states of a worker's calls, in case Redis comes back without them. Bounded.

A state is valid only while its partition stays with this worker; see leases.Leases.tenure.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

MOST = 20_000


@dataclass(frozen=True, slots=True)
class _Kept:
    partition: int
    tenure: int
    state: bytes
    until: float


class States:
    """Beyond MOST, the state committed longest ago is evicted. Times are seconds of one monotonic clock."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def put(self, call_id: str, partition: int, tenure: int, state: bytes, until: float) -> None:
        """Keep a call's state until a time, replacing an earlier one."""
        self._kept.pop(call_id, None)
        while self._kept and (len(self._kept) >= self._most):
            self._kept.popitem(last=False)
        self._kept[call_id] = _Kept(partition, tenure, state, until)

    def find(self, call_id: str, partition: int, tenure: int, now: float) -> bytes | None:
        """A call's state, if it is still valid."""
        kept = self._kept.get(call_id)
        if kept and (kept.partition, kept.tenure) == (partition, tenure) and now < kept.until:
            return kept.state
        return None

    def forget(self, call_id: str) -> None:
        """Drop a call's state."""
        self._kept.pop(call_id, None)

    def sweep(self, now: float) -> None:
        """Drop the states that have expired."""
        for call_id in [call_id for call_id, kept in self._kept.items() if now >= kept.until]:
            del self._kept[call_id]
