"""A bridge's start, its watch over Redis, and its end."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from contextlib import suppress
from functools import partial

from callbus.bus import Bus
from callbus.fork_writer import ForkWriter
from service.process import Process
from sip_bridge import files, vendors
from sip_bridge.endpoint import Endpoint
from sip_bridge.exposure import exposure, worry
from sip_bridge.listener import Listener
from sip_bridge.publisher import Publisher
from sip_bridge.settings import SipBridgeSettings

LISTENER_SECONDS = 2.0
FLUSH_SECONDS = 3.0
DESTROY_SECONDS = 4.0
"""Beyond shutdown_seconds: what the library may take to close."""
WATCH_SECONDS = 0.25
DRAIN_STEP_SECONDS = 0.25
STALL_SECONDS = 5.0
"""A turn of the sip thread takes some hundredths of a second."""
BACKLOG_FULL = 0.9
"""Of redis.backlog_events: the rest is for the calls that run."""

log = logging.getLogger(__name__)


async def run(settings: SipBridgeSettings, process: Process) -> None:
    """Answer forks until the process is told to stop. ConfigError if a port cannot be had, or a file."""
    words = vendors.load(settings.bridge.vendors)
    files.allow(settings.bridge.max_calls)
    async with Bus(settings.redis) as bus:
        writer = ForkWriter(bus)
        publisher = Publisher(writer, asyncio.get_running_loop())
        listener = Listener(publisher.publish, one_way_seconds=settings.bridge.one_way_seconds)
        endpoint = Endpoint(settings.bridge, listener, words)
        port = await asyncio.to_thread(endpoint.start)
        stalled = partial(_stalled, endpoint)
        process.alive_checks.append(stalled)
        listener.start()
        log.info("%s", exposure(settings.bridge, port, endpoint.tls_port))
        if worrying := worry(settings.bridge):
            log.warning("%s", worrying)
        async with asyncio.TaskGroup() as tasks:
            writing = tasks.create_task(writer.run(), name="writer")
            watching = tasks.create_task(_watch(bus, writer, endpoint, process), name="watch")
            await _until_told(process, endpoint)
            watching.cancel()
            await _drain(settings.bridge.drain_seconds, endpoint, process)
            process.alive_checks.remove(stalled)  # the end has its own deadlines
            await _shut_down(settings, endpoint, listener, publisher, writer)
            writing.cancel()


async def _until_told(process: Process, endpoint: Endpoint) -> None:
    """Wait for the process to be told to stop; raises what ended the sip thread before."""
    ended = asyncio.wrap_future(endpoint.ended)
    ended.add_done_callback(lambda _: process.stopping.set())
    await process.stopping.wait()
    if ended.done():
        ended.result()


async def _watch(bus: Bus, writer: ForkWriter, endpoint: Endpoint, process: Process) -> None:
    """Keep /readyz true: calls are taken without Redis, but nobody sees them; with a full backlog none are taken."""
    while True:
        endpoint.backlogged = writer.waiting >= BACKLOG_FULL
        process.unready = _stalled(endpoint) or bus.unready
        await asyncio.sleep(WATCH_SECONDS)


def _stalled(endpoint: Endpoint) -> str:
    """Why no call is answered or ended any more; empty while the sip thread runs."""
    return "the sip thread stands still" if time.monotonic() - endpoint.turned_at > STALL_SECONDS else ""


async def _drain(seconds: float, endpoint: Endpoint, process: Process) -> None:
    """Refuse new forks and let running calls end by themselves, until the deadline or the next signal."""
    endpoint.drain()
    if not seconds:
        return
    process.draining, process.unready = True, "draining"
    log.info("draining: %d calls run on, for %.0f s at most", endpoint.held, seconds)
    deadline = time.monotonic() + seconds
    await asyncio.sleep(DRAIN_STEP_SECONDS)  # a fork that was being answered is held by then
    while endpoint.held and time.monotonic() < deadline and not endpoint.ended.done():
        with suppress(TimeoutError):
            await asyncio.wait_for(process.hurried.wait(), DRAIN_STEP_SECONDS)
            break
    process.draining = False
    log.info("drained: %d calls left", endpoint.held)


async def _shut_down(
    settings: SipBridgeSettings, endpoint: Endpoint, listener: Listener, publisher: Publisher, writer: ForkWriter
) -> None:
    """The sound's way, in its order: calls hung up, last words cut, messages handed over and written."""
    closed = await asyncio.to_thread(endpoint.stop, settings.bridge.shutdown_seconds + DESTROY_SECONDS)
    heard = await asyncio.to_thread(listener.stop, LISTENER_SECONDS)
    publisher.hand_over()
    written = await writer.flush(FLUSH_SECONDS)
    if not written:
        log.warning("redis did not take the last messages within %.0f s", FLUSH_SECONDS)
    if not (closed and heard):
        # A thread inside the library cannot be stopped, and the interpreter's own end could wait for it.
        log.error("the sip library did not close in time; ending without it")
        sys.stderr.flush()
        os._exit(0)
    log.info("stopped: all calls closed")
