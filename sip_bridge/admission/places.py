"""What the dialogs of a bridge take of it: each counts in once, when its INVITE is let through, until it is gone. Pure.

A call is what `max_calls` counts. A dialog that joins a call is no further one, for half a call is no use: it is
bounded by the dialogs of its call, and of all. A second recording of a call (a standby recorder) takes as much of the
bridge as another call, and counts as one.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from service.rates import source_of
from sip_bridge.admission.refusal import Refusal

DIALOGS_A_CALL = 16
"""Of one call: twice its legs (`joining.MAX_LEGS`), for a dialog whose leg another has taken over may still be up."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may be taken at once."""

    calls: int
    """In all."""
    calls_a_peer: int
    """0 for as many as in all."""
    dialogs: int
    """In all, those included that join a call; twice the calls, for a call may be forked in two."""

    @property
    def half_open(self) -> int:
        """Dialogs in all whose answer nobody has acknowledged yet: such a one stays for half a minute."""
        return max(8, self.calls // 2)

    @property
    def half_open_a_peer(self) -> int:
        """The same of one peer: who never acknowledges leaves three quarters to the others."""
        return max(4, self.calls // 4)


@dataclass(slots=True, eq=False)
class Place:
    """What one dialog takes."""

    peer: str
    """Its source, as it is counted."""
    call: tuple[str, str] | None
    """The call that it names, with its peer's address; None for one that is a call of its own."""
    half_open: bool = True
    """Whether its answer waits for an acknowledgement."""
    taken: bool = True
    """Until it is given back."""


@dataclass(slots=True)
class _Peer:
    calls: int = 0
    half_open: int = 0


@dataclass(slots=True)
class Places:
    """All that are taken. What is kept of a peer goes with its last dialog. Belongs to the library's thread."""

    limits: Limits
    dialogs: int = 0
    calls: int = 0
    half_open: int = 0
    _named: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Dialogs of each call that dialogs may join."""
    _peers: dict[str, _Peer] = field(default_factory=dict)

    def __len__(self) -> int:
        """The peers that hold something."""
        return len(self._peers)

    def knows(self, call: tuple[str, str]) -> bool:
        """Whether a dialog that names this call would join it."""
        return call in self._named

    def of(self, peer: str) -> tuple[int, int]:
        """Calls and half-open dialogs of the peer with this address."""
        found = self._peers.get(source_of(peer), _Peer())
        return found.calls, found.half_open

    def crowded(self, peer: str) -> Refusal | None:
        """Why no further dialog of the peer is taken, whatever call it is of."""
        if self.dialogs >= self.limits.dialogs:
            return Refusal.DIALOGS
        _, half_open = self.of(peer)
        if half_open >= self.limits.half_open_a_peer:
            return Refusal.PEER_HALF_OPEN
        return Refusal.HALF_OPEN if self.half_open >= self.limits.half_open else None

    def full(self, peer: str, call: tuple[str, str] | None) -> Refusal | None:
        """Why no dialog of this call is taken: too many calls, or dialogs of this one."""
        if call is not None and call in self._named:
            return Refusal.CALL_DIALOGS if self._named[call] >= DIALOGS_A_CALL else None
        if self.calls >= self.limits.calls:
            return Refusal.CAPACITY
        calls, _ = self.of(peer)
        return Refusal.PEER_CAPACITY if 0 < self.limits.calls_a_peer <= calls else None

    def take(self, peer: str, call: tuple[str, str] | None) -> Place:
        """Count a dialog in that nothing speaks against."""
        place = Place(source_of(peer), call)
        of_peer = self._peers.setdefault(place.peer, _Peer())
        self.dialogs += 1
        self.half_open += 1
        of_peer.half_open += 1
        if call is None or call not in self._named:
            self.calls += 1
            of_peer.calls += 1
        if call is not None:
            self._named[call] += 1
        return place

    def acknowledged(self, place: Place) -> None:
        """The other side has acknowledged the answer. The first time counts, and none when it is given back."""
        if place.half_open and place.taken:
            place.half_open = False
            self.half_open -= 1
            self._peers[place.peer].half_open -= 1

    def give_back(self, place: Place) -> None:
        """The dialog is gone. The first time counts."""
        if not place.taken:
            return
        self.acknowledged(place)
        place.taken = False
        self.dialogs -= 1
        of_peer = self._peers[place.peer]
        if self._leaves_empty(place.call):
            self.calls -= 1
            of_peer.calls -= 1
        if not of_peer.calls:  # whoever holds a dialog holds its call
            del self._peers[place.peer]

    def _leaves_empty(self, call: tuple[str, str] | None) -> bool:
        """Take one dialog out of its call; whether it was the last."""
        if call is None:
            return True
        self._named[call] -= 1
        if self._named[call]:
            return False
        del self._named[call]
        return True
