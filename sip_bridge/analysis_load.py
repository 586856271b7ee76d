"""Asks once a second whether analysis is overloaded, so that new forks are refused. Fails open."""

from __future__ import annotations

import asyncio
import logging

from prometheus_client import Gauge

from callbus.redis.bus import Bus
from callbus.redis.overload import Overload, overload
from callbus.redis.trouble import FAILURES
from sip_bridge.pjsip.endpoint import Endpoint

REFUSING = Gauge(
    "callvane_forks_refused_for_analysis", "1 while new forks are refused because analysis is overloaded, else 0."
)

ASK_SECONDS = 1.0
ANSWER_SECONDS = 1.0

log = logging.getLogger(__name__)


async def watch(bus: Bus, endpoint: Endpoint) -> None:
    """Keep the endpoint's view of analysis current, until cancelled."""
    while True:
        refuses = (await _asked(bus)).is_all
        if refuses is not endpoint.analysis_overloaded:
            log.warning("analysis is overloaded: refusing new calls" if refuses else "analysis takes new calls again")
        endpoint.analysis_overloaded = refuses
        REFUSING.set(refuses)
        await asyncio.sleep(ASK_SECONDS)


async def _asked(bus: Bus) -> Overload:
    """What Redis says; nothing where it does not answer, which others notice."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await overload(bus)
    except FAILURES:
        return Overload()
