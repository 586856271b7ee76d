"""A bridge's startup, readiness and shutdown."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from callbus.redis.bus import Bus
from callbus.redis.fork_writer import ForkWriter
from service.process import Process
from sip_bridge import analysis_load
from sip_bridge.contacts.choice import chosen_contacts
from sip_bridge.exposure import exposure, worry
from sip_bridge.hearing.listener import Listener
from sip_bridge.hearing.publisher import Publisher
from sip_bridge.pjsip import open_files
from sip_bridge.pjsip.endpoint import Endpoint
from sip_bridge.request import vendors
from sip_bridge.settings import SipBridgeSettings

LISTENER_SECONDS = 2.0
FLUSH_SECONDS = 3.0
LEAVE_SECONDS = 1.0
DESTROY_SECONDS = 4.0
"""How long the library may take to close, in addition to shutdown_seconds."""
WATCH_SECONDS = 0.25
DRAIN_STEP_SECONDS = 0.25
STALL_SECONDS = 5.0
"""A turn of the SIP thread normally takes a few hundredths of a second."""
BACKLOG_FULL = 0.9
"""Share of redis.backlog_events above which no new calls are accepted; the rest is reserved for running calls."""

log = logging.getLogger(__name__)


async def run(settings: SipBridgeSettings, process: Process) -> None:
    """Answer forks until the process stops. Raises ConfigError if a port or a file is unusable.

    However it ends, it hangs up the calls and hands over what it has heard.
    """
    words = vendors.load(settings.bridge.vendors)
    contacts = chosen_contacts(settings.contacts, asyncio.get_running_loop())
    open_files.allow(settings.bridge.max_calls)
    async with Bus(settings.redis) as bus:
        writer = ForkWriter(bus)
        publisher = Publisher(writer, asyncio.get_running_loop())
        listener = Listener(
            publisher.publish, one_way_seconds=settings.bridge.one_way_seconds, foretell=publisher.foretell
        )
        endpoint = Endpoint(settings.bridge, listener, words, contacts)
        port = await asyncio.to_thread(endpoint.start)
        stalled = partial(_stalled, endpoint, listener)
        process.alive_checks.append(stalled)
        writing = process.start("the writer to redis", writer.run())
        try:
            listener.start()
            process.watch("the listener", listener.ended)
            process.watch("the sip thread", endpoint.ended)
            log.info("%s", exposure(settings.bridge, port, endpoint.tls_port))
            if worrying := worry(settings.bridge):
                log.warning("%s", worrying)
            watching = process.start("the watch", _watch(bus, writer, endpoint, stalled, process))
            asking = []
            if settings.bridge.refuse_while_overloaded:
                asking.append(process.start("the watch over analysis", analysis_load.watch(bus, endpoint)))
            await process.stopping.wait()
            await process.end(watching, *asking)
            await _drain(settings.bridge.drain_seconds, endpoint, process)
        finally:
            process.stopping.set()
            process.alive_checks.remove(stalled)  # shutdown has its own deadlines
            if writing.done() or writing.cancelling():  # it died, or the loop is cancelling all its tasks
                writing = process.start("the writer to redis", writer.run())
            await _shut_down(settings, endpoint, listener, publisher, writer, process)
            if contacts:
                await contacts.close()
            await process.end(writing)
            await writer.leave(LEAVE_SECONDS)


async def _watch(
    bus: Bus, writer: ForkWriter, endpoint: Endpoint, stalled: Callable[[], str], process: Process
) -> None:
    """Keep /readyz current. Without Redis, calls are answered (though nobody sees them) until the backlog is full."""
    while True:
        endpoint.backlogged = writer.waiting >= BACKLOG_FULL
        process.unready = stalled() or bus.unready
        await asyncio.sleep(WATCH_SECONDS)


def _stalled(endpoint: Endpoint, listener: Listener) -> str:
    """Which thread is stuck, so that calls are not answered, ended or heard; empty while both run."""
    now = time.monotonic()
    if now - endpoint.turned_at > STALL_SECONDS:
        return "the sip thread is stuck"
    since = listener.busy_since
    return "the listener is stuck" if since is not None and now - since > STALL_SECONDS else ""


async def _drain(seconds: float, endpoint: Endpoint, process: Process) -> None:
    """Refuse new forks and let running calls continue, until the deadline, the next signal or the death of a part."""
    endpoint.drain()
    if not seconds or process.fault:
        return
    process.draining, process.unready = True, "draining"
    log.info("draining: %d calls may continue for up to %.0f s", endpoint.held, seconds)
    deadline = time.monotonic() + seconds
    await asyncio.sleep(DRAIN_STEP_SECONDS)  # by then, a fork that was being answered is counted
    while endpoint.held and time.monotonic() < deadline:
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_STEP_SECONDS):
                await process.hurried.wait()
            break
    process.draining = False
    log.info("drained: %d calls left", endpoint.held)


async def _shut_down(
    settings: SipBridgeSettings,
    endpoint: Endpoint,
    listener: Listener,
    publisher: Publisher,
    writer: ForkWriter,
    process: Process,
) -> None:
    """Shut down in the order of the data: hang up calls, cut the last utterances, hand over messages, write them."""
    closed = await asyncio.to_thread(endpoint.stop, settings.bridge.shutdown_seconds + DESTROY_SECONDS)
    heard = await asyncio.to_thread(listener.stop, LISTENER_SECONDS)
    publisher.hand_over()
    written = await writer.flush(FLUSH_SECONDS)
    if not written:
        log.warning("redis did not accept the last messages within %.0f s", FLUSH_SECONDS)
    if not (closed and heard):
        # A thread inside the library cannot be stopped, and normal interpreter exit could wait for it.
        log.error("the sip library or the listener did not stop in time; exiting without it")
        logging.shutdown()
        os._exit(1 if process.fault else 0)
    if not process.fault:
        log.info("stopped: all calls closed")
