"""The life of a process: settings, logs, health, the work, orderly shutdown.

It stops on SIGTERM and SIGINT, and when a part it needs (a thread or a task) raises or returns unexpectedly. Shutdown
is the same in both cases; only the exit status differs.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

from service import standard_streams
from service.faults import survived
from service.health import Check, HealthServer
from service.logs import configure, flush
from service.settings import ConfigError, ProcessSettings, load

log = logging.getLogger(__name__)

CANCEL_SECONDS = 10.0
"""How long a cancelled task may take to put things in order, before it is cancelled again."""

S = TypeVar("S", bound=ProcessSettings)


class Process:
    """The work's view of its process. Belongs to one event loop."""

    def __init__(self) -> None:
        self.stopping = asyncio.Event()
        """Set by SIGTERM and SIGINT, and when a part dies. A second signal exits immediately, unless the process is
        `draining`."""
        self.draining = False
        """Set by work that is letting running items finish: the next signal then sets `hurried`."""
        self.hurried = asyncio.Event()
        """Set when the drain must end now, in order."""
        self.unready = "starting"
        """Why /readyz returns 503; empty when the process can work."""
        self.alive_checks: list[Check] = [lambda: self.fault]
        """What /healthz checks besides the event loop. The work adds its own and removes them before it ends."""
        self.fault = ""
        """Which part died, and how; empty while all are alive."""
        self._tasks: set[asyncio.Task[None]] = set()

    def ready(self) -> None:
        """Mark the process as able to work."""
        self.unready = ""

    def start(self, name: str, part: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a task that must run until the process stops."""
        task = asyncio.create_task(part, name=name)
        self._tasks.add(task)
        self.watch(name, task)
        return task

    def watch(self, name: str, part: asyncio.Future[None] | Future[None]) -> None:
        """Shut the process down in order, with status 1, if this part ends before the process stops.

        `part`: a task, or `OwnedThread.ended`. An exception is a fault at any time, even while stopping.
        """
        loop = asyncio.get_running_loop()

        def ended(part: Any) -> None:
            with suppress(RuntimeError):  # the loop is already closed
                loop.call_soon_threadsafe(self._ended, name, part)

        part.add_done_callback(ended)

    async def end(self, *tasks: asyncio.Task[None]) -> None:
        """Cancel the given tasks, or all that `start` has started, and wait until they end.

        Libraries lose cancellations, so those that go on are cancelled again.
        """
        ending = set(tasks or self._tasks)
        while ending:
            for task in ending:
                task.cancel()
            ended, ending = await asyncio.wait(ending, timeout=CANCEL_SECONDS)
            self._tasks -= ended
            for task in ending:
                log.warning("%s goes on after it was cancelled; cancelling it again", task.get_name())

    def _ended(self, name: str, part: asyncio.Future[None] | Future[None]) -> None:
        error = None if part.cancelled() else part.exception()
        if error is None and self.stopping.is_set():
            return
        how = f"died of {type(error).__name__}: {error}" if error else "ended unexpectedly"
        log.critical("%s %s; stopping", name, how, exc_info=error)
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
    """Run `work` until it returns. Returns the exit status: 0 after an orderly stop, 2 for bad settings, else 1.

    `work` must return once `Process.stopping` is set, and must hand over what it holds however it ends.
    """
    standard_streams.ensure()
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
            flush()  # lines that wait would come after the one that counts
            standard_streams.tell(f"{name}: {refused}")
            return 2
        log.exception("%s: unexpected error, exiting", name)
        return 1
    if fault:
        log.error("%s ended: %s", name, fault)
    return 1 if fault else 0


def _config_error(error: BaseException) -> ConfigError | None:
    """The ConfigError in `error`, unwrapped from exception groups; None if there is none."""
    if isinstance(error, BaseExceptionGroup):
        return next(filter(None, map(_config_error, error.exceptions)), None)
    return error if isinstance(error, ConfigError) else None


async def _run(name: str, settings: S, work: Work[S], metrics_port: int) -> str:
    """Run the work. Returns why the process died; empty after an orderly stop."""
    process = Process()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_unhandled)

    def stop(number: signal.Signals) -> None:
        if process.draining and not process.hurried.is_set():
            log.info("%s: ending the drain, stopping now", number.name)
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
        await asyncio.sleep(0)  # let the last `_ended` callbacks run
    return process.fault or ("" if was_told else "the work ended unexpectedly")


async def _pulse(health: HealthServer) -> None:
    while True:
        health.alive()
        await asyncio.sleep(1.0)


def _unhandled(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Count and log an exception from a callback, or from a task that was never awaited."""
    try:
        raise context.get("exception") or RuntimeError(context["message"])
    except BaseException:
        survived("callback", log)
