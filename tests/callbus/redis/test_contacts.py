"""Callers' contacts, counted in a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from prometheus_client import REGISTRY

from callbus import Contact
from callbus.redis import contacts as counting
from callbus.redis.bus import Bus
from callbus.redis.contacts import MOST_CONTACTS, Contacts
from callbus.redis.housekeeping import Housekeeping
from callbus.redis.settings import RedisSettings
from tests.conftest import PrivateRedis
from tests.kept import kept

ANNE, BOB = "a" * 32, "b" * 32
DAY = 86_400
SHORT = 0.5 / DAY
"""Half a second, in days."""


@pytest.fixture
async def bus(redis_url: str) -> AsyncIterator[Bus]:
    """On an empty Redis."""
    async with Bus(RedisSettings(url=redis_url)) as opened:
        yield opened


class Outcomes:
    """What has come of first contacts since this was made: resolved, repeated."""

    def __init__(self) -> None:
        self._before = self._now()

    @property
    def since(self) -> tuple[int, int]:
        """Their numbers."""
        resolved, repeated = (round(now - before) for now, before in zip(self._now(), self._before, strict=True))
        return resolved, repeated

    @staticmethod
    def _now() -> tuple[float, float]:
        name = "callvane_first_contacts_total"
        resolved, repeated = (REGISTRY.get_sample_value(name, {"outcome": each}) for each in ("resolved", "repeated"))
        return resolved or 0.0, repeated or 0.0


async def number(contacts: Contacts, caller: str, call_id: str) -> int:
    """Which contact a call is."""
    counted = await contacts.count(caller, call_id)
    assert counted
    return counted.number


async def test_each_call_of_a_caller_is_one_contact_more(bus: Bus) -> None:
    """Others' calls do not count."""
    contacts = Contacts(bus, 7)
    assert await contacts.count(ANNE, "c1") == Contact(1, 0, 7.0, None)
    first, _ = await bus.client.time()
    assert [await number(contacts, *each) for each in ((BOB, "c2"), (ANNE, "c3"), (ANNE, "c4"))] == [1, 2, 3]
    counted = await contacts.count(ANNE, "c5")
    assert counted
    assert (counted.earlier, counted.days) == (3, 7.0)
    assert counted.last_at
    assert abs(counted.last_at - first) < 20


async def test_a_call_counted_again_stays_which_it_was(bus: Bus) -> None:
    """By another worker, after later calls: the answer may have been lost."""
    one, other = Contacts(bus, 7), Contacts(bus, 7)
    found = [await number(one, ANNE, call) for call in ("c1", "c2", "c3")]
    assert [await number(other, ANNE, call) for call in ("c1", "c2", "c3")] == found == [1, 2, 3]


async def test_calls_at_once_are_counted_one_by_one(bus: Bus) -> None:
    """Whatever workers they are at."""
    workers = [Contacts(bus, 7) for _ in range(4)]
    found = await asyncio.gather(*(number(workers[i % 4], ANNE, f"c{i}") for i in range(20)))
    assert sorted(found) == [*range(1, 21)]


async def test_a_contact_counts_for_its_days(bus: Bus) -> None:
    """Then it is forgotten, and with the last of a caller all that was known of them."""
    contacts = Contacts(bus, SHORT)
    assert [await number(contacts, ANNE, call) for call in ("c1", "c2")] == [1, 2]
    await asyncio.sleep(0.6)
    assert await number(contacts, ANNE, "c3") == 1
    key = bus.keys.contacts(ANNE)
    assert await bus.client.zrange(key, 0, -1) == [b"c3"]
    await asyncio.sleep(1.1)
    assert not await bus.client.exists(key)


async def test_no_longer_than_redis_keeps_anything(redis_url: str) -> None:
    """Retention is the operator's word on all that is held of people."""
    async with Bus(RedisSettings(url=redis_url, retention_days=2)) as bus:
        counted = await Contacts(bus, 7).count(ANNE, "c1")
        assert counted
        assert counted.days == 2
        for key in (bus.keys.contacts(ANNE), bus.keys.first_contacts):
            assert 0 < await bus.client.ttl(key) <= 2 * DAY + counting.SETTLED_SECONDS


