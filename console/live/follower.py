"""Follows what analysis publishes: every message goes to the board and, unchanged, to every open page.

Once a second it asks Redis itself whether the board is current. The subscription alone is no proof: one that died
silently would look like a quiet day.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from contextlib import aclosing
from typing import Any, cast

import msgspec
from prometheus_client import Gauge

from callbus import Alert, CallState
from callbus.messages.load import AgentLoad
from callbus.messages.wire import NAMES, Publication, encode_publication
from callbus.redis.bus import Bus
from callbus.redis.loads import call_loads
from callbus.redis.overload import Overload, overload
from callbus.redis.presence import absent_calls
from callbus.redis.subscription import Event, Subscription
from callbus.redis.trouble import FAILURES
from console.live.board import Board
from console.live.browsers import Browsers, Frame, frame
from console.live.cursor import Cursor, order
from console.live.watchers import Watchers
from service.faults import survived

log = logging.getLogger(__name__)

CALLS = Gauge("callvane_console_calls", "Calls on the page, including recently ended ones.")
STALE = Gauge("callvane_console_stale", "1 while the page is stale because Redis is lost, else 0.")

ASK_SECONDS = 1.0
ANSWER_SECONDS = 2.0
SILENT_SECONDS = 4.0
"""The subscription yields something about once a second."""
BEHIND_SECONDS = 5.0
"""A message in a stream that the subscription has not delivered for this long will not come."""
RECONCILE_SECONDS = 5.0
SEED_TRANSCRIPTS = 2_000
"""Enough for the latest words of 200 calls."""
SEED_STATES = 500

Report = Callable[[str], None]
"""Receives the reason why the board is stale; empty once it is current."""


class Follower:
    """Keeps the board current and updates the pages. `stale_since` tells since when it is not current."""

    def __init__(
        self,
        bus: Bus,
        board: Board,
        browsers: Browsers,
        watchers: Watchers,
        heartbeat_seconds: float,
        report: Report,
    ) -> None:
        keys = bus.keys
        self._bus = bus
        self._board = board
        self._browsers = browsers
        self._watchers = watchers
        self.heartbeat_seconds = heartbeat_seconds
        self._report = report
        self.channels = (keys.alerts, keys.transcripts, keys.calls)
        self.cursor = Cursor.zero(len(self.channels))
        self.stale_since: float | None = time.time()
        """Unix seconds; None while the board is current."""
        self._heard_at = time.monotonic()
        self._behind = False
        self._seeded = False
        self._overload = Overload()
        STALE.set(1)
        report("redis has not answered yet")

    def parts(self) -> dict[str, Coroutine[Any, Any, None]]:
        """Its tasks by name, each to run until cancelled."""
        return {
            "the follower": self._follow(),
            "the watch over redis": self._watch(),
            "the sweep": self._sweep(),
            "the heartbeats": self._beat(),
        }

    def status(self) -> Frame:
        """The heartbeat: the console's clock, and the time since which it is stale."""
        return frame("status", msgspec.json.encode(self._status()))

    def snapshot(self) -> Frame:
        """Everything on the board."""
        whole = self._status() | {"calls": self._board.calls_json(), "alerts": self._board.alerts_json()}
        return frame("snapshot", msgspec.json.encode(whole), str(self.cursor))

    def _status(self) -> dict[str, Any]:
        return {
            "now": time.time(),
            "stale_since": self.stale_since,
            "heartbeat_seconds": self.heartbeat_seconds,
            "overload": "all" if self._overload.is_all else "some" if self._overload.is_some else "",
        }

    def found_out(self) -> list[Frame]:
        """What no stream says of calls on the board; a page that returns needs it beside the missed events."""
        loads = {call_id: call.load for call_id, call in self._board.calls.items() if call.load}
        return [*(_stated(state) for state in self._board.found_out()), *([_borne(loads)] if loads else [])]

    async def _follow(self) -> None:
        while True:
            subscription = Subscription(self._bus, self.channels)
            self._behind = self._seeded = False
            async with aclosing(cast("AsyncGenerator[Event | None]", subscription.events())) as events:
                async for event in events:
                    self._heard_at = time.monotonic()
                    if self.stale_since is not None or not self._seeded:
                        await self._seed(subscription)
                    if event is not None:
                        self._take(event)
                        await asyncio.sleep(0)  # a burst must not fill the pages' queues before they can drain
                    if self._behind:
                        log.warning("the subscription misses entries that are in redis; subscribing again")
                        break

    async def _seed(self, subscription: Subscription) -> None:
        """Read the whole board, at the start and after Redis was lost. Runs after subscribing, so nothing is missed.

        The live calls are read before the stream, which then holds every later state: no call goes backwards.
        """
        tail = await self._bus.persist(self._tail)
        live = await subscription.live_calls()
        alerts, transcripts, states = [
            await subscription.recent(channel, count)
            for channel, count in zip(self.channels, (200, SEED_TRANSCRIPTS, SEED_STATES), strict=True)
        ]
        now = time.time()
        for state in live:
            self._show(state, now)
        for event in (*states, *alerts, *transcripts):
            self._show(event.message, min(now, order(event.stream_id)[0] / 1000))
        self._board.trust()
        self._board.sweep(now)
        self._board.gone()
        for place, channel_events in enumerate((alerts, transcripts, states)):
            newest = channel_events[-1].stream_id if channel_events else "0-0"
            self.cursor = self.cursor.at(place, max(tail[place], newest, key=order))
        self._heard_at = time.monotonic()
        self._seeded = True
        self.stale_since = None
        STALE.set(0)
        self._report("")
        self._browsers.send(self.snapshot())
        self._watchers.wake_all()
        CALLS.set(len(self._board.calls))

    def _take(self, event: Event) -> None:
        place = self.channels.index(event.channel)
        if order(event.stream_id) <= order(self.cursor.ids[place]):
            return
        self.cursor = self.cursor.at(place, event.stream_id)
        message = event.message
        self._show(message, time.time())
        sent = frame(NAMES[type(message)], encode_publication(message), str(self.cursor))
        if isinstance(message, Alert):
            sent = Frame(sent.kind, sent.payload, message.raised_at, message.spoken_at)
        self._browsers.send(sent)
        self._watchers.wake(message.call_id)
        self._tell_gone()

    def _show(self, message: Publication, now: float) -> None:
        try:
            self._board.take(message, now)
        except Exception:  # one bad message must not hide the others
            survived(NAMES[type(message)], log, message.call_id)

    async def _tail(self) -> list[str]:
        """The id of each channel's newest entry."""
        pipeline = self._bus.client.pipeline(transaction=False)
        for channel in self.channels:
            pipeline.xrevrange(channel, count=1)
        rows: list[Any] = await pipeline.execute()
        return [row[0][0].decode() if row else "0-0" for row in rows]

    async def _watch(self) -> None:
        fresh_at, level_at = time.time(), time.monotonic()
        while True:
            before = self.cursor.ids
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    tail = await self._tail()
            except FAILURES as error:
                self._lost(self._bus.note(self, error).said, fresh_at)
            else:
                self._bus.settle(self)
                if time.monotonic() - self._heard_at > SILENT_SECONDS:
                    self._lost("the subscription to redis is silent", fresh_at)
                if self.stale_since is None:
                    fresh_at = time.time()
                if any(order(theirs) < order(seen) for seen, theirs in zip(before, tail, strict=True)):
                    self._behind = True  # a replica has taken over that lacks the latest: what follows may look old
                if all(order(ours) >= order(theirs) for ours, theirs in zip(self.cursor.ids, tail, strict=True)):
                    level_at = time.monotonic()
                elif time.monotonic() - level_at > BEHIND_SECONDS:
                    self._behind = True
                    level_at = time.monotonic()
            await asyncio.sleep(ASK_SECONDS)

    def _lost(self, why: str, since: float) -> None:
        if self.stale_since is None:
            log.warning("the page is stale: %s", why)
            self.stale_since = since
            STALE.set(1)
            self._browsers.send(self.status())
            self._watchers.wake_all()
        self._report(why)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self.heartbeat_seconds)
            self._browsers.send(self.status())
            self._watchers.wake_all()

    async def _sweep(self) -> None:
        """Remove finished calls from the page, and end those whose end was lost."""
        reconciled_at = time.monotonic()
        while True:
            await asyncio.sleep(1.0)
            if self.stale_since is not None:
                continue
            if time.monotonic() - reconciled_at > RECONCILE_SECONDS:
                await self._reconcile()
                reconciled_at = time.monotonic()
            await self._ask_overload()
            self._board.sweep(time.time())
            self._tell_gone()

    async def _ask_overload(self) -> None:
        """Ask Redis whether analysis leaves words out, and tell the pages if that has changed."""
        before = self._overload
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                self._overload = await overload(self._bus)
        except FAILURES:  # the watch tells of it
            self._overload = Overload()
        if (before.is_some, before.is_all) != (self._overload.is_some, self._overload.is_all):
            self._browsers.send(self.status())

    async def _reconcile(self) -> None:
        """Ask Redis whether it still knows the calls on the page, and what their agents' loads are."""
        going_on = self._board.going_on()
        absent = await self._bus.persist(lambda: absent_calls(self._bus, going_on))
        if self.stale_since is None:  # else it was away meanwhile
            for state in self._board.reconcile(absent, time.time()):
                self._browsers.send(_stated(state))
        loads = await self._bus.persist(lambda: call_loads(self._bus, list(self._board.calls)))
        if changed := self._board.bear(loads):
            self._browsers.send(_borne(changed))
            for call_id in changed:
                self._watchers.wake(call_id)

    def _tell_gone(self) -> None:
        if gone := self._board.gone():
            self._browsers.send(frame("gone", msgspec.json.encode({"call_ids": gone})))
        CALLS.set(len(self._board.calls))


def _borne(loads: Mapping[str, AgentLoad | None]) -> Frame:
    """The loads of calls' agents, which are in no stream."""
    return frame("loads", msgspec.json.encode(loads))


def _stated(state: CallState) -> Frame:
    """A state that is in no stream, and so has no place to resume from."""
    return frame(NAMES[CallState], encode_publication(state))
