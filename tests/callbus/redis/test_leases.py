"""Who holds which partition, on a real Redis."""

from __future__ import annotations

import asyncio

import pytest

from callbus.redis.bus import Bus
from callbus.redis.leases import Leases
from callbus.redis.settings import RedisSettings

PARTITIONS = 8


def settings(url: str, lease_seconds: float = 0.6) -> RedisSettings:
    """Short leases."""
    return RedisSettings(url=url, partitions=PARTITIONS, lease_seconds=lease_seconds)


async def until_settled(*leases: Leases) -> None:
    """Let them renew until all partitions are held."""
    async with asyncio.timeout(60):
        while sum(len(each.held) for each in leases) < PARTITIONS:
            for each in leases:
                await each.balance()
            await asyncio.sleep(0.05)


async def test_a_dead_workers_partitions_pass_on_when_their_leases_end(redis_url: str) -> None:
    """It counts in the share for no longer than that: the other one has all at once."""
    async with Bus(settings(redis_url)) as bus:
        dead, other = Leases(bus, "dead"), Leases(bus, "other")
        await until_settled(dead, other)
        assert len(dead.held) == len(other.held) == PARTITIONS / 2
        passed, sizes = frozenset[int](), set[int]()
        async with asyncio.timeout(60):
            while len(other.held) < PARTITIONS:
                passed |= await other.balance()
                sizes.add(len(other.held))
                await asyncio.sleep(0.02)
        assert passed == dead.held
        assert sizes == {PARTITIONS / 2, PARTITIONS}


async def test_a_lapsed_lease_that_nobody_took_goes_on(redis_url: str) -> None:
    """What was read stays in hand: the tenure is the same, and nothing counts as another worker's."""
    async with Bus(settings(redis_url)) as bus:
        slow = Leases(bus, "slow")
        await until_settled(slow)
        tenures = [slow.tenure(each) for each in range(PARTITIONS)]
        await bus.client.delete(*map(bus.keys.lease, range(PARTITIONS)))
        assert await slow.balance() == frozenset()
        assert len(slow.held) == PARTITIONS
        assert [slow.tenure(each) for each in range(PARTITIONS)] == tenures


async def test_one_that_was_elsewhere_meanwhile_is_another(redis_url: str) -> None:
    """Though its lease is free again: what is kept of it does not hold any more."""
    async with Bus(settings(redis_url)) as bus:
        slow = Leases(bus, "slow")
        await until_settled(slow)
        await bus.client.delete(bus.keys.lease(3))
        await bus.client.set(bus.keys.holder(3), "somebody")
        before = slow.tenure(3)
        assert await slow.balance() == {3}
        assert slow.tenure(3) > before


@pytest.mark.parametrize("order", ["one first", "other first"])
async def test_a_redis_that_comes_back_empty_gives_each_its_own(redis_url: str, order: str) -> None:
    """Neither takes what the other held, whoever comes first; nothing passes as another's."""
    async with Bus(settings(redis_url, lease_seconds=2.0)) as bus:
        one, other = Leases(bus, "one"), Leases(bus, "other")
        await until_settled(one, other)
        held = {one: one.held, other: other.held}
        await bus.client.flushall()
        for each in (one, other) if order == "one first" else (other, one):
            assert await each.balance() == frozenset()
        await until_settled(one, other)
        assert {one: one.held, other: other.held} == held


async def test_a_new_worker_waits_in_a_redis_that_knows_nothing(redis_url: str) -> None:
    """For as long as it takes the others to find it again."""
    async with Bus(settings(redis_url, lease_seconds=2.0)) as bus:
        new = Leases(bus, "new")
        await new.balance()
        assert new.held == frozenset()
        await until_settled(new)
        assert await bus.client.zcard(bus.keys.workers) == 1


async def test_what_another_holds_is_not_taken(redis_url: str) -> None:
    """However its lease came about; a hosts' own clock has no say."""
    async with Bus(settings(redis_url)) as bus:
        await bus.client.set(bus.keys.lease(0), "other")
        one = Leases(bus, "one")
        async with asyncio.timeout(60):
            while len(one.held) < PARTITIONS - 1:
                await one.balance()
                await asyncio.sleep(0.05)
        await one.balance()
        assert 0 not in one.held


async def test_a_clock_that_goes_back_stops_no_worker(redis_url: str) -> None:
    """A beginning and a worker that Redis' clock puts into the future count for nothing."""
    async with Bus(settings(redis_url)) as bus:
        ahead = 1_000 * (int((await bus.client.time())[0]) + 3_600)
        await bus.client.set(bus.keys.beginning, ahead)
        await bus.client.zadd(bus.keys.workers, {"of the future": ahead})
        one = Leases(bus, "one")
        async with asyncio.timeout(60):
            while len(one.held) < PARTITIONS:
                await one.balance()
                await asyncio.sleep(0.05)
