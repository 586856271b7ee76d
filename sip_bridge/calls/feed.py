"""What each source feeds: it opens a call, joins one, waits as a second recording of one, or takes one over.

Everything here runs on the thread that holds the sources.
"""

from __future__ import annotations

import logging
import time
import weakref
from collections.abc import Mapping
from typing import Protocol

from prometheus_client import Counter

from callbus import Role
from sip_bridge.calls.ending import Ending
from sip_bridge.calls.joining import JoinedCall
from sip_bridge.calls.lines import Lines, likest
from sip_bridge.calls.open_calls import OpenCalls
from sip_bridge.calls.recordings import Recording
from sip_bridge.calls.source import Source
from sip_bridge.hearing.heard_call import Call
from sip_bridge.hearing.leg import Leg
from sip_bridge.request import invite
from sip_bridge.request.invite import Invite, OfferedLeg
from sip_bridge.request.naming import Naming

QUIET_SECONDS = 4.0
"""After this long without a packet, another source that records the call is heard instead; the SBC may be dead."""

JOINED = Counter(
    "callvane_legs_joined_total",
    "Streams of plain forks that joined an open call, as a new leg or by taking one over.",
    ["kind"],
)

log = logging.getLogger(__name__)


class Others(Protocol):
    """What a feed needs of the other sources' feeds; `feeds.Feeds` is it."""

    @property
    def calls(self) -> OpenCalls:
        """The open calls that all of them share."""

    @property
    def of(self) -> Mapping[int, Feed]:
        """All feeds, by source number."""

    def succeed(self, recording: Recording) -> None:
        """Soon, let the next source that records the call feed it."""

    def drop(self, number: int) -> None:
        """Remove the feed of an ended source."""


