"""All feeds of a bridge. Belongs to the thread that holds the sources."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sip_bridge.calls.feed import Feed
from sip_bridge.calls.open_calls import OpenCalls
from sip_bridge.calls.recordings import Recording
from sip_bridge.calls.source import Source


class Feeds:
    """The feeds of all of a bridge's sources, by source number."""

    def __init__(self, calls: OpenCalls, later: Callable[[Callable[[], None]], None]) -> None:
        """`later` schedules a function that must not run within a source's callback."""
        self.calls = calls
        self._later = later
        self.of: dict[int, Feed] = {}
        """By source number."""

    def add(self, source: Source) -> Feed:
        """Create the feed of a new source."""
        return self.of.setdefault(source.number, Feed(source, self))

    def drop(self, number: int) -> None:
        """Remove the feed of an ended source."""
        self.of.pop(number, None)

    def succeed(self, recording: Recording) -> None:
        """Soon, let the next source that records the call feed it, unless one that is not ending already does."""
        self._later(partial(self._succeed, recording))

    def _succeed(self, recording: Recording) -> None:
        feeds = [self.of[number] for number in recording.sources]
        heard = next((feed for feed in feeds if feed.heard), None)
        successor = next((feed for feed in feeds if not feed.is_ending), None)
        if successor and (heard is None or heard.is_ending):
            if heard:
                heard.fall_silent()
            successor.take_over(recording)