async def test_of_a_caller_the_latest_contacts_are_kept(bus: Bus) -> None:
    """A switchboard's number fills no Redis."""
    contacts = Contacts(bus, 7)
    found = [await number(contacts, ANNE, f"c{index}") for index in range(MOST_CONTACTS + 10)]
    assert found == [*range(1, MOST_CONTACTS + 1), *[MOST_CONTACTS] * 10]
    assert await bus.client.zcard(bus.keys.contacts(ANNE)) == MOST_CONTACTS


async def test_first_contacts_are_bounded_too(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest are forgotten."""
    monkeypatch.setattr(counting, "MOST_MATTERS", 3)
    contacts = Contacts(bus, 7)
    for index in range(5):
        await contacts.count(f"{index:032x}", "c")
    assert await bus.client.zrange(bus.keys.first_contacts, 0, -1) == [f"{index:032x}".encode() for index in (2, 3, 4)]


async def test_a_first_contact_with_another_after_it_was_not_enough(bus: Bus) -> None:
    """It is counted once, at the second contact; the second and third are no first contacts."""
    contacts, outcomes = Contacts(bus, 7), Outcomes()
    for call in ("c1", "c2", "c2", "c3"):
        await contacts.count(ANNE, call)
    await contacts.settle()
    assert outcomes.since == (0, 1)


async def test_a_first_contact_that_stays_the_only_one_was_enough(bus: Bus) -> None:
    """Once its days are over, whether anybody calls then or not; a call at last begins another matter."""
    contacts, outcomes = Contacts(bus, SHORT), Outcomes()
    for caller in (ANNE, BOB):
        await contacts.count(caller, "c1")
    await contacts.settle()
    assert outcomes.since == (0, 0)
    await asyncio.sleep(0.6)
    await contacts.count(ANNE, "c2")
    assert outcomes.since == (1, 0)
    await contacts.settle()
    assert outcomes.since == (2, 0)
    await contacts.count(ANNE, "c3")
    assert outcomes.since == (2, 1)


async def test_the_housekeeping_settles(bus: Bus) -> None:
    """Within a minute, by whichever worker trims."""
    contacts, outcomes = Contacts(bus, 0.01 / DAY), Outcomes()
    await contacts.count(ANNE, "c1")
    await asyncio.sleep(0.05)
    keeping = asyncio.create_task(Housekeeping(bus, contacts).run())
    async with asyncio.timeout(20):
        while outcomes.since != (1, 0):
            await asyncio.sleep(0.02)
    keeping.cancel()
    await asyncio.wait([keeping])


@pytest.mark.parametrize("key", ["contacts", "first"])
async def test_a_key_in_the_way_costs_the_count(bus: Bus, key: str) -> None:
    """Whoever wrote it: nothing is known of the caller, and nothing else happens."""
    await bus.client.set(bus.keys.contacts(ANNE) if key == "contacts" else bus.keys.first_contacts, "stranger")
    before = kept(bus.settings.url)
    assert await Contacts(bus, 7).count(ANNE, "c1") is None
    assert kept(bus.settings.url) == before


async def test_a_redis_that_does_not_answer_costs_the_count(
    private_redis: PrivateRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within the deadline, and counted; the next call is counted again."""
    monkeypatch.setattr(counting, "ANSWER_SECONDS", 0.2)
    name = "callvane_contacts_uncounted_total"
    async with Bus(RedisSettings(url=private_redis.url)) as bus:
        contacts = Contacts(bus, 7)
        assert await number(contacts, ANNE, "c1") == 1
        before = REGISTRY.get_sample_value(name) or 0.0
        private_redis.freeze()
        assert await contacts.count(ANNE, "c2") is None
        private_redis.thaw()
        monkeypatch.setattr(counting, "ANSWER_SECONDS", 20.0)
        assert await number(contacts, ANNE, "c3") in (2, 3)
        assert REGISTRY.get_sample_value(name) == before + 1
