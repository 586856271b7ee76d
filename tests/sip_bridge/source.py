"""A fork that is no SIP dialog: what `calls.source.Source` asks of one is all that it has."""

from __future__ import annotations

from collections.abc import Callable

from sip_bridge.calls.ending import Ending
from sip_bridge.calls.feeds import Feeds
from sip_bridge.hearing.leg import Leg
from sip_bridge.request.invite import Invite
from testcall import ulaw
from tests.sip_bridge.packets import decoded

SILENCE = decoded(bytes([ulaw.SILENCE]) * 160)
"""A frame."""


class Fork:
    """It brings frames when it is told to, and does what its feed says."""

    def __init__(self, name: str, number: int, feeds: Feeds, clock: Callable[[], float]) -> None:
        self.name = name
        self.number = number
        self.peer = "192.0.2.1"
        self.is_ending = False
        self.is_silent = False
        self.feed = feeds.add(self)
        self._clock = clock
        self._heard_at = clock()
        self._up: set[int] = set()
        self._into: dict[int, Leg] = {}
        """Which leg each stream goes into."""

    def take(self, invite: Invite) -> None:
        """Say this of the call; all streams that it offers are up at once."""
        self.feed.take(invite)
        self._up = {leg.index for leg in invite.legs}
        self.attend()

    def bring(self, index: int, words: bytes) -> None:
        """A frame for each stream: of this one the words, of the others silence."""
        if self.is_silent or self.is_ending:
            return
        self._heard_at = self._clock()
        for stream, leg in self._into.items():
            leg.ring.inlet.put(words if stream == index else SILENCE, self._heard_at)

    def end(self, ending: Ending) -> None:
        """Be over."""
        try:
            self.release_all(self._clock())
        finally:
            self.feed.end(ending, self._clock())

    def quiet_seconds(self, now: float) -> float:
        """See `calls.source.Source`, as for what follows."""
        return now - self._heard_at if self._up else 0.0

    def attend(self) -> None:
        now, legs = self._clock(), self.feed.lines.legs
        for index, leg in list(self._into.items()):
            if index not in self._up or legs.get(index) is not leg:
                self.release(index, now)
        for index, leg in legs.items():
            if index in self._up and self.feed.heard:
                leg.resume(now)
                self._into[index] = leg

    def release(self, index: int, now: float) -> None:
        if leg := self._into.pop(index, None):
            leg.pause(now)

    def release_all(self, now: float) -> None:
        for index in list(self._into):
            self.release(index, now)
