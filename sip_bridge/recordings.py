"""Calls that are recorded more than once: by a standby SBC as well, or on both sides of one. Pure.

The dialogs of one session with the same parties feed one call: the first is heard, the others are answered and wait,
and the next one takes over where it ends. The call closes with the last of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sip_bridge.call import Call
from sip_bridge.leg import Leg


@dataclass(slots=True, eq=False)
class Recording:
    """An open call and the dialogs that record it, by their numbers."""

    call: Call
    session: str
    """The call's id as the recorder gave it."""
    parties: str
    """Who takes part, as `invite.Invite.parties`; changes when an agent does."""
    legs: list[Leg] = field(default_factory=list)
    """All that the call has had."""
    dialogs: list[int] = field(default_factory=list)
    """In the order in which they take over; the first is heard."""

    def leg_id(self, wanted: str) -> str:
        """`wanted`, or what makes it different from those of all other legs."""
        taken = {leg.leg_id for leg in self.legs}
        marked = (f"{wanted[:56]}#{number}" for number in range(len(taken) + 1))
        return wanted if wanted not in taken else next(each for each in marked if each not in taken)


class Recordings:
    """All that are open. Belongs to the thread that holds the dialogs."""

    def __init__(self) -> None:
        self._open: dict[str, list[Recording]] = {}

    def find(self, session: str, parties: str) -> Recording | None:
        """The one of this session and these parties; None where the parties are not known."""
        return (
            next((each for each in self._open.get(session, ()) if each.parties == parties), None) if parties else None
        )

    def add(self, recording: Recording) -> None:
        """A call has begun."""
        self._open.setdefault(recording.session, []).append(recording)

    def remove(self, recording: Recording) -> None:
        """Its last dialog has ended."""
        same = self._open[recording.session]
        same.remove(recording)
        if not same:
            del self._open[recording.session]
