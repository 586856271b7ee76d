"""/events: the server-sent events of one page.

A new page gets the whole board, then every event. A returning page (`Last-Event-ID`, or `?since=` if it had to open a
new EventSource) gets the missed events from the streams, or the whole board if there are too many or the streams no
longer hold them.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
import time
from collections.abc import Iterator
from typing import Any

import msgspec
from prometheus_client import Counter, Histogram
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from callbus.messages.wire import NAMES, WireError, decode_publication, encode_publication
from callbus.redis.bus import Bus
from callbus.redis.trouble import FAILURES
from console.live.board import Board
from console.live.browsers import Browser, Browsers, Frame, Full, frame
from console.live.cursor import Cursor, order
from console.live.follower import Follower

log = logging.getLogger(__name__)

SENT = Counter("callvane_console_events_sent_total", "Events sent to pages, by type.", ["type"])
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
DELIVERY = Histogram(
    "callvane_console_alert_delivery_seconds",
    "Time from an alert's publication until it is sent to a page.",
    buckets=BUCKETS,
)
SPEECH_TO_PAGE = Histogram(
    "callvane_console_speech_to_page_seconds",
    "Time from the end of the speech that raised an alert until it is sent to a page.",
    buckets=(0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 3, 5, 10, 30),
)

REPLAY_MOST = 500
"""Missed entries of one channel sent one by one; beyond this the whole board is shorter."""
REPLAY_SECONDS = 2.0
RETRY = b"retry: 1000\n\n"
"""Delay before a browser reconnects, in milliseconds."""
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # makes nginx forward each event at once
]


class EventStream:
    """The ASGI application behind /events."""

    def __init__(self, bus: Bus, board: Board, browsers: Browsers, follower: Follower) -> None:
        self._bus = bus
        self._board = board
        self._browsers = browsers
        self._follower = follower

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one page until it leaves, is too slow, or the process stops."""
        request = Request(scope)
        if request.method != "GET":
            await Response(status_code=405, headers={"Allow": "GET"})(scope, receive, send)
            return
        since = request.headers.get("last-event-id") or request.query_params.get("since", "")
        try:
            browser = self._browsers.join(scope["state"]["connection"].abort)
        except Full:
            full = PlainTextResponse("too many open pages; close some\n", 503, headers={"Retry-After": "5"})
            await full(scope, receive, send)
            return
        leaving = asyncio.create_task(_leave(receive, browser), name="page leaves")
        try:
            await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            await send({"type": "http.response.body", "body": RETRY, "more_body": True})
            await _send(send, await self._opening(since, browser))
            async for waiting in browser.frames():
                await _send(send, waiting)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            leaving.cancel()
            self._browsers.leave(browser)

    async def _opening(self, since: str, browser: Browser) -> list[Frame]:
        """Everything before the live events. The page's queue already exists, so nothing is missed.

        What it holds by then is skipped: sent after this, it would take calls back to earlier states.
        """
        until = self._follower.cursor
        browser.skip()
        start = Cursor.read(since, len(until.ids))
        if start is not None and not start.passed(until) and self._follower.stale_since is None:
            # The page gets events up to `until` by replay, later ones through its queue.
            missed = await self._missed(start, until)
            if missed is not None:
                shown = msgspec.json.encode({"call_ids": list(self._board.calls)})
                return [*missed, *self._follower.found_out(), frame("shown", shown), self._follower.status()]
        browser.skip()
        return [self._follower.snapshot()]

    async def _missed(self, start: Cursor, until: Cursor) -> list[Frame] | None:
        """The entries between two cursors in publication order; None if the whole board is the better answer."""
        try:
            async with asyncio.timeout(REPLAY_SECONDS):
                pipeline = self._bus.client.pipeline(transaction=False)
                for channel, low, high in zip(self._follower.channels, start.ids, until.ids, strict=True):
                    pipeline.xrange(channel, count=1)
                    pipeline.xrange(channel, min=f"({low}", max=high, count=REPLAY_MOST + 1)
                replies: list[Any] = await pipeline.execute()
        except FAILURES:
            return None
        oldest, rows = replies[::2], replies[1::2]
        # A stream that was empty when the page left has not lost anything the page needs.
        trimmed = any(
            first and low != "0-0" and order(first[0][0].decode()) > order(low)
            for first, low in zip(oldest, start.ids, strict=True)
        )
        if trimmed or any(len(channel_rows) > REPLAY_MOST for channel_rows in rows):
            return None
        return list(_frames(start, rows))


def _frames(cursor: Cursor, rows: list[Any]) -> Iterator[Frame]:
    """Entries of all channels as frames, merged by time, each with the cursor after it.

    Entries of one commit have the same millisecond: call states come first, then words, then alerts, so that none comes
    before its call.
    """
    channels = [[(*order(entry.decode()), place, fields) for entry, fields in r] for place, r in enumerate(rows)]
    for milliseconds, number, place, fields in heapq.merge(*channels, key=lambda one: (one[0], -one[2], one[1])):
        cursor = cursor.at(place, f"{milliseconds}-{number}")
        try:
            message = decode_publication(fields.get(b"m", b""))
        except WireError:
            continue  # counted when it was read live
        yield frame(NAMES[type(message)], encode_publication(message), str(cursor))


async def _send(send: Send, frames: list[Frame]) -> None:
    body = b"".join(sent.payload for sent in frames)
    await send({"type": "http.response.body", "body": body, "more_body": True})
    now = time.time()
    for sent in frames:
        SENT.labels(sent.kind).inc()
        if sent.raised_at is not None and sent.spoken_at is not None:
            DELIVERY.observe(max(0.0, now - sent.raised_at))
            SPEECH_TO_PAGE.observe(max(0.0, now - sent.spoken_at))


async def _leave(receive: Receive, browser: Browser) -> None:
    try:
        while (await receive())["type"] != "http.disconnect":
            pass
    finally:
        browser.close()
