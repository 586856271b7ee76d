"""The open pages, each with a queue of its own: a slow one loses its connection and never delays another."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from prometheus_client import Counter, Gauge

BROWSERS = Gauge("callvane_console_browsers", "Pages that are open.")
DROPPED = Counter(
    "callvane_console_browsers_dropped_total",
    "Pages disconnected or turned away: `slow` (its queue ran over), `full` (console.max_browsers reached).",
    ["reason"],
)
for _reason in ("slow", "full"):
    DROPPED.labels(_reason)


class Full(Exception):
    """No room for another page now."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One server-sent event, encoded once for all pages."""

    kind: str
    """Its `event:` name."""
    payload: bytes
    raised_at: float | None = None
    """Unix seconds; live alerts only, for the time they took to here."""
    spoken_at: float | None = None


def frame(kind: str, data: bytes, cursor: str = "") -> Frame:
    """An event of one line of JSON; `cursor`, where given, is what the page asks to continue from."""
    mark = f"id: {cursor}\n" if cursor else ""
    return Frame(kind, f"event: {kind}\n{mark}data: ".encode() + data + b"\n\n")


class Browser:
    """One page's queue. Overflow policy: none is dropped, the page is."""

    def __init__(self, limit: int, abort: Callable[[], None]) -> None:
        self._limit = limit
        self._abort = abort
        self._frames: deque[Frame] = deque()
        self._awake = asyncio.Event()
        self._closed = False

    def offer(self, sent: Frame) -> bool:
        """Queue a frame; false when the queue is full."""
        if len(self._frames) >= self._limit:
            return False
        self._frames.append(sent)
        self._awake.set()
        return True

    def close(self) -> None:
        """End `frames`; one that still has some to take is slow and would hold its connection open, so that is cut."""
        self._closed = True
        self._awake.set()
        if self._frames:
            self._frames.clear()
            self._abort()

    async def frames(self) -> AsyncIterator[list[Frame]]:
        """Frames as they come, all that wait at once, until closed."""
        while not self._closed:
            if self._frames:
                waiting = list(self._frames)
                self._frames.clear()
                yield waiting
            else:
                self._awake.clear()
                await self._awake.wait()


class Browsers:
    """All open pages of this process."""

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
        """Forget a page."""
        self._open.discard(browser)
        BROWSERS.set(len(self._open))

    def send(self, sent: Frame) -> None:
        """Queue a frame for every page; those that cannot take it are disconnected."""
        for browser in list(self._open):
            if not browser.offer(sent):
                DROPPED.labels("slow").inc()
                self.leave(browser)
                browser.close()

    def close(self) -> None:
        """End every page's stream and take no new one."""
        self._closing = True
        for browser in list(self._open):
            browser.close()
