"""A bridge's open calls, and the keys they are found by. Belongs to the thread that holds the sources."""

from __future__ import annotations

import time

from callbus import Role
from sip_bridge.calls.call_ids import CallIds
from sip_bridge.calls.ending import ACTIVE, ENDED, Ending
from sip_bridge.calls.joining import JoinedCall
from sip_bridge.calls.recordings import Recordings
from sip_bridge.contacts.contacts import Contacts
from sip_bridge.hearing.heard_call import Call, Clock
from sip_bridge.hearing.leg import Leg
from sip_bridge.hearing.listener import Listener
from sip_bridge.request.invite import Invite
from sip_bridge.request.naming import Naming
from sip_bridge.settings import BridgeSettings


class OpenCalls:
    """The registry of open calls that all feeds share."""

    def __init__(
        self,
        settings: BridgeSettings,
        listener: Listener,
        clock: Clock = time.time,
        contacts: Contacts | None = None,
    ) -> None:
        """`clock`: unix seconds; must be the listener's clock. `contacts`: None if nothing is said of callers."""
        self.listener = listener
        self.clock = clock
        self.bridge_id = settings.name
        self.joined: dict[tuple[str, str], JoinedCall] = {}
        """Calls of plain forks that name their call, by peer and call name."""
        self.recordings = Recordings()
        self._settings = settings
        self._contacts = contacts
        self._ids = CallIds()

    def has_room(self, peer: str, naming: Naming, streams: int) -> bool:
        """Whether the open call that a plain fork names has room for this many streams; True if there is none."""
        joined = self.joined.get((peer, naming.call_id))
        return joined is None or joined.has_room(naming.role or Role.UNKNOWN, streams)

    def make(self, wanted: str, offer: Invite) -> Call:
        """Create a call without legs, which nothing listens to yet. `wanted`: its id, if no other call has it."""
        return Call(self._ids.claim(wanted, offer.sip_call_id), self.bridge_id, [], self.clock(), offer.queue)

    def make_again(self, over: Call) -> Call:
        """As `make`, for an ended call that resumes: it keeps its id, so analysis keeps its time and state."""
        call_id = self._ids.reclaim(over.call_id)
        return Call(call_id, self.bridge_id, [], self.clock(), over.queue, over.caller, over.crm)

    def leg(self, leg_id: str, role: Role, name: str) -> Leg:
        """Create a leg with the configured speech detection."""
        return Leg(leg_id, role, name, self._settings.speech, self._settings.vad_aggressiveness, self.clock)

    def begin(self, call: Call, offer: Invite) -> None:
        """Give a call with its legs to the listener, and look up who calls."""
        ACTIVE.inc()
        call.caller = caller = call.caller or self._caller(offer)
        self.listener.open(call)
        self._look_up(call, caller, offer)

    def introduce(self, call: Call, said: Invite) -> None:
        """Tell who calls, if this request is the first to say so."""
        if not call.caller and (caller := self._caller(said)):
            self.listener.introduce(call, caller)
            self._look_up(call, caller, said)

    def end(self, call: Call, ending: Ending) -> None:
        """Close a call that no source feeds."""
        ACTIVE.dec()
        ENDED.labels(ending).inc()
        self.listener.close(call, ending)
        self._ids.release(call.call_id)

    def _caller(self, said: Invite) -> str:
        return self._contacts.hash_of(said.caller) if self._contacts else ""

    def _look_up(self, call: Call, caller: str, said: Invite) -> None:
        if self._contacts and caller and said.caller:
            self._contacts.look_up(caller, said.caller, lambda crm: self.listener.introduce(call, caller, crm))
