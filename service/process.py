"""A process's outline: settings, logs, health, the work, and an orderly end on SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

from service.health import Check, HealthServer
from service.logs import configure
from service.settings import ConfigError, ProcessSettings, load

log = logging.getLogger(__name__)

S = TypeVar("S", bound=ProcessSettings)


class Process:
    """What the work sees of its process."""

    def __init__(self) -> None:
        self.stopping = asyncio.Event()
        """Set by SIGTERM and SIGINT. A second signal ends the process at once, unless it is `draining`."""
        self.draining = False
        """Set by work that lets what runs come to its natural end: the next signal then sets `hurried`."""
        self.hurried = asyncio.Event()
        """Set when what is draining is to end now, in order."""
        self.unready = "starting"
        """Why /readyz says 503; empty when the process can work."""
        self.alive_checks: list[Check] = []
        """What /healthz asks beside the event loop: the work adds its own, and takes them away before it ends."""

    def ready(self) -> None:
        """Work can be done from now on."""
        self.unready = ""


Work = Callable[[S, Process], Awaitable[None]]


def main(
    name: str,
    about: str,
    cls: type[S],
    work: Work[S],
    metrics_port: int,
    arguments: list[str] | None = None,
) -> int:
    """Run `work` until it returns. The exit status: 0 in order, 2 for bad settings, 1 for anything else."""
    parser = argparse.ArgumentParser(prog=f"python -m {name}", description=about)
    parser.add_argument("--config", metavar="FILE", help="TOML file; config/callvane.toml shows every setting")
    parsed = parser.parse_args(arguments)
    try:
        settings = load(cls, parsed.config)
        configure(settings.log)
        asyncio.run(_run(name, settings, work, metrics_port))
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if fault := _config_error(error):
            print(f"{name}: {fault}", file=sys.stderr)
            return 2
        log.exception("%s ends: something in it is broken", name)
        return 1
    return 0


def _config_error(error: BaseException) -> ConfigError | None:
    """The bad setting behind `error`, out of the groups that task groups wrap it in."""
    if isinstance(error, BaseExceptionGroup):
        return next(filter(None, map(_config_error, error.exceptions)), None)
    return error if isinstance(error, ConfigError) else None


async def _run(name: str, settings: S, work: Work[S], metrics_port: int) -> None:
    process = Process()
    loop = asyncio.get_running_loop()

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
    with HealthServer(settings.metrics, metrics_port, lambda: process.unready, process.alive_checks) as health:
        log.info("%s: metrics and health on http://%s:%d", name, settings.metrics.host, health.port)
        pulse = asyncio.create_task(_pulse(health), name="pulse")
        try:
            await work(settings, process)
        finally:
            pulse.cancel()


async def _pulse(health: HealthServer) -> None:
    while True:
        health.alive()
        await asyncio.sleep(1.0)
