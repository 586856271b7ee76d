"""Asks a CRM about callers, over HTTP: with a deadline, a cache and a breaker.

Nothing that is asked or answered is logged.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Mapping
from urllib.parse import quote

from prometheus_client import Counter, Histogram

from callbus.messages.contact import CrmRecord
from service.breaker import Breaker
from service.remote_server import Failure, RemoteServer, ServerError
from sip_bridge.contacts.crm_answer import AnswerError, record_of

FOUND, NOTHING, CACHED, LATE, PAUSED, BUSY = "found", "nothing", "cached", "late", "paused", "busy"
OUTCOMES = (FOUND, NOTHING, CACHED, LATE, *Failure, PAUSED, BUSY)
LOOKUPS = Counter(
    "callvane_crm_lookups_total",
    "Callers looked up in the CRM, by outcome: found, nothing (it does not know them), cached, late, invalid, refused, "
    "unreachable, paused (not asked, after failures), busy (not asked, too many at once).",
    ["outcome"],
)
LOOKUP_SECONDS = Histogram(
    "callvane_crm_lookup_seconds",
    "Time for the CRM to answer about a caller.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
for _outcome in OUTCOMES:
    LOOKUPS.labels(_outcome)

MOST_CACHED = 4_096
"""Answers kept; the oldest is dropped."""
UNKNOWN_STATUS = 404
CALLER, NUMBER = "{caller}", "{number}"

log = logging.getLogger(__name__)


class Lookup:
    """Belongs to one event loop."""

    def __init__(
        self, server: RemoteServer, url: str, fields: Mapping[str, str], *, seconds: float, cache_seconds: float
    ) -> None:
        """`url`: with CALLER or NUMBER in it. `fields`: see `crm_answer.record_of`."""
        self._server = server
        self._url = url
        self._fields = fields
        self._seconds = seconds
        self._cache_seconds = cache_seconds
        self._breaker = Breaker()
        self._cache: OrderedDict[str, tuple[float, CrmRecord | None]] = OrderedDict()
        """By caller: until when the answer counts, in monotonic seconds, and the answer."""

    async def find(self, caller: str, number: str) -> CrmRecord | None:
        """What the CRM knows of a caller; None if it knows nothing or does not say. `caller`: the number's hash."""
        now = time.monotonic()
        until, kept = self._cache.get(caller, (0.0, None))
        if now < until:
            LOOKUPS.labels(CACHED).inc()
            return kept
        is_probe = not self._breaker.closed
        if is_probe and not self._breaker.due(now):
            LOOKUPS.labels(PAUSED).inc()
            return None
        outcome, record = LATE, None
        try:
            outcome, record = await self._asked(caller, number)
        finally:
            self._learn(outcome, is_probe)
        LOOKUPS.labels(outcome).inc()
        if outcome in (FOUND, NOTHING):
            LOOKUP_SECONDS.observe(time.monotonic() - now)
            self._keep(caller, record)
        return record

    async def close(self) -> None:
        """Close the connections."""
        await self._server.close()

    async def _asked(self, caller: str, number: str) -> tuple[str, CrmRecord | None]:
        url = self._url.replace(CALLER, caller).replace(NUMBER, quote(number, safe=""))
        try:
            async with asyncio.timeout(self._seconds):
                record = record_of(await self._server.get(url), self._fields)
        except TimeoutError:
            return LATE, None
        except ServerError as error:
            return (NOTHING if error.status == UNKNOWN_STATUS else error.failure), None
        except AnswerError as error:
            log.debug("crm: %s", error)
            return Failure.INVALID, None
        return (FOUND if record else NOTHING), record

    def _learn(self, outcome: str, is_probe: bool) -> None:
        """Let the breaker know; a question that was cancelled counts as late."""
        if outcome in (FOUND, NOTHING):
            if self._breaker.succeeded():
                log.info("the crm answers again")
            return
        now = time.monotonic()
        pause = self._breaker.probe_failed(now) if is_probe else self._breaker.failed(now)
        if pause:
            log.warning("the crm does not answer (%s); pausing look-ups for %g s", outcome, pause)

    def _keep(self, caller: str, record: CrmRecord | None) -> None:
        if not self._cache_seconds:
            return
        self._cache.pop(caller, None)
        self._cache[caller] = time.monotonic() + self._cache_seconds, record
        if len(self._cache) > MOST_CACHED:
            self._cache.popitem(last=False)
