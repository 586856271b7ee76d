"""A process's outline: settings, logs, health, the work, and an orderly end.

SIGTERM and SIGINT end it, and so does the death of any part that it needs: a thread or a task that has raised, or has
returned unasked. The end is the same, in order; the exit status is not.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

from service.faults import survived
from service.health import Check, HealthServer
from service.logs import configure
from service.settings import ConfigError, ProcessSettings, load

log = logging.getLogger(__name__)

S = TypeVar("S", bound=ProcessSettings)


class Process:
    """What the work sees of its process. Belongs to one event loop."""

    def __init__(self) -> None:
        self.stopping = asyncio.Event()
        """Set by SIGTERM and SIGINT, and when a part dies. A second signal ends the process at once, unless it is
        `draining`."""
        self.draining = False
        """Set by work that lets what runs come to its natural end: the next signal then sets `hurried`."""
        self.hurried = asyncio.Event()
        """Set when what is draining is to end now, in order."""
        self.unready = "starting"
        """Why /readyz says 503; empty when the process can work."""
        self.alive_checks: list[Check] = [lambda: self.fault]
        """What /healthz asks beside the event loop: the work adds its own, and takes them away before it ends."""
        self.fault = ""
        """Which part has died, and how; empty while all live."""
        self._tasks: set[asyncio.Task[None]] = set()

    def ready(self) -> None:
        """Work can be done from now on."""
        self.unready = ""

    def start(self, name: str, part: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a task that the process needs until it stops."""
        task = asyncio.create_task(part, name=name)
        self._tasks.add(task)
        self.watch(name, task)
        return task

    def watch(self, name: str, part: asyncio.Future[None] | Future[None]) -> None:
        """End the process, in order and with status 1, should this part of it end before the process stops.

        `part`: a task, or the end of a thread (`owned_thread`). One that raises is a fault at any time.
        """
        loop = asyncio.get_running_loop()

        def ended(part: Any) -> None:
            with suppress(RuntimeError):  # the loop has ended before it: nobody is left to tell
                loop.call_soon_threadsafe(self._ended, name, part)

        part.add_done_callback(ended)

    async def end(self, *tasks: asyncio.Task[None]) -> None:
        """Cancel tasks that `start` has started, or all of them, and wait for their ends."""
        ending = tasks or tuple(self._tasks)
        for task in ending:
            task.cancel()
        if ending:
            await asyncio.wait(ending)
        self._tasks.difference_update(ending)

    def _ended(self, name: str, part: asyncio.Future[None] | Future[None]) -> None:
        error = None if part.cancelled() else part.exception()
        if error is None and self.stopping.is_set():
            return
        how = f"died of {type(error).__name__}: {error}" if error else "ended unasked"
        log.critical("%s %s; the process stops", name, how, exc_info=error)
        self.fault = self.fault or f"{name} {how}".partition("\n")[0]
        self.hurried.set()
        self.stopping.set()


Work = Callable[[S, Process], Awaitable[None]]


def main(
    name: str,
    about: str,
    cls: type[S],
    work: Work[S],
    metrics_port: int,
    arguments: list[str] | None = None,
) -> int:
    """Run `work` until it returns. The exit status: 0 in order, 2 for bad settings, 1 for anything else.

    `work` returns once `Process.stopping` is set, and hands over what it has in hand whatever else ends it.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {name}", description=about)
    parser.add_argument("--config", metavar="FILE", help="TOML file; config/callvane.toml shows every setting")
    parsed = parser.parse_args(arguments)
    try:
        settings = load(cls, parsed.config)
        configure(settings.log)
        fault = asyncio.run(_run(name, settings, work, metrics_port))
    except KeyboardInterrupt:
        return 130
    except (Exception, SystemExit) as error:
        if refused := _config_error(error):
            print(f"{name}: {refused}", file=sys.stderr)
            return 2
        log.exception("%s ends: something in it is broken", name)
        return 1
    if fault:
        log.error("%s ended: %s", name, fault)
    return 1 if fault else 0


def _config_error(error: BaseException) -> ConfigError | None:
    """The bad setting behind `error`, out of the groups that task groups wrap it in."""
    if isinstance(error, BaseExceptionGroup):
        return next(filter(None, map(_config_error, error.exceptions)), None)
    return error if isinstance(error, ConfigError) else None


async def _run(name: str, settings: S, work: Work[S], metrics_port: int) -> str:
    """What the process has died of; empty where it ended as it was told to."""
    process = Process()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_unhandled)

    def stop(number: signal.Signals) -> None:
        if process.draining and not process.hurried.is_set():
            log.info("%s: stopping without waiting any longer", number.name)
            process.hurried.set()
            return
        if process.stopping.is_set():
            raise KeyboardInterrupt
        log.info("%s: stopping", number.name)
        process.unready = "stopping"
        process.stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, number)

    def unready() -> str:
        return process.fault or process.unready

    with HealthServer(settings.metrics, metrics_port, unready, process.alive_checks) as health:
        log.info("%s: metrics and health on http://%s:%d", name, settings.metrics.host, health.port)
        process.watch("the health thread", health.ended)
        process.start("the pulse", _pulse(health))
        try:
            await work(settings, process)
        finally:
            was_told = process.stopping.is_set()
            process.stopping.set()
            await process.end()
        await asyncio.sleep(0)  # deaths that were noted last
    return process.fault or ("" if was_told else "the work ended unasked")


async def _pulse(health: HealthServer) -> None:
    while True:
        health.alive()
        await asyncio.sleep(1.0)


def _unhandled(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What a callback raised, or a task that nobody waited for."""
    try:
        raise context.get("exception") or RuntimeError(context["message"])
    except BaseException:
        survived("callback", log)
