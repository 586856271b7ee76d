"""A stage for the bridge: what forks do in, fork events expected. What is real is all but SIP, RTP and the time.

Its forks are no SIP dialogs, yet feeds, calls, listener, segmenter and rings take them: whoever brings streams of audio
can be a `calls.source.Source`. Time passes only as they speak, so a call of a minute takes a moment; a new fault costs
five lines.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from threading import Event

from callbus import CallClosed, CallOpened, Role, Utterance
from callbus.messages.wire import ForkEvent
from sip_bridge.calls.ending import Ending
from sip_bridge.calls.feeds import Feeds
from sip_bridge.calls.open_calls import OpenCalls
from sip_bridge.hearing.heard_call import Call
from sip_bridge.hearing.leg import Leg
from sip_bridge.hearing.listener import Listener
from sip_bridge.hearing.segmenter import FRAME_SECONDS
from sip_bridge.pjsip.callback import tried
from sip_bridge.request.invite import Invite, OfferedLeg
from sip_bridge.request.metadata import Participant
from sip_bridge.request.naming import Naming
from sip_bridge.settings import BridgeSettings
from testcall.metadata import Party
from tests.breaking import Counted, Fault
from tests.sip_bridge.packets import BEGUN, decoded
from tests.sip_bridge.source import SILENCE, Fork
from tests.sip_bridge.speaking import sentence

WORDS: Mapping[Party, Sequence[bytes]] = {
    party: [decoded(payload) for payload in sentence(party, 0.9, quiet_seconds=0.5)] for party in ("customer", "agent")
}
"""A sentence of each, in frames; the silence after it ends an utterance."""
SECONDS = 20.0
"""Longer than anything here takes on the busiest machine."""


def offer(session: str, *users: str, group: str = "") -> Invite:
    """What a recorder offers: a stream of each party. The first one is the customer, the others are agents."""
    legs = []
    for place, user in enumerate(users):
        role, name = (Role.AGENT, user.title()) if place else (Role.CUSTOMER, "")
        legs.append(OfferedLeg(place, str(place + 1), role, name, party=Participant(user, (f"sip:{user}@x",))))
    return Invite(session, "", tuple(legs), "", offers=True, parties=" ".join(sorted(users)), group=group)


def plain(role: Role) -> Invite:
    """What a plain fork offers: one stream."""
    return Invite("", "", (OfferedLeg(0, "0", role),), "none", offers=True)


@dataclass(frozen=True, slots=True)
class Opens:
    """A fork comes up, and its streams bring silence from then on."""

    fork: str
    invite: Invite
    names: str = ""
    """The call that it belongs to, where it is a plain one."""


@dataclass(frozen=True, slots=True)
class Says:
    """A stream of a fork brings a party's sentence."""

    fork: str
    party: Party
    index: int = 0


@dataclass(frozen=True, slots=True)
class Changes:
    """A fork says something new of its call."""

    fork: str
    invite: Invite


@dataclass(frozen=True, slots=True)
class FallsSilent:
    """Nothing comes of a fork any more, not even silence, though it has not ended."""

    fork: str


@dataclass(frozen=True, slots=True)
class Passes:
    """So much time passes."""

    seconds: float


@dataclass(frozen=True, slots=True)
class IsEnding:
    """The bridge hangs up on a fork: it is still there, and will bring nothing more."""

    fork: str


@dataclass(frozen=True, slots=True)
class IsRefused:
    """A fork comes that the bridge does not take."""

    fork: str


@dataclass(frozen=True, slots=True)
class Ends:
    """A fork is over."""

    fork: str
    ending: Ending = Ending.BYE


Step = Opens | Says | Changes | FallsSilent | Passes | IsEnding | IsRefused | Ends