class Feed:
    """One source's share in a call."""

    def __init__(self, source: Source, others: Others) -> None:
        self.call: Call | None = None
        self.heard = False
        """Whether the source's streams feed the call; False while another source that records it is heard."""
        self.lines = Lines()
        self.standing: Invite | None = None
        """The latest offer or metadata of the other side; None once it no longer matters."""
        self.naming = Naming()
        """The call and role that a plain fork names."""
        self._source = weakref.proxy(source)
        """Weak, because the source holds us: it must be freed with its last reference, not by the garbage collector."""
        self._others = others
        self._calls = others.calls
        self._recording: Recording | None = None
        self._conceded: set[int] = set()
        """Streams whose leg another source has taken over."""

    @property
    def is_ending(self) -> bool:
        """Whether the source will bring nothing more, although it has not ended yet."""
        return bool(self._source.is_ending)

    def take(self, request: Invite) -> None:
        """Apply the other side's latest request; the first one is the offer that was answered."""
        if self.call:
            self._change(request)
        elif not self._conceded:
            self._open(request)

    def same_as(self, offer: Invite) -> Recording | None:
        """The open recording of the same call with the same parties; None if there is none."""
        return None if self.naming.call_id else self._calls.recordings.find(offer)

    def take_over(self, recording: Recording) -> None:
        """Start feeding the call, in place of the source that fed it until now."""
        if self.heard or self.standing is None or self.is_ending:
            return
        spare = list(recording.legs)
        recording.lead(self._source.number)
        self.heard = True
        self.lines.arrange(self.standing.legs, lambda offered: likest(spare, offered) or self._further(offered))
        self._tell(self.standing)
        self._source.attend()
        why = "the previous one has ended, is silent or is from before a transfer"
        log.info("fork takes over: %s", why, extra={"call_id": recording.call.call_id})

    def give_way(self, now: float) -> None:
        """If the source has gone quiet without hanging up, let another source that brings audio feed the call.

        `now`: seconds of a monotonic clock.
        """
        recording = self._recording
        if not (self.heard and recording) or self._source.quiet_seconds(now) < QUIET_SECONDS:
            return
        waiting = (self._others.of[number] for number in recording.sources if number != self._source.number)
        livelier = (feed for feed in waiting if feed._source.quiet_seconds(now) < QUIET_SECONDS)
        if successor := next((feed for feed in livelier if not feed.is_ending), None):
            self.fall_silent()
            successor.take_over(recording)

    def end(self, ending: Ending, now: float) -> None:
        """Leave the call, and close it if no other source feeds it. `now`: unix seconds."""
        call, self.call = self.call, None
        if call and self._leave(call):
            for leg in self._recording.legs if self._recording else self.lines.legs.values():
                leg.resume(now)  # if the call ends while paused, the pause counts towards its length
            log.info("call ended: %s", ending, extra={"call_id": call.call_id})
            self._calls.end(call, ending)
        self._others.drop(self._source.number)

    def _open(self, offer: Invite) -> None:
        self.standing = offer
        if self.naming.call_id:
            self._join(offer)
            return
        if recording := self.same_as(offer):
            self.call, self._recording = recording.call, recording
            recording.sources.append(self._source.number)
            log.info("fork answered: on standby, another one records the call", extra={"call_id": self.call.call_id})
            self._others.succeed(recording)  # takes over at once if the other one is ending
            return
        if recording := self._calls.recordings.before(offer):
            self._go_on(recording, offer)
            return
        if over := self._calls.recordings.resumed(offer, time.monotonic()):
            self.call = self._calls.make_again(over.call)
            offer = self.standing = invite.followed(over.customers, over.people, offer)
        else:
            self.call = self._calls.make(offer.call_id, offer)
        self._recording = Recording(self.call, sources=[self._source.number])
        self._calls.recordings.told(self._recording, offer)
        self._begin(self.call, offer)
        roles = "+".join(leg.role for leg in offer.legs)
        log.info("fork answered: %s%s", roles, _note(offer), extra={"call_id": self.call.call_id})

    def _go_on(self, recording: Recording, offer: Invite) -> None:
        """Take over at once from the source that fed the call before a transfer; `recordings` explains why."""
        self.call, self._recording = recording.call, recording
        self.standing = invite.followed(recording.customers, recording.people, offer)
        earlier = self._others.of[recording.sources[0]]
        recording.sources.insert(0, self._source.number)
        earlier.fall_silent()
        self.take_over(recording)

    def fall_silent(self) -> None:
        """Stop feeding the call while another source does. Ours stays up, and is heard again when that one ends."""
        self._source.release_all(self._calls.clock())
        self.heard = False

    def _join(self, offer: Invite) -> None:
        """Feed legs of the call that the fork names: an open one, else a new one."""
        if joined := self._joined:
            self.call, self.heard, did = joined.call, True, "fork joined"
            self.lines.arrange(offer.legs, self._further)
            self._calls.introduce(self.call, offer)
        else:
            name = self.naming.call_id
            self.call, did = self._calls.make(name, offer), "fork answered"
            self._calls.joined[self._source.peer, name] = JoinedCall(self.call)
            self._begin(self.call, offer)
        legs = "+".join(leg.leg_id for leg in self.lines.legs.values())
        log.info("%s: %s", did, legs, extra={"call_id": self.call.call_id})

    @property
    def _joined(self) -> JoinedCall | None:
        """The open call that this fork names. Only calls of the same peer: two PBXes may use the same ids."""
        return self._calls.joined.get((self._source.peer, self.naming.call_id))

    def _begin(self, call: Call, offer: Invite) -> None:
        """Give a new call to the listener, with the legs of this offer."""
        self.lines.arrange(offer.legs, self._further)
        self.heard = True
        self._calls.begin(call, offer)

    def _further(self, offered: OfferedLeg) -> Leg | None:
        """The leg for a stream that is new to this source; None if it gets none."""
        if self.call is None or offered.index in self._conceded:
            return None
        new = self._calls.leg(offered.leg_id, self.naming.role or offered.role, offered.name)
        if self._recording:
            new.leg_id = self._recording.leg_id(new.leg_id)
            self._recording.legs.append(new)
        elif joined := self._joined:
            if not joined.has_room(new.role, 1):
                return None
            seating = joined.sit(self._source.number, new)
            if seating.displaced is not None:
                self._others.of[seating.displaced]._concede(seating.leg)
            if self.heard:
                JOINED.labels("taken_over" if seating.known else "new").inc()
            if seating.known:
                return seating.leg
        if self.heard:
            new.start_at(self.call.position_seconds)
            self._calls.listener.join(self.call, new)
        else:  # the listener does not have the call yet
            new.start_at(0.0)
            self.call.legs.append(new)
        return new

    def _concede(self, leg: Leg) -> None:
        """Give up a leg to another source. Ours stays up unheard, so that its PBX does not retry."""
        for index in [index for index, own in self.lines.legs.items() if own is leg]:
            self._conceded.add(index)
            self._source.release(index, self._calls.clock())
        self.lines.drop(leg)
        if not self.lines.legs:
            self.call = self.standing = None

    def _leave(self, call: Call) -> bool:
        """Give up our legs of a call that others may feed. Returns whether the call has ended."""
        if self._recording:
            return self._hand_over(self._recording)
        joined = self._joined
        if joined is None or joined.call is not call:
            return True
        left = joined.leave(self._source.number)
        if joined.deserted:
            del self._calls.joined[self._source.peer, self.naming.call_id]
            return True
        log.info("fork left: %s", "+".join(leg.leg_id for leg in left), extra={"call_id": call.call_id})
        return False

    def _hand_over(self, recording: Recording) -> bool:
        """Leave the call to the next source that records it. Returns whether there is none."""
        recording.sources.remove(self._source.number)
        if not recording.sources:
            self._calls.recordings.remove(recording, time.monotonic())
            return True
        self._others.succeed(recording)
        return False

    def _change(self, request: Invite) -> None:
        self.standing = request
        if self.heard:
            if request.offers:
                self.lines.arrange(request.legs, self._further)
            self._tell(request)

    def _tell(self, request: Invite) -> None:
        """Publish who speaks on which leg. A leg that the metadata leaves out keeps its role."""
        if request.metadata_fault == "none" or self.call is None:
            return
        legs = self.lines.legs
        known = [each for each in request.legs if each.role is not Role.UNKNOWN and each.index in legs]
        if known:
            self._calls.listener.tell(self.call, [(legs[each.index], each.role, each.name) for each in known])
        self._calls.introduce(self.call, request)
        if self._recording:
            self._calls.recordings.told(self._recording, request)


def _note(offer: Invite) -> str:
    return f", metadata {offer.metadata_fault}" if offer.metadata_fault else ""


for _kind in ("new", "taken_over"):
    JOINED.labels(_kind)
