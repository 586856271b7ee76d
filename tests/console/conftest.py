"""A running console for each test that wants one."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.console.running import Publisher, RunningConsole


@pytest.fixture
async def publisher(redis_url: str) -> AsyncIterator[Publisher]:
    """Publishes to an empty Redis."""
    async with Publisher(redis_url) as publisher:
        yield publisher


@pytest.fixture
async def console(redis_url: str) -> AsyncIterator[RunningConsole]:
    """A console that follows that Redis, and must end in order."""
    async with RunningConsole(redis_url, heartbeat_seconds=0.3) as console:
        await console.ready()
        yield console
        assert await console.stop() == 0, console.log
