"""Tells bridges and consoles that this worker is overloaded, for as long as it is."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence

from prometheus_client import Gauge

from analysis.lanes.in_hand import InHand
from analysis.words.strain import Strain
from analysis.words.waiting import BEHIND_SECONDS, BUSY_SECONDS
from callbus.redis.bus import Bus
from callbus.redis.overload import WORD_SECONDS, tell
from callbus.redis.trouble import FAILURES

log = logging.getLogger(__name__)

OVERLOADED = Gauge("callvane_analysis_overloaded", "1 while this worker is overloaded and says so to bridges, else 0.")

AFTER_SECONDS = 30.0
"""Behind for so long, or leaving words out: longer than it takes until agents' words are left out."""
OVER_SECONDS = 10.0
"""Nearly idle for so long, it ends: calls that were refused come again, and not all at once."""
LOOK_SECONDS = 0.25
TELL_SECONDS = WORD_SECONDS / 3
ANSWER_SECONDS = 1.0


class OverloadWatch:
    """One worker's."""

    def __init__(self, bus: Bus, worker: str, in_hand: InHand, loads: Sequence[Callable[[], float]]) -> None:
        """`loads`: seconds of work that wait before each of its stages."""
        self._bus = bus
        self._worker = worker
        self._in_hand = in_hand
        self._loads = loads
        self._strain = Strain(BEHIND_SECONDS, BUSY_SECONDS, AFTER_SECONDS, OVER_SECONDS)

    async def run(self) -> None:
        """Look, and tell, until cancelled. Never waits for Redis: a word that is not heard was none."""
        told, told_at = False, float("-inf")
        while True:
            now = time.monotonic()
            is_overloaded = self._strain.note(self._load(), now)
            if is_overloaded is not told:
                log.warning("overloaded: new calls are refused") if is_overloaded else log.info("overloaded no more")
            OVERLOADED.set(is_overloaded)
            if is_overloaded is not told or (is_overloaded and now - told_at >= TELL_SECONDS):
                told, told_at = is_overloaded, now
                await self._tell(is_overloaded)
            await asyncio.sleep(LOOK_SECONDS)

    def _load(self) -> float:
        """The longest wait; what has just been left out was too much, however little is left."""
        return max(BEHIND_SECONDS * 2 if self._in_hand.has_shed() else 0.0, *(load() for load in self._loads))

    async def _tell(self, is_overloaded: bool) -> None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await tell(self._bus, self._worker, is_overloaded)
        except FAILURES as error:
            log.warning("could not say that this worker is overloaded: %.200s", error)
