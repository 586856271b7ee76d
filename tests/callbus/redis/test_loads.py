"""Agents' loads in a real Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from prometheus_client import REGISTRY

from callbus.messages.load import AgentLoad, Suggestion
from callbus.redis import loads
from callbus.redis.bus import Bus
from callbus.redis.loads import KEPT_SECONDS, MOST_BYTES, Loads, call_loads
from callbus.redis.settings import RedisSettings
from tests.conftest import PrivateRedis

ANNA, BEN = "a" * 32, "b" * 32
NAME = "callvane_loads_unknown_total"


@pytest.fixture
async def bus(redis_url: str) -> AsyncIterator[Bus]:
    """On an empty Redis."""
    async with Bus(RedisSettings(url=redis_url)) as opened:
        yield opened


def one_more(known: bytes) -> tuple[bytes, AgentLoad]:
    """Counts."""
    number = int(known or b"0") + 1
    return str(number).encode(), AgentLoad(number, 5.0, Suggestion.NONE)


async def hard_calls(bus: Bus, call_id: str = "call") -> int | None:
    """What is shown on a call."""
    shown = (await call_loads(bus, [call_id])).get(call_id)
    return shown.hard_calls if shown else None


async def test_a_load_is_changed_from_call_to_call(bus: Bus) -> None:
    """By any worker; others' are their own, and each call shows its agent's."""
    for call_id in ("one", "two", "three"):
        await Loads(bus).change(ANNA, call_id, one_more)
    await Loads(bus).change(BEN, "bens", one_more)
    found = await call_loads(bus, ["one", "two", "three", "bens", "nobodys"])
    assert {call_id: load.hard_calls for call_id, load in found.items()} == {"one": 1, "two": 2, "three": 3, "bens": 1}
    assert await call_loads(bus, []) == {}


async def test_it_is_forgotten_after_some_hours(bus: Bus) -> None:
    """Both of its keys, and nothing else is kept."""
    await Loads(bus).change(ANNA, "call", one_more)
    keys = {bus.keys.load(ANNA), bus.keys.call_load("call")}
    assert {key.decode() async for key in bus.client.scan_iter("*")} == keys
    assert KEPT_SECONDS == 12 * 3_600
    for key in keys:
        assert 0 < await bus.client.ttl(key) <= KEPT_SECONDS


async def test_no_change_is_lost_between_workers(bus: Bus) -> None:
    """What was changed meanwhile is read again."""
    original = bus.client.get
    slowed: list[str] = []

    async def slow(key: str) -> bytes | None:
        known: bytes | None = await original(key)
        if not slowed:
            slowed.append(key)
            await bus.client.set(key, b"7")
        return known

    bus.client.get = slow
    await Loads(bus).change(ANNA, "call", one_more)
    assert await hard_calls(bus) == 8


async def test_a_stranger_in_the_way_is_replaced_or_costs_the_load(bus: Bus) -> None:
    """A value too long is none; a key of another type is left alone, and counted; what is no load is not shown."""
    await bus.client.set(bus.keys.load(ANNA), b"9" * (MOST_BYTES + 1))
    await Loads(bus).change(ANNA, "call", one_more)
    assert await hard_calls(bus) == 1
    before = REGISTRY.get_sample_value(NAME) or 0.0
    await bus.client.rpush(bus.keys.load(BEN), "stranger")
    await Loads(bus).change(BEN, "bens", one_more)
    assert REGISTRY.get_sample_value(NAME) == before + 1
    newer = b'{"hard_calls":1,"since":0,"suggestion":"a holiday"}'
    for value in (b"", b"\xff", b"[]", b"{" * 5_000, b"1" * 5_000, newer):
        await bus.client.set(bus.keys.call_load("call"), value)
        assert await hard_calls(bus) is None


async def test_a_redis_that_does_not_answer_costs_the_load(
    private_redis: PrivateRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within the deadline, and counted."""
    monkeypatch.setattr(loads, "ANSWER_SECONDS", 0.2)
    async with Bus(RedisSettings(url=private_redis.url)) as bus:
        before = REGISTRY.get_sample_value(NAME) or 0.0
        private_redis.freeze()
        await Loads(bus).change(ANNA, "call", one_more)
        private_redis.thaw()
        assert REGISTRY.get_sample_value(NAME) == before + 1
