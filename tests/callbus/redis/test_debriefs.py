"""Debriefs read back from a real Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from callbus.messages.wire import encode_publication
from callbus.redis.bus import Bus
from callbus.redis.debriefs import PAGE, DebriefsRead
from callbus.redis.settings import RedisSettings
from tests.callbus import sample_messages as messages


@pytest.fixture
async def bus(redis_url: str) -> AsyncIterator[Bus]:
    """A connection to an empty Redis."""
    async with Bus(RedisSettings(url=redis_url, partitions=1)) as bus:
        yield bus


async def read(bus: Bus, most: int = 1_000, **bounds: Any) -> tuple[list[str], DebriefsRead]:
    """Calls of the debriefs found, and how it went."""
    looking = DebriefsRead(bus, most, **bounds)
    return [debrief.call_id async for _, debrief in looking.each()], looking


async def test_newest_first_and_the_last_of_each_call(bus: Bus) -> None:
    """Of a call that went on after its end the last debrief counts, at its place."""
    first, again = messages.debrief("one"), replace(messages.debrief("one"), closed_at=9.0)
    await messages.publish(bus, first, messages.debrief("two"), again)
    looking = DebriefsRead(bus, 10)
    found = [debrief async for _, debrief in looking.each()]
    assert [(each.call_id, each.closed_at) for each in found] == [("one", 9.0), ("two", 2.0)]
    assert (looking.looked, looking.is_cut) == (3, False)


@pytest.mark.parametrize(
    ("there", "most", "looked", "is_cut"),
    [
        (0, 5, 0, False),
        (5, 5, 5, False),
        (6, 5, 5, True),
        (PAGE, PAGE, PAGE, False),
        (PAGE + 1, PAGE, PAGE, True),
        (2 * PAGE + 3, 3 * PAGE, 2 * PAGE + 3, False),
    ],
)
async def test_bounded(bus: Bus, there: int, most: int, looked: int, is_cut: bool) -> None:
    """It looks at no more than it may, across pages, and says whether there is more."""
    if there:
        await messages.publish(bus, *(messages.debrief(str(n)) for n in range(there)))
    found, looking = await read(bus, most)
    assert found == [str(n) for n in range(there - 1, there - 1 - looked, -1)]
    assert (looking.looked, looking.is_cut) == (looked, is_cut)


async def test_by_time(bus: Bus) -> None:
    """Nothing older than `since`, nothing from the id `before` on."""
    key = bus.keys.debriefs
    for call_id, at in (("a", "1000-0"), ("b", "2000-0"), ("c", "2000-1"), ("d", "3000-0")):
        await bus.client.xadd(key, {"m": messages_of(call_id)}, id=at)
    assert (await read(bus, since=2.0))[0] == ["d", "c", "b"]
    assert (await read(bus, before=(2000, 1)))[0] == ["b", "a"]
    assert (await read(bus, before=(0, 0)))[0] == []
    assert (await read(bus, since=1.5, before=(3000, 0)))[0] == ["c", "b"]


async def test_what_cannot_be_read_is_passed_over(bus: Bus) -> None:
    """Entries of other programs, of other types and of another version."""
    for payload in (b"", b"{", b'{"version":9,"type":"debrief"}', b"\xff", messages_of("good")):
        await bus.client.xadd(bus.keys.debriefs, {"m": payload})
    await bus.client.xadd(bus.keys.debriefs, {"other": "field"})
    found, looking = await read(bus)
    assert (found, looking.looked) == (["good"], 6)


async def test_only_those_that_contain(bus: Bus) -> None:
    """Entries without the bytes are looked at and not decoded."""
    await messages.publish(bus, *(messages.debrief(name) for name in ("one", "two", "one-more")))
    found, looking = await read(bus, containing=b'"one"')
    assert (found, looking.looked) == (["one"], 3)


def messages_of(call_id: str) -> bytes:
    """A debrief as it stands in the stream."""
    return encode_publication(messages.debrief(call_id))
