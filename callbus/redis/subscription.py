"""What analysis publishes, for consoles and integrators: live over pub/sub, missed messages from the streams."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from redis.asyncio.client import PubSub

from callbus.messages.call import CallState
from callbus.messages.wire import Publication, WireError, decode_publication
from callbus.redis.bus import FIRST_DELAY_SECONDS, Bus
from callbus.redis.delivery import DEAD_LETTERS
from callbus.redis.trouble import FAILURES

PAGE = 1_000
"""Entries fetched from a stream at a time."""
NOTHING = "0-0"
"""The id before all others."""


@dataclass(frozen=True, slots=True)
class Event:
    """One publication and its position in the channel's stream."""

    channel: str
    stream_id: str
    message: Publication


class Subscription:
    """Follows channels across lost connections: every publication once, in order within a channel."""

    def __init__(self, bus: Bus, channels: Sequence[str]) -> None:
        self._bus = bus
        self._seen = dict.fromkeys(channels, NOTHING)

    async def events(self) -> AsyncIterator[Event | None]:
        """Publications from now on; None about once a second while idle, as a heartbeat. Ends when cancelled."""
        for channel in self._seen:
            self._seen[channel] = await self._last(channel)
        attempt, delay = object(), 0.0
        try:
            while True:
                pubsub = self._bus.client.pubsub(ignore_subscribe_messages=True)
                try:
                    await self._bus.persist(lambda opened=pubsub: opened.subscribe(*self._seen))  # type: ignore[misc]
                    for channel in self._seen:
                        self._seen[channel] = min(self._seen[channel], await self._last(channel), key=_order)
                        async for missed in self._missed(channel):
                            yield missed
                    async for event in self._live(pubsub):
                        if delay:  # the first reading would have brought the refusal of a subscription
                            self._bus.settle(attempt)
                            delay = 0.0
                        yield event
                except FAILURES as error:
                    # A lost connection is opened again at once, unless nothing was read on it.
                    delay = await self._bus.hold(attempt, error, delay) if delay else FIRST_DELAY_SECONDS
                finally:
                    await pubsub.aclose()
                await self._bus.check()
        finally:
            self._bus.abandon(attempt)

    async def recent(self, channel: str, count: int) -> list[Event]:
        """The latest `count` publications of a channel, oldest first."""
        rows = await self._bus.persist(lambda: self._bus.client.xrevrange(channel, count=count))
        return [event for row in reversed(rows) if (event := self._from_stream(channel, row))]

    async def live_calls(self) -> list[CallState]:
        """The state of every active call."""
        found = await self._bus.persist(lambda: self._bus.client.hgetall(self._bus.keys.live))
        states = (_readable(payload) for payload in found.values())
        return [state for state in states if isinstance(state, CallState)]

    async def _last(self, channel: str) -> str:
        """Id of a stream's newest entry. A replica that took over may lack the latest, and have its own clock."""
        last = await self._bus.persist(lambda: self._bus.client.xrevrange(channel, count=1))
        return last[0][0].decode() if last else NOTHING

    async def _missed(self, channel: str, until: str = "+") -> AsyncIterator[Event]:
        while rows := await self._bus.persist(
            lambda: self._bus.client.xrange(channel, min=f"({self._seen[channel]}", max=until, count=PAGE)
        ):
            for row in rows:
                self._seen[channel] = row[0].decode()
                if event := self._from_stream(channel, row):
                    yield event
            if len(rows) < PAGE:
                break

    async def _live(self, pubsub: PubSub) -> AsyncIterator[Event | None]:
        """New entries of a stream, each time its channel announces one.

        A pub/sub message is only a hint. If it were trusted, an id that is not in the stream would hide all later ones.
        Reading up to the announced id keeps the channels in the order in which they were written.
        """
        while True:
            received = await pubsub.get_message(timeout=1.0)
            if received is None:
                yield None
                continue
            channel = received["channel"].decode()
            told = _told_id(received["data"])
            if _order(told) > _order(self._seen[channel]):
                async for event in self._missed(channel, told):
                    yield event

    def _from_stream(self, channel: str, row: Any) -> Event | None:
        entry_id, fields = row
        message = _readable(fields.get(b"m", b""))
        return Event(channel, entry_id.decode(), message) if message else None


def _readable(payload: bytes) -> Publication | None:
    try:
        return decode_publication(payload)
    except WireError as error:
        DEAD_LETTERS.labels(error.reason).inc()
        return None


class _Told(msgspec.Struct):
    """The part of a pub/sub message that is read."""

    stream_id: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,19}-[0-9]{1,19}\Z")]
    """Each side has 64 bits, or Redis rejects it as an id; present timestamps have 13 digits."""


def _told_id(payload: bytes) -> str:
    try:
        return msgspec.json.decode(payload, type=_Told).stream_id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        DEAD_LETTERS.labels(WireError.reason).inc()
        return NOTHING


def _order(stream_id: str) -> tuple[int, int]:
    """A stream id (digits, a dash, digits) in comparable form."""
    milliseconds, _, number = stream_id.partition("-")
    return int(milliseconds), int(number)
