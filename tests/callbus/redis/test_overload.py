"""What workers say of their load, on a real Redis."""

from __future__ import annotations

import asyncio

import pytest

from callbus.redis import overload as told
from callbus.redis.bus import Bus
from callbus.redis.leases import Leases
from callbus.redis.overload import Overload, overload, tell
from callbus.redis.settings import RedisSettings


async def test_most_workers_are_analysis_as_a_whole(redis_url: str) -> None:
    """One of two leaves words out of some calls; both are all there is; a word taken back is over at once."""
    async with Bus(RedisSettings(url=redis_url)) as bus:
        assert await overload(bus) == Overload(0, 0)
        for name in ("a", "b"):
            await Leases(bus, name).balance()
        found = []
        for name, is_overloaded in (("a", False), ("a", True), ("b", True), ("a", False)):
            await tell(bus, name, is_overloaded)
            found.append(await overload(bus))
    assert found == [Overload(2, 0), Overload(2, 1), Overload(2, 2), Overload(2, 1)]
    assert [(each.is_some, each.is_all) for each in found] == [
        (False, False),
        (True, False),
        (True, True),
        (True, False),
    ]


async def test_a_word_holds_for_a_while_and_a_dead_workers_not_at_all(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is who holds no partition any more; and a word that holds for ever is no worker's."""
    monkeypatch.setattr(told, "WORD_SECONDS", 0.3)
    async with Bus(RedisSettings(url=redis_url)) as bus:
        workers = Leases(bus, "a"), Leases(bus, "b")
        for worker in workers:
            await worker.balance()
        await tell(bus, "a", True)
        assert (await overload(bus)).is_some
        await asyncio.sleep(0.35)
        assert not (await overload(bus)).is_some
        await bus.client.zadd(bus.keys.overloaded, {"a": "inf", "b": 9e15})
        assert not (await overload(bus)).is_some
        await tell(bus, "b", True)
        await workers[1].release()
        assert await overload(bus) == Overload(1, 0)
