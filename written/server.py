"""The process: takes messages while Redis works, and stops within moments of SIGTERM.

It keeps nothing: a message is answered once it is in Redis, and until then it is the client's to repeat.
"""

from __future__ import annotations

import asyncio
import logging

from callbus.redis.bus import Bus
from callbus.redis.conversations import Conversations
from service.http_server import allow_files, http_server, listen, url_of
from service.process import Process
from written.gate import CLOSED, REQUESTS
from written.settings import Settings
from written.site import site

log = logging.getLogger(__name__)

CHECK_SECONDS = 1.0
WATCH_SECONDS = 0.25


async def work(settings: Settings, process: Process) -> None:
    """Take messages until the process stops. Raises ConfigError."""
    written = settings.written
    written.accepted()
    known = 4 * written.max_requests
    allow_files(known, "written.max_requests")
    listening = listen("written", written.host, written.port)
    async with Bus(settings.redis) as bus:
        server = http_server(
            site(written, Conversations(bus, written.idle_seconds)),
            "written",
            known,
            closed=lambda reason: CLOSED.labels(reason).inc(),
            malformed=REQUESTS.labels("malformed").inc,
            log=log,
        )
        process.start("the check of redis", _check(bus))
        process.start("the watch", _watch(bus, process))
        serving = process.start("the messages' server", server.serve(sockets=[listening]))
        log.info("written: %s", url_of(listening))
        try:
            await process.stopping.wait()
        finally:
            process.stopping.set()
            server.should_exit = True
            await asyncio.wait([serving])
            await process.end()


async def _check(bus: Bus) -> None:
    """Ask Redis again and again, so that /readyz knows without a message."""
    while True:
        await bus.check()
        await asyncio.sleep(CHECK_SECONDS)


async def _watch(bus: Bus, process: Process) -> None:
    """Keep /readyz in step with Redis."""
    while not process.stopping.is_set():
        process.unready = bus.unready
        await asyncio.sleep(WATCH_SECONDS)
