"""Sources that record one call: a standby SBC's, those of both sides of one, those before and after a transfer. Pure.

The sources of one session with the same parties feed one call: the first is heard, the others are answered and wait,
and the next one takes over where it ends. The call closes with the last of them.

A recorder may hold a session for each pair of parties and relate them by a group (RFC 7865 section 6.3): a transfer
then comes as another source with another session id. It is the same call if the call's customer takes part, and another
one if two agents consult. The new source is heard at once, and the earlier one no more: the customer now speaks there,
and the new agent nowhere else. To wait for the earlier source's end would lose the new agent's first words, to hear
both would double the customer's. If the new source ends first, as after a conference, the earlier one is heard again.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from callbus import Role
from sip_bridge.hearing.heard_call import Call
from sip_bridge.hearing.leg import Leg
from sip_bridge.request.invite import Invite

RESUME_SECONDS = 60.0
"""A recorder that fails over or transfers may hang up first and call again after: within this time it is the same call.
As in `analysis.call.succession`."""
RESUMABLE = 1_024
"""Calls that are over and remembered for it."""


@dataclass(slots=True, eq=False)
class Recording:
    """An open call and the sources that record it, by their numbers."""

    call: Call
    parties: str = ""
    """Who takes part, as `invite.Invite.parties`; changes when an agent does."""
    customers: frozenset[str] = frozenset()
    """As `invite.Invite.customers`, of what last named any."""
    anonymous: bool = False
    """Whether its customer has no address to be known by: nobody can tell it from another such call."""
    people: frozenset[str] = frozenset()
    """As `invite.Invite.people`, of what was said last."""
    legs: list[Leg] = field(default_factory=list)
    """All that the call has had."""
    sources: list[int] = field(default_factory=list)
    """In the order in which they take over; the first is heard."""
    names: set[tuple[str, str]] = field(default_factory=set)
    """Sessions and groups that it is found by."""
    over_at: float = 0.0
    """When it ended, in seconds of a monotonic clock; 0 while it is open."""

    def leg_id(self, wanted: str) -> str:
        """`wanted`, or what makes it different from those of all other legs."""
        taken = {leg.leg_id for leg in self.legs}
        marked = (f"{wanted[:56]}#{number}" for number in range(len(taken) + 1))
        return wanted if wanted not in taken else next(each for each in marked if each not in taken)

    def lead(self, source: int) -> None:
        """Let this one of its sources be the one that is heard."""
        self.sources.remove(source)
        self.sources.insert(0, source)

    def shares(self, offer: Invite) -> bool:
        """Whether the call's customer takes part in what is offered; where none is known, anybody of the call."""
        return not self.anonymous and not (self.customers or self.people).isdisjoint(offer.people)


class Recordings:
    """All that are open. Belongs to the thread that holds the sources."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], list[Recording]] = {}
        self._over: deque[Recording] = deque(maxlen=RESUMABLE)

    def find(self, offer: Invite) -> Recording | None:
        """The one of the same session, or the same group, and the same parties; None where those are not known."""
        same = (each for each in self._related(offer) if offer.parties and each.parties == offer.parties)
        return next((each for each in same if ("session", offer.call_id) in each.names or each.shares(offer)), None)

    def before(self, offer: Invite) -> Recording | None:
        """The one that goes on in this offer with other parties: the call before a transfer."""
        return next((each for each in self._related(offer) if each.shares(offer)), None)

    def told(self, recording: Recording, offer: Invite) -> None:
        """A call has begun, or its metadata says something new: find it by that too."""
        for name in _names(offer):
            if name not in recording.names:
                recording.names.add(name)
                self._open.setdefault(name, []).append(recording)
        if offer.parties:
            recording.parties, recording.people = offer.parties, offer.people
            recording.customers = offer.customers or recording.customers
            recording.anonymous = not recording.customers and any(leg.role is Role.CUSTOMER for leg in offer.legs)

    def remove(self, recording: Recording, now: float) -> None:
        """Its last source has ended. `now`: seconds of a monotonic clock."""
        for name in recording.names:
            same = self._open[name]
            same.remove(recording)
            if not same:
                del self._open[name]
        recording.over_at = now
        self._over.append(recording)

    def resumed(self, offer: Invite, now: float) -> Recording | None:
        """The call that was over and goes on in this offer: of its session or group, with its customer in it.

        Taken out: it goes on once.
        """
        while self._over and now - self._over[0].over_at > RESUME_SECONDS:
            self._over.popleft()
        names = set(_names(offer))
        for recording in reversed(self._over):
            same_parties = bool(offer.parties) and recording.parties == offer.parties
            if names & recording.names and (same_parties or recording.shares(offer)):
                self._over.remove(recording)
                return recording
        return None

    def _related(self, offer: Invite) -> list[Recording]:
        """Those of its session, then those of its group."""
        return list(dict.fromkeys(each for name in _names(offer) for each in self._open.get(name, ())))


def _names(offer: Invite) -> list[tuple[str, str]]:
    return [name for name in (("session", offer.call_id), ("group", offer.group)) if name[1]]
