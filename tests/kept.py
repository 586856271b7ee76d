"""Everything that Redis holds, as text to search in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import redis


def kept(url: str) -> str:
    """All keys with their values, whatever their types."""
    with redis.Redis.from_url(url) as client:
        return "\n".join(f"{key!r} {_value(client, key)!r}" for key in client.keys("*"))


def _value(client: Any, key: bytes) -> Any:
    kind = client.type(key).decode()
    readers: dict[str, Callable[[], Any]] = {
        "string": lambda: client.get(key),
        "hash": lambda: client.hgetall(key),
        "list": lambda: client.lrange(key, 0, -1),
        "set": lambda: client.smembers(key),
        "zset": lambda: client.zrange(key, 0, -1, withscores=True),
        "stream": lambda: client.xrange(key),
        "none": lambda: None,  # it has expired just now
    }
    return readers[kind]()
