"""The bridge's capacity: each dialog counts once, from the admission of its INVITE until it is gone. Pure.

`max_calls` limits calls. A dialog that joins a call does not count as another call, because half a call is no use: the
limits on dialogs, per call and in total, apply to it. A second recording of a call (a standby recorder) costs as much
as another call, and counts as one.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from service.rates import source_of
from sip_bridge.admission.refusal import Refusal

DIALOGS_A_CALL = 16
"""Per call: twice its legs (`joining.MAX_LEGS`), because a dialog whose leg was taken over may still be up."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on what is open at once."""

    calls: int
    """In total."""
    calls_a_peer: int
    """Per peer; 0 for no limit below `calls`."""
    dialogs: int
    """In total, including those that join a call; twice the calls, because a call may be forked as two dialogs."""

    @property
    def half_open(self) -> int:
        """Dialogs without an ACK, in total. Such a dialog lasts half a minute."""
        return max(8, self.calls // 2)

    @property
    def half_open_a_peer(self) -> int:
        """Dialogs without an ACK, per peer: a peer that never sends ACKs leaves three quarters to the others."""
        return max(4, self.calls // 4)


@dataclass(slots=True, eq=False)
class Place:
    """The capacity one dialog holds."""

    peer: str
    """The key its peer is counted by (`rates.source_of`)."""
    call: tuple[str, str] | None
    """Its peer's address and the call it names; None for a call of its own."""
    half_open: bool = True
    """Whether its answer is still without an ACK."""
    taken: bool = True
    """False once given back."""


@dataclass(slots=True)
class _Peer:
    calls: int = 0
    half_open: int = 0


@dataclass(slots=True)
class Places:
    """All places held. A peer's entry is dropped with its last dialog. Belongs to the library's thread."""

    limits: Limits
    dialogs: int = 0
    calls: int = 0
    half_open: int = 0
    _named: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Number of dialogs of each joinable call."""
    _peers: dict[str, _Peer] = field(default_factory=dict)

    def __len__(self) -> int:
        """Number of peers that hold a place."""
        return len(self._peers)

    def knows(self, call: tuple[str, str]) -> bool:
        """Whether the call is open, so that a dialog that names it would join it."""
        return call in self._named

    def of(self, peer: str) -> tuple[int, int]:
        """Numbers of calls and of half-open dialogs of the peer with this address."""
        found = self._peers.get(source_of(peer), _Peer())
        return found.calls, found.half_open

    def crowded(self, peer: str) -> Refusal | None:
        """Why no further dialog of the peer is accepted, regardless of its call."""
        if self.dialogs >= self.limits.dialogs:
            return Refusal.DIALOGS
        _, half_open = self.of(peer)
        if half_open >= self.limits.half_open_a_peer:
            return Refusal.PEER_HALF_OPEN
        return Refusal.HALF_OPEN if self.half_open >= self.limits.half_open else None

    def full(self, peer: str, call: tuple[str, str] | None) -> Refusal | None:
        """Why no dialog of this call is accepted: too many calls, or too many dialogs of this one."""
        if call is not None and call in self._named:
            return Refusal.CALL_DIALOGS if self._named[call] >= DIALOGS_A_CALL else None
        if self.calls >= self.limits.calls:
            return Refusal.CAPACITY
        calls, _ = self.of(peer)
        return Refusal.PEER_CAPACITY if 0 < self.limits.calls_a_peer <= calls else None

    def take(self, peer: str, call: tuple[str, str] | None) -> Place:
        """Count a dialog in. The caller has checked `crowded` and `full`."""
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
        """The ACK has arrived. Ignored if repeated, or once the place is given back."""
        if place.half_open and place.taken:
            place.half_open = False
            self.half_open -= 1
            self._peers[place.peer].half_open -= 1

    def give_back(self, place: Place) -> None:
        """The dialog is gone. Ignored if repeated."""
        if not place.taken:
            return
        self.acknowledged(place)
        place.taken = False
        self.dialogs -= 1
        of_peer = self._peers[place.peer]
        if self._leaves_empty(place.call):
            self.calls -= 1
            of_peer.calls -= 1
        if not of_peer.calls:  # a peer with a dialog also has its call
            del self._peers[place.peer]

    def _leaves_empty(self, call: tuple[str, str] | None) -> bool:
        """Remove one dialog from its call. Returns whether it was the last."""
        if call is None:
            return True
        self._named[call] -= 1
        if self._named[call]:
            return False
        del self._named[call]
        return True
