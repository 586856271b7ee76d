"""A process from start to end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

PROGRAM = """
    import asyncio, sys
    from service.process import main
    from service.settings import ConfigError, ProcessSettings

    async def work(settings, process):
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
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), *arguments],
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
        assert process.wait(10) == 0


def test_bad_setting_ends_with_2_and_one_line() -> None:
    """A refused setting, wherever it was found out, is one line on standard error and status 2."""
    for arguments, variables in (
        (["refuse"], {}),
        (["group"], {}),
        ([], {"CALLVANE_LOG__LEVEL": "loud"}),
    ):
        with start(*arguments, **variables) as process:
            _, errors = process.communicate(timeout=10)
        last = errors.strip().splitlines()[-1]
        assert last.startswith("work: ")
        assert "analysis.model" in last or "log.level" in last
        assert "Traceback" not in errors
        assert process.returncode == 2


def test_broken_work_ends_with_1() -> None:
    """An error that is no setting's ends with status 1 and its traceback."""
    with start("break") as process:
        _, errors = process.communicate(timeout=10)
    assert "RuntimeError: broken" in errors
    assert process.returncode == 1
