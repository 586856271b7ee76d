"""Agents' loads in Redis: one small value by an agent's keyed hash, and what is shown of it on a call. For some hours.

Neither is in a stream: a load is forgotten by itself, and nobody can list whose load is what.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import msgspec
from prometheus_client import Counter

from callbus.messages.load import AgentLoad
from callbus.redis.bus import Bus
from callbus.redis.trouble import FAILURES

UNKNOWN = Counter(
    "callvane_loads_unknown_total", "Times an agent's load could not be kept: Redis failed or was too slow."
)

KEPT_SECONDS = 12 * 3_600
"""After an agent's latest call. Longer than any shift, shorter than a day."""
ANSWER_SECONDS = 1.0
TRIES = 3
"""Two calls of one agent may change it at once."""
MOST_BYTES = 1_024

_REPLACE = """
-- Replaces an agent's load unless somebody else has since it was read, and shows it on a call. Returns whether it did.
-- KEYS: the agent's load, the call's; ARGV: as it was read ('' for none), as it is to be, as shown, s until forgotten
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[4])
redis.call('SET', KEYS[2], ARGV[3], 'EX', ARGV[4])
return 1
"""


class Loads:
    """What workers share of agents. Belongs to one event loop."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._replace = bus.client.register_script(_REPLACE)

    async def change(self, agent: str, call_id: str, after: Callable[[bytes], tuple[bytes, AgentLoad]]) -> None:
        """Put what `after` makes of an agent's value in its place, and on their call; it is empty if there is none.

        `agent`: a keyed hash. If Redis fails, is slow, or others change it all the time, nothing is kept.
        """
        keys = [self._bus.keys.load(agent), self._bus.keys.call_load(call_id)]
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                for _ in range(TRIES):
                    known = await self._bus.client.get(keys[0]) or b""
                    changed, shown = after(known if len(known) <= MOST_BYTES else b"")
                    told = msgspec.json.encode(shown)
                    if await self._replace(keys=keys, args=[known, changed, told, KEPT_SECONDS]):
                        return
        except FAILURES:
            pass
        UNKNOWN.inc()


async def call_loads(bus: Bus, call_ids: Sequence[str]) -> dict[str, AgentLoad]:
    """What is to be shown on these calls. One try."""
    if not call_ids:
        return {}
    found = await bus.client.mget([bus.keys.call_load(call_id) for call_id in call_ids])
    loads = ((call_id, _readable(value)) for call_id, value in zip(call_ids, found, strict=True) if value)
    return {call_id: load for call_id, load in loads if load}


def _readable(value: bytes) -> AgentLoad | None:
    """None for what a stranger or a newer Callvane wrote."""
    try:
        return msgspec.json.decode(value[: MOST_BYTES + 1], type=AgentLoad)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