class Stage:
    """A bridge without SIP."""

    def __init__(self) -> None:
        self.now = BEGUN
        self.told: list[ForkEvent] = []
        self.listener = Listener(self.publish, lambda: self.now)
        self._later: list[Callable[[], None]] = []
        self._feeds = Feeds(OpenCalls(BridgeSettings(), self.listener, lambda: self.now), self._later.append)
        self._forks: dict[str, Fork] = {}
        self._numbers = itertools.count()
        self.listener.start()

    def do(self, step: Step) -> None:
        """Let a fork do something, and the bridge all that follows from it."""
        tried("step", self._do, step)
        while self._later:
            tried("command", self._later.pop(0))
        self._await_a_round()

    def publish(self, event: ForkEvent) -> None:
        """Where the listener's thread hands its events over."""
        self.told.append(event)

    def _do(self, step: Step) -> None:
        match step:
            case Opens(name, invite, names):
                fork = self._forks[name] = self._fork(name)
                fork.feed.naming = Naming(names, invite.legs[0].role if names else None)
                fork.take(invite)
            case Changes(name, invite):
                self._forks[name].take(invite)
            case Says(name, party, index):
                for frame in WORDS[party]:
                    self._pass_a_frame({name: (index, frame)})
            case Passes(seconds):
                for _ in range(round(seconds / FRAME_SECONDS)):
                    self._pass_a_frame({})
                for fork in list(self._forks.values()):
                    fork.feed.give_way(self.now)
            case FallsSilent(name):
                self._forks[name].is_silent = True
            case IsEnding(name):
                self._forks[name].is_ending = True
            case IsRefused(name):
                fork = self._fork(name)
                fork.is_ending = True
                fork.end(Ending.REFUSED)
            case Ends(name, ending):
                self._forks.pop(name).end(ending)

    def _fork(self, name: str) -> Fork:
        return Fork(name, next(self._numbers), self._feeds, lambda: self.now)

    def _pass_a_frame(self, words: Mapping[str, tuple[int, bytes]]) -> None:
        self.now += FRAME_SECONDS
        for name, fork in self._forks.items():
            fork.bring(*words.get(name, (0, SILENCE)))

    def _await_a_round(self) -> None:
        """Wait until the listener has done all that it was asked, and taken all that is there."""
        mark, deadline = _Mark(), time.monotonic() + SECONDS
        self.listener.tell(mark, ())
        assert mark.passed.wait(SECONDS)
        for _ in range(2):  # the second round from here on begins after this
            before = self.listener.rounded_at
            while self.listener.rounded_at == before and self.listener.busy_since is not None:
                assert time.monotonic() < deadline
                time.sleep(0.001)


class _Mark(Call):
    """A call of which nothing is published: it tells how far the listener has come."""

    def __init__(self) -> None:
        super().__init__("", "", [], 0.0)
        self.passed = Event()

    def tell(self, said: Iterable[tuple[Leg, Role, str]]) -> Iterator[ForkEvent]:
        """The listener has come here."""
        self.passed.set()
        return iter(())


def _story(event: ForkEvent) -> str:
    """An event in few words; empty for one of the audio's health, whose time is the listener's own."""
    match event:
        case CallOpened():
            legs = ", ".join(f"{leg.leg_id} {leg.name or leg.role}" for leg in event.legs)
            return f"{event.call_id} opened: {legs}"
        case Utterance():
            said = [party for party, frames in WORDS.items() if event.pcm in b"".join(frames)]
            return f"{event.call_id} {event.leg_id}: {' '.join(said) or 'nothing that was said'}"
        case CallClosed():
            return f"{event.call_id} closed: {event.reason}"
    return ""


def play(send: Sequence[Step], expect: Sequence[str], *breaks: Fault, faults: Collection[str] = ()) -> None:
    """Let forks do all this with these faults in the way; in the end this was published, and these were counted."""
    with ExitStack() as broken:
        for fault in breaks:
            broken.enter_context(fault)
        counted, stage = Counted(), Stage()
        try:
            for step in send:
                stage.do(step)
        finally:
            assert stage.listener.stop(SECONDS)
    assert [told for event in stage.told if (told := _story(event))] == list(expect)
    assert counted.kinds.keys() == set(faults)
