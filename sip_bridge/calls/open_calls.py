"""All calls that this bridge's dialogs feed, and who feeds them. Belongs to the library's thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from callbus import Role
from sip_bridge.calls.call_ids import CallIds
from sip_bridge.calls.ending import ACTIVE, ENDED, Ending
from sip_bridge.calls.joining import JoinedCall
from sip_bridge.calls.recordings import Recording, Recordings
from sip_bridge.hearing.heard_call import Call
from sip_bridge.hearing.leg import Leg
from sip_bridge.hearing.listener import Listener
from sip_bridge.settings import BridgeSettings

if TYPE_CHECKING:
    from sip_bridge.calls.feed import Feed


class OpenCalls:
    """The register that dialogs' feeds share."""

    def __init__(
        self, settings: BridgeSettings, listener: Listener, later: Callable[[Callable[[], None]], None]
    ) -> None:
        """`later` has something done that may not be done within a callback of the library."""
        self.listener = listener
        self.bridge_id = settings.name
        self.joined: dict[tuple[str, str], JoinedCall] = {}
        """Calls of plain forks that name their call, by the peer and that name."""
        self.recordings = Recordings()
        self.feeds: dict[int, Feed] = {}
        """By their dialogs' numbers."""
        self._settings = settings
        self._later = later
        self._ids = CallIds()

    def make(self, wanted: str, sip_call_id: str) -> Call:
        """A call without legs, which nobody listens to yet."""
        return Call(self._ids.claim(wanted, sip_call_id), self.bridge_id, [], time.time())

    def make_again(self, over: Call) -> Call:
        """The same for a call that was over and goes on: it keeps its id, and analysis its time and its state."""
        return Call(self._ids.reclaim(over.call_id), self.bridge_id, [], time.time())

    def leg(self, leg_id: str, role: Role, name: str) -> Leg:
        """A leg that is listened to as the settings say."""
        return Leg(leg_id, role, name, self._settings.speech, self._settings.vad_aggressiveness)

    def begin(self, call: Call) -> None:
        """Give a call with its legs to the listener."""
        ACTIVE.inc()
        self.listener.open(call)

    def end(self, call: Call, ending: Ending) -> None:
        """Nobody feeds the call any more."""
        ACTIVE.dec()
        ENDED.labels(ending).inc()
        self.listener.close(call, ending)
        self._ids.release(call.call_id)

    def succeed(self, recording: Recording) -> None:
        """Let the next dialog of a call that is recorded more than once be heard, soon."""
        self._later(lambda: self._succeed(recording))

    def _succeed(self, recording: Recording) -> None:
        if recording.dialogs:
            self.feeds[recording.dialogs[0]].take_over(recording)
