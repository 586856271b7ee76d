"""A bridge's side of Redis, for tests of whole workers."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from callbus.redis.bus import Bus
from callbus.redis.settings import RedisSettings
from tests.analysis.process import LEASE_SECONDS


@pytest.fixture
async def bus(redis_url: str) -> AsyncIterator[Bus]:
    """The bridge's side."""
    async with Bus(RedisSettings(url=redis_url, lease_seconds=LEASE_SECONDS)) as opened:
        yield opened
