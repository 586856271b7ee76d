"""How often callers have called: by caller's hash, for some days, in Redis.

A matter is what brings a caller to call. It begins with the call of somebody who has not called for the counted days:
the first contact. It was resolved at that if no other call follows within as many days.
"""

from __future__ import annotations

import asyncio

from prometheus_client import Counter, Histogram

from callbus.messages.contact import Contact
from callbus.redis.bus import Bus
from callbus.redis.trouble import FAILURES

RESOLVED, REPEATED = "resolved", "repeated"
EARLIER = Histogram(
    "callvane_earlier_contacts",
    "Callers' earlier contacts within contacts.days, as their calls begin.",
    buckets=(0, 1, 2, 3, 4, 5, 10, 20, 50),
)
FIRST_CONTACTS = Counter(
    "callvane_first_contacts_total",
    "First contacts by what came of them: resolved (no further one within contacts.days), repeated.",
    ["outcome"],
)
UNCOUNTED = Counter(
    "callvane_contacts_uncounted_total",
    "Calls of known callers whose earlier contacts could not be counted: Redis failed or was too slow.",
)
for _outcome in (RESOLVED, REPEATED):
    FIRST_CONTACTS.labels(_outcome)

MOST_CONTACTS = 50
"""Remembered of a caller, the latest ones."""
MOST_MATTERS = 1_000_000
"""First contacts remembered until it is known what came of them, the latest ones."""
ANSWER_SECONDS = 1.0
SETTLED_SECONDS = 120
"""By then, `settle` has come to a first contact whose days are over."""

_COUNT = """
-- A caller's call begins. The same call may be counted again: it is then known, and changes nothing.
-- KEYS: when the caller has called, first contacts
-- ARGV: call, caller, window s, most of a caller, most first contacts, s until first contacts are settled
-- Returns how many calls came before this one within the window, when the latest of them began (or ''), and what has
-- come of the caller's first contact if this call decides that (or '').
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
local window = tonumber(ARGV[3])
local first = tonumber(redis.call('ZSCORE', KEYS[2], ARGV[2]) or '')
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('(%.6f', now - window))
local own = redis.call('ZSCORE', KEYS[1], ARGV[1])
local is_new = not own
own = own and tonumber(own) or now
if is_new then redis.call('ZADD', KEYS[1], string.format('%.6f', now), ARGV[1]) end
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -ARGV[4] - 1)
redis.call('EXPIRE', KEYS[1], math.ceil(window))
local before = string.format('(%.6f', own)
local earlier = redis.call('ZCOUNT', KEYS[1], '-inf', before)
local latest = redis.call('ZREVRANGEBYSCORE', KEYS[1], before, '-inf', 'WITHSCORES', 'LIMIT', 0, 1)[2] or ''
local outcome = ''
if is_new and first then
  outcome = now - first > window and 'resolved' or 'repeated'
  redis.call('ZREM', KEYS[2], ARGV[2])
end
if is_new and earlier == 0 then
  redis.call('ZADD', KEYS[2], string.format('%.6f', now), ARGV[2])
  redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -ARGV[5] - 1)
  redis.call('EXPIRE', KEYS[2], math.ceil(window) + ARGV[6])
end
return {earlier, latest, outcome}
"""

_SETTLE = """
-- Removes the first contacts that no other has followed within the window. Returns their number.
-- KEYS: first contacts; ARGV: window s
local clock = redis.call('TIME')
local since = clock[1] + clock[2] / 1000000 - ARGV[1]
return redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('(%.6f', since))
"""


class Contacts:
    """What workers share of callers. Belongs to one event loop."""

    def __init__(self, bus: Bus, days: float) -> None:
        """`days`: how long a contact counts; no longer than Redis keeps anything."""
        self._bus = bus
        self._days = min(days, bus.settings.retention_days)
        self._window = self._days * 86_400
        self._count = bus.client.register_script(_COUNT)
        self._settle = bus.client.register_script(_SETTLE)

    async def count(self, caller: str, call_id: str) -> Contact | None:
        """The caller's contacts before a call that begins. One try; None if Redis fails or is slow."""
        keys = self._bus.keys
        names = [keys.contacts(caller), keys.first_contacts]
        arguments = [call_id, caller, self._window, MOST_CONTACTS, MOST_MATTERS, SETTLED_SECONDS]
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                earlier, latest, outcome = await self._count(keys=names, args=arguments)
        except FAILURES:
            UNCOUNTED.inc()
            return None
        if outcome:
            FIRST_CONTACTS.labels(outcome.decode()).inc()
        EARLIER.observe(earlier)
        return Contact(earlier + 1, earlier, self._days, float(latest) if latest else None)

    async def settle(self) -> None:
        """Count the first contacts whose days are over. One try."""
        resolved = await self._settle(keys=[self._bus.keys.first_contacts], args=[self._window])
        FIRST_CONTACTS.labels(RESOLVED).inc(resolved)
