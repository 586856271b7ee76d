"""Several sources that record one call: standby SBCs, both sides of an SBC, before and after a transfer. Pure.

Sources of one session with the same parties feed one call. The first is heard; the others are answered and wait. When
it ends, the next one takes over. The call closes with the last of them.

A recorder may have one session per pair of parties and relate them by a group (RFC 7865 section 6.3). A transfer then
arrives as another source with another session id. It is the same call if the call's customer takes part, and a separate
one if two agents consult. The new source is heard at once in place of the earlier one: the customer speaks there, and
the new agent only there. Waiting for the earlier source to end would lose the new agent's first words; hearing both
would double the customer's. If the new source ends first, as after a conference, the earlier one is heard again.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from callbus import Role
from sip_bridge.hearing.heard_call import Call
from sip_bridge.hearing.leg import Leg
from sip_bridge.request.invite import Invite

RESUME_SECONDS = 60.0
"""A recorder that fails over or transfers may hang up first and then call again. Within this time it is the same call.
Same value as in `analysis.call.succession`."""
RESUMABLE = 1_024
"""Ended calls remembered for this."""


@dataclass(slots=True, eq=False)
class Recording:
    """A call and the numbers of the sources that record it."""

    call: Call
    parties: str = ""
    """Who takes part, as `invite.Invite.parties`; changes when the agent does."""
    customers: frozenset[str] = frozenset()
    """As `invite.Invite.customers`, from the latest metadata that named any."""
    anonymous: bool = False
    """Whether the customer has no known address, so that the call cannot be told from another such call."""
    people: frozenset[str] = frozenset()
    """As `invite.Invite.people`, from the latest metadata."""
    legs: list[Leg] = field(default_factory=list)
    """All legs the call has had."""
    sources: list[int] = field(default_factory=list)
    """Sources in the order in which they take over; the first is heard."""
    names: set[tuple[str, str]] = field(default_factory=set)
    """Sessions and groups that it is found by."""
    over_at: float = 0.0
    """When it ended, in seconds of a monotonic clock; 0 while it is open."""

    def leg_id(self, wanted: str) -> str:
        """`wanted`, with a suffix if another leg has that id."""
        taken = {leg.leg_id for leg in self.legs}
        marked = (f"{wanted[:56]}#{number}" for number in range(len(taken) + 1))
        return wanted if wanted not in taken else next(each for each in marked if each not in taken)

    def lead(self, source: int) -> None:
        """Put this source first, so that it is the one heard."""
        self.sources.remove(source)
        self.sources.insert(0, source)

    def shares(self, offer: Invite) -> bool:
        """Whether the call's customer takes part in the offer; if none is known, whether any party does."""
        return not self.anonymous and not (self.customers or self.people).isdisjoint(offer.people)


class Recordings:
    """All open recordings, and those that ended recently. Belongs to the thread that holds the sources."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], list[Recording]] = {}
        self._over: deque[Recording] = deque(maxlen=RESUMABLE)

    def find(self, offer: Invite) -> Recording | None:
        """The recording of the same session or group with the same parties; None if the parties are not known."""
        same = (each for each in self._related(offer) if offer.parties and each.parties == offer.parties)
        return next((each for each in same if ("session", offer.call_id) in each.names or each.shares(offer)), None)

    def before(self, offer: Invite) -> Recording | None:
        """The recording that this offer continues with other parties: the call before a transfer."""
        return next((each for each in self._related(offer) if each.shares(offer)), None)

    def knows(self, offer: Invite, now: float) -> bool:
        """Whether an offer is of a call that is open, or that may resume. `now`: seconds of a monotonic clock."""
        return bool(self.find(offer) or self.before(offer) or self._resumable(offer, now))

    def told(self, recording: Recording, offer: Invite) -> None:
        """Register what an offer says of a call, so that the call is found by it too."""
        for name in _names(offer):
            if name not in recording.names:
                recording.names.add(name)
                self._open.setdefault(name, []).append(recording)
        if offer.parties:
            recording.parties, recording.people = offer.parties, offer.people
            recording.customers = offer.customers or recording.customers
            recording.anonymous = not recording.customers and any(leg.role is Role.CUSTOMER for leg in offer.legs)

    def remove(self, recording: Recording, now: float) -> None:
        """The recording's last source has ended. `now`: seconds of a monotonic clock."""
        for name in recording.names:
            same = self._open[name]
            same.remove(recording)
            if not same:
                del self._open[name]
        recording.over_at = now
        self._over.append(recording)

    def resumed(self, offer: Invite, now: float) -> Recording | None:
        """Remove and return the ended call that this offer resumes: same session or group, same parties or customer.

        `now`: seconds of a monotonic clock.
        """
        if recording := self._resumable(offer, now):
            self._over.remove(recording)
        return recording

    def _resumable(self, offer: Invite, now: float) -> Recording | None:
        while self._over and now - self._over[0].over_at > RESUME_SECONDS:
            self._over.popleft()
        names = set(_names(offer))
        for recording in reversed(self._over):
            same_parties = bool(offer.parties) and recording.parties == offer.parties
            if names & recording.names and (same_parties or recording.shares(offer)):
                return recording
        return None

    def _related(self, offer: Invite) -> list[Recording]:
        """The open recordings of the offer's session, then those of its group."""
        return list(dict.fromkeys(each for name in _names(offer) for each in self._open.get(name, ())))


def _names(offer: Invite) -> list[tuple[str, str]]:
    return [name for name in (("session", offer.call_id), ("group", offer.group)) if name[1]]
