"""A Redis that says nothing."""

from __future__ import annotations

import pytest
from redis.exceptions import ConnectionError, TimeoutError

from callbus.redis.bus import Bus
from callbus.redis.settings import RedisSettings


@pytest.mark.parametrize(("error", "asks"), [(TimeoutError, 0), (ConnectionError, 1)])
async def test_one_that_is_silent_is_not_asked_why(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, error: type[Exception], asks: int
) -> None:
    """It would be silent again, and /readyz well all the while; one that breaks off may say why at the next try."""
    async with Bus(RedisSettings(url=redis_url)) as bus:
        asked: list[str] = []
        ping = bus.client.ping

        async def asking() -> None:
            asked.append(bus.unready)
            await ping()

        failing = [error("a fault")]

        async def operation() -> str:
            if failing:
                raise failing.pop()
            return bus.unready

        monkeypatch.setattr(bus.client, "ping", asking)
        assert await bus.persist(operation)
        assert len(asked) == asks
