"""The open pages, each with its own queue: a slow page is disconnected and never delays another."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from prometheus_client import Counter, Gauge

BROWSERS = Gauge("callvane_console_browsers", "Open pages.")
DROPPED = Counter(
    "callvane_console_browsers_dropped_total",
    "Pages disconnected or turned away: `slow` (its queue overflowed), `full` (console.max_browsers reached).",
    ["reason"],
)
for _reason in ("slow", "full"):
    DROPPED.labels(_reason)


class Full(Exception):
    """There is no room for another page."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One server-sent event, encoded once for all pages."""

    kind: str
    """Its `event:` field."""
    payload: bytes
    raised_at: float | None = None
    """Unix seconds; only for live alerts, to measure their delivery time."""
    spoken_at: float | None = None


def frame(kind: str, data: bytes, cursor: str = "") -> Frame:
    """An event with one line of JSON; the page resumes from `cursor`, if given."""
    mark = f"id: {cursor}\n" if cursor else ""
    return Frame(kind, f"event: {kind}\n{mark}data: ".encode() + data + b"\n\n")


class Browser:
    """One page's queue. Overflow policy: the page is disconnected, no event is dropped."""

    def __init__(self, limit: int, abort: Callable[[], None]) -> None:
        self._limit = limit
        self._abort = abort
        self._frames: deque[Frame] = deque()
        self._awake = asyncio.Event()
        self._closed = False

    def offer(self, sent: Frame) -> bool:
        """Queue a frame; False if the queue is full."""
        if len(self._frames) >= self._limit:
            return False
        self._frames.append(sent)
        self._awake.set()
        return True

    def skip(self) -> None:
        """Drop what is queued: the page gets it in another way."""
        self._frames.clear()

    def close(self) -> None:
        """End `frames`. A page with frames left is slow and would hold its connection open, so that is cut."""
        self._closed = True
        self._awake.set()
        if self._frames:
            self._frames.clear()
            self._abort()

    async def frames(self) -> AsyncIterator[list[Frame]]:
        """Frames as they come, all waiting ones at once, until closed."""
        while not self._closed:
            if self._frames:
                waiting = list(self._frames)
                self._frames.clear()
                yield waiting
            else:
                self._awake.clear()
                await self._awake.wait()


class Browsers:
    """All open pages of the process."""

    def __init__(self, most: int, queue_events: int) -> None:
        self._most = most
        self._queue_events = queue_events
        self._open: set[Browser] = set()
        self._closing = False

    def join(self, abort: Callable[[], None]) -> Browser:
        """A queue for a new page, which must `leave`; `abort` cuts its connection. Raises Full."""
        if self._closing or len(self._open) >= self._most:
            DROPPED.labels("full").inc()
            raise Full
        browser = Browser(self._queue_events, abort)
        self._open.add(browser)
        BROWSERS.set(len(self._open))
        return browser

    def leave(self, browser: Browser) -> None:
        """Remove a page."""
        self._open.discard(browser)
        BROWSERS.set(len(self._open))

    def send(self, sent: Frame) -> None:
        """Queue a frame for every page; disconnects pages with a full queue."""
        for browser in list(self._open):
            if not browser.offer(sent):
                DROPPED.labels("slow").inc()
                self.leave(browser)
                browser.close()

    def close(self) -> None:
        """End every page's stream and accept no new one."""
        self._closing = True
        for browser in list(self._open):
            browser.close()
