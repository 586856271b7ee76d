"""A process from start to end."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from service import process as process_module
from service.faults import FAULTS
from service.process import Process, _unhandled

PROGRAM = """
    import asyncio, logging, sys
    from service.process import main
    from service.settings import ConfigError, ProcessSettings

    async def work(settings, process):
        if "chatty" in sys.argv:
            for number in range(1_000): logging.getLogger("work").info("line %d", number)
        if "refuse" in sys.argv: raise ConfigError("analysis.model: no such folder; name another")
        if "group" in sys.argv:
            async with asyncio.TaskGroup() as tasks: tasks.create_task(refuse())
        if "break" in sys.argv: raise RuntimeError("broken")
        process.ready()
        print("working", flush=True)
        await process.stopping.wait()

    async def refuse(): raise ConfigError("analysis.model: no such folder; name another")

    sys.exit(main("work", "Works.", ProcessSettings, work, 0, []))
"""


def start(*arguments: str, **variables: str) -> subprocess.Popen[str]:
    """A process that works until it is told to stop."""
    return started(PROGRAM, *arguments, **variables)


def started(program: str, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    """A process of this program."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, **variables},
    )


def test_sigterm_ends_in_order() -> None:
    """SIGTERM lets the work end by itself, with status 0."""
    with start() as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "working\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def test_bad_setting_ends_with_2_and_one_line() -> None:
    """A refused setting, wherever it was found out, is one line on standard error, the last, and status 2."""
    for arguments, variables in (
        (["refuse"], {}),
        (["chatty", "refuse"], {}),
        (["group"], {}),
        ([], {"CALLVANE_LOG__LEVEL": "loud"}),
    ):
        with start(*arguments, **variables) as process:
            _, errors = process.communicate(timeout=60)
        last = errors.strip().splitlines()[-1]
        assert last.startswith("work: ")
        assert "analysis.model" in last or "log.level" in last
        assert "Traceback" not in errors
        assert process.returncode == 2


def test_broken_work_ends_with_1() -> None:
    """An error that is no setting's ends with status 1 and its traceback."""
    with start("break") as process:
        _, errors = process.communicate(timeout=60)
    assert "RuntimeError: broken" in errors
    assert process.returncode == 1


DYING = """
    import asyncio, os, sys, threading, urllib.error, urllib.request
    from service import process as outline
    from service.owned_thread import OwnedThread
    from service.process import main
    from service.settings import ProcessSettings

    how, kind = sys.argv[1:3]

    def fails():
        if how == "raises": raise RuntimeError("boom")
        if how == "exits": sys.exit(0)

    async def fails_as_task():
        if how == "is cancelled": asyncio.current_task().cancel()
        fails()

    async def breaks_pulse(health): await fails_as_task()
    if kind == "pulse": outline._pulse = breaks_pulse

    def probe():
        try: urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5)
        except urllib.error.HTTPError as error: return error.read().decode().strip()
        return "ok"

    class Health(outline.HealthServer):
        def __enter__(self):
            global port
            port, opened = self.port, super().__enter__()
            if kind == "health":
                self._web._end.result()()
            return opened
    outline.HealthServer = Health

    async def work(settings, process):
        try:
            process.ready()
            if kind == "thread":
                thread = OwnedThread("part", fails)
                process.watch("the part", thread.ended)
                thread.start()
            if kind == "task": process.start("the part", fails_as_task())
            if kind == "work": return fails()
            await process.stopping.wait()
            if kind != "health": print(await asyncio.to_thread(probe), flush=True)
        finally:
            print("handed over", flush=True)

    sys.exit(main("work", "Works.", ProcessSettings, work, 0, []))
"""


@pytest.mark.parametrize(
    ("kind", "how", "named"),
    [
        ("thread", "raises", "the part died of RuntimeError: boom"),
        ("thread", "exits", "the part died of SystemExit: 0"),
        ("thread", "returns", "the part ended unexpectedly"),
        ("task", "raises", "the part died of RuntimeError: boom"),
        ("task", "returns", "the part ended unexpectedly"),
        ("task", "is cancelled", "the part ended unexpectedly"),
        ("pulse", "raises", "the pulse died of RuntimeError: boom"),
        ("pulse", "returns", "the pulse ended unexpectedly"),
        ("health", "is closed", "the health thread ended unexpectedly"),
    ],
)
def test_a_part_that_dies_ends_the_process_in_order(kind: str, how: str, named: str) -> None:
    """However it ends: the work hands over, /healthz says why meanwhile, the log names it once, the status is 1."""
    with started(DYING, how, kind, CALLVANE_METRICS__PORT="0") as process:
        printed, errors = process.communicate(timeout=60)
    assert printed.splitlines() == [*([] if kind == "health" else [named]), "handed over"]
    assert errors.count(f"{named}; stopping") == 1
    assert errors.splitlines()[-1].endswith(f"work ended: {named}")
    assert process.returncode == 1


@pytest.mark.parametrize(
    ("kind", "how", "named"),
    [
        ("work", "raises", "RuntimeError: boom"),
        ("work", "exits", "SystemExit: 0"),
        ("work", "returns", "work ended: the work ended unexpectedly"),
        ("task", "exits", "SystemExit: 0"),
    ],
)
def test_work_that_ends_by_itself_ends_with_1(kind: str, how: str, named: str) -> None:
    """Whatever ended it, it hands over, and no orchestrator takes it for a process that was told to stop."""
    with started(DYING, how, kind, CALLVANE_METRICS__PORT="0") as process:
        printed, errors = process.communicate(timeout=60)
    assert printed.splitlines()[-1] == "handed over"
    assert named in errors
    assert process.returncode == 1


def test_what_a_callback_raises_is_counted() -> None:
    """A fault that nobody waits for ends nothing, and is no secret either; the log has one of many."""

    async def work() -> int:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_unhandled)
        before = survived_so_far("callback")
        for _ in range(10):
            loop.call_soon(int, "no number")
        await asyncio.sleep(0)
        return survived_so_far("callback") - before

    assert asyncio.run(work()) == 10


def survived_so_far(what: str) -> int:
    """Faults of a kind that this process has counted."""
    return int(FAULTS.labels(what)._value.get())


async def test_a_task_that_lost_its_cancellation_is_cancelled_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever swallowed it, the process ends, and its log names the task."""
    monkeypatch.setattr(process_module, "CANCEL_SECONDS", 0.05)
    lost: list[str] = []

    async def deaf() -> None:
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                if lost:
                    raise
                lost.append("the first")

    process = Process()
    process.stopping.set()
    part = process.start("the deaf part", deaf())
    await asyncio.sleep(0)
    async with asyncio.timeout(60):
        await process.end()
    assert part.cancelled()
    assert caplog.records[0].message == "the deaf part goes on after it was cancelled; cancelling it again"
