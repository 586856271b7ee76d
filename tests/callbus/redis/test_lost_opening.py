"""A bridge whose Redis has lost the beginning of a call, and nothing else of it."""

from __future__ import annotations

import pytest

from callbus import CallOpened
from callbus.redis.bus import Bus
from callbus.redis.presence import Presence
from callbus.redis.settings import RedisSettings

FIRST, SECOND = (CallOpened(name, "b", 5.0, (), "r") for name in ("first", "second"))


@pytest.mark.parametrize("lost", [(), (FIRST,), (FIRST, SECOND)])
async def test_what_redis_has_lost_is_told_anew(redis_url: str, lost: tuple[CallOpened, ...]) -> None:
    """At the next sign of life, once; a call that is only about to be written is none that was lost."""
    async with Bus(RedisSettings(url=redis_url)) as bus:
        bridge = Presence(bus)
        for opened in (FIRST, SECOND):
            bridge.note(opened)
        assert list(await bridge.beat()) == []
        held = bus.keys.bridge_calls(bridge.instance)
        for opened in lost:
            await bus.client.hdel(held, opened.call_id)
        bridge.note(CallOpened("waits to be written", "b", 6.0, ()))
        assert list(await bridge.beat()) == list(lost)
        assert list(await bridge.beat()) == []
        assert sorted(await bus.client.hkeys(held)) == [b"first", b"second", b"waits to be written"]
