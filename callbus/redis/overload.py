"""Whether analysis is overloaded: told by its workers, asked by bridges and consoles.

A worker's word holds for WORD_SECONDS, so that nobody is bound by a worker that died. Where Redis or a worker says
nothing, nothing is overloaded.
"""

from __future__ import annotations

from dataclasses import dataclass

from callbus.redis.bus import Bus
from callbus.redis.scripts.lease import OVERLOADED, OVERLOADS

WORD_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Overload:
    """How much of analysis is overloaded."""

    workers: int = 0
    """That live."""
    overloaded: int = 0
    """Of them."""

    @property
    def is_some(self) -> bool:
        """Whether words of some calls are left out."""
        return self.overloaded > 0

    @property
    def is_all(self) -> bool:
        """Whether analysis as a whole is overloaded: most of its workers. A new call may be given to any."""
        return 2 * self.overloaded > self.workers


async def tell(bus: Bus, worker: str, is_overloaded: bool) -> None:
    """Say how a worker is, again within WORD_SECONDS as long as it is overloaded. One try."""
    say = bus.client.register_script(OVERLOADED)
    await say(keys=[bus.keys.overloaded], args=[worker, int(1000 * WORD_SECONDS), int(is_overloaded)])


async def overload(bus: Bus) -> Overload:
    """How analysis is, as far as its workers have told. One try."""
    ask = bus.client.register_script(OVERLOADS)
    lasting = [int(1000 * seconds) for seconds in (bus.settings.lease_seconds, WORD_SECONDS)]
    workers, overloaded = await ask(keys=[bus.keys.workers, bus.keys.overloaded], args=lasting)
    return Overload(workers, overloaded)
