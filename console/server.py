"""The process: follows Redis, serves the page, and stops within moments of SIGTERM."""

from __future__ import annotations

import asyncio
import logging

from callbus.redis.bus import Bus
from console.access.gate import CLOSED, REFUSED
from console.agent.desk import Desk
from console.agent.link import key_of
from console.live.board import Board
from console.live.browsers import Browsers
from console.live.follower import Follower
from console.live.stream import EventStream
from console.live.watchers import Watchers
from console.review.pages import Review
from console.settings import ConsoleSettings, Settings
from console.site import PAGE, site
from service.http_server import allow_files, http_server, listen, url_of
from service.process import Process

log = logging.getLogger(__name__)

CONNECTIONS_PER_BROWSER = 4
"""A page needs one for its events and briefly a few for its files."""


async def work(settings: Settings, process: Process) -> None:
    """Serve the page until the process stops. Raises ConfigError."""
    console = settings.console
    console.check()
    key = key_of(console)
    allow_files(_connections(console), "console.max_browsers and max_agents")
    listening = listen("console", console.host, console.port)
    board = Board(console)
    browsers = Browsers(console.max_browsers, console.queue_events)
    watchers = Watchers(console.max_agents)

    def report(fault: str) -> None:
        if not process.stopping.is_set():
            process.unready = fault

    async with Bus(settings.redis) as bus:
        follower = Follower(bus, board, browsers, watchers, console.heartbeat_seconds, report)
        events = EventStream(bus, board, browsers, follower)
        review = Review(bus, console.debriefs_read)
        desk = Desk(key, board, follower, watchers, PAGE)
        server = http_server(
            site(console, board, follower, events, review, desk),
            "page",
            _connections(console),
            closed=lambda reason: CLOSED.labels(reason).inc(),
            malformed=REFUSED.labels("malformed").inc,
            log=log,
            proxy_headers=True,
            forwarded_allow_ips=console.trusted,
        )
        following = [process.start(name, part) for name, part in follower.parts().items()]
        serving = process.start("the page's server", server.serve(sockets=[listening]))
        log.info("console: %s", url_of(listening))
        try:
            await process.stopping.wait()
        finally:
            process.stopping.set()
            browsers.close()
            watchers.close()
            server.should_exit = True
            await asyncio.wait([serving])
            await process.end(*following)


def _connections(console: ConsoleSettings) -> int:
    """Limit for clients that have signed in, by password or link."""
    return CONNECTIONS_PER_BROWSER * (console.max_browsers + 4) + console.agents
