"""Turns the segments of a call's legs into the messages that analysis reads, in order."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator

from prometheus_client import Counter

import callbus
from callbus import Role, Utterance
from callbus.messages.contact import CrmRecord
from callbus.messages.wire import ForkEvent
from service.faults import survived
from sip_bridge.hearing.echo import EARLIEST_FRAMES, LATEST_FRAMES, is_echo, samples_of
from sip_bridge.hearing.leg import Leg
from sip_bridge.hearing.segmenter import FRAME_SECONDS, SAMPLE_RATE_HZ, Segment

UTTERANCES = Counter("callvane_utterances_total", "Utterances sent to analysis, by role.", ["role"])
ECHOES = Counter(
    "callvane_echoes_total",
    "Utterances not sent to analysis, because they are the words of another leg come back, by role of the leg.",
    ["role"],
)
for _role in Role:
    ECHOES.labels(_role.value)

log = logging.getLogger(__name__)

Clock = Callable[[], float]


class Call:
    """One call's messages. Belongs to the listener's thread once handed over to it."""

    def __init__(
        self,
        call_id: str,
        bridge_id: str,
        legs: list[Leg],
        opened_at: float,
        queue: str = "",
        caller: str = "",
        crm: CrmRecord | None = None,
    ) -> None:
        """`opened_at`: unix seconds. `queue`, `caller`, `crm`: as in CallOpened."""
        self.call_id = call_id
        self.queue = queue
        self.caller = caller
        self.crm = crm
        self.legs = legs
        self._bridge_id = bridge_id
        self._opened_at = opened_at
        self._sequence = 0

    def opened(self) -> ForkEvent:
        """The call's first message; sent again whenever its legs change."""
        legs = tuple(callbus.Leg(leg.leg_id, leg.role, leg.name) for leg in self.legs)
        return callbus.CallOpened(
            self.call_id, self._bridge_id, self._opened_at, legs, queue=self.queue, caller=self.caller, crm=self.crm
        )

    def join(self, leg: Leg) -> ForkEvent:
        """Add a leg that came up in mid-call. Returns the message to send."""
        self.legs.append(leg)
        return self.opened()

    def tell(self, said: Iterable[tuple[Leg, Role, str]]) -> Iterator[ForkEvent]:
        """Set the legs' roles and names from now on. Yields messages only if something changes."""
        news = [(leg, role, name) for leg, role, name in said if (leg.role, leg.name) != (role, name)]
        if not news:
            return
        yield from self.utterances()
        for leg, role, name in news:
            if leg.role is not role:  # speech in progress belongs to the old role
                yield from self.said(leg, leg.flush())
            leg.role, leg.name = role, name
        yield self.opened()

    def introduce(self, caller: str, crm: CrmRecord | None) -> Iterator[ForkEvent]:
        """Set what is known of the caller. Yields the message to send if that is news; nothing known is forgotten."""
        known = caller or self.caller, crm or self.crm
        if known != (self.caller, self.crm):
            self.caller, self.crm = known
            yield self.opened()

    def utterances(self) -> Iterator[ForkEvent]:
        """The utterances since the last call; each leg's are in order."""
        heard = [(leg, leg.segments()) for leg in self.legs]  # all, before any is compared with the others
        for leg, segments in heard:
            yield from self.said(leg, segments)

    def closed(self, reason: str, now: float) -> Iterator[ForkEvent]:
        """The unfinished utterances, then the call's last message, even after a fault. `now`: unix seconds."""
        try:
            yield from self.utterances()
            for leg in self.legs:
                yield from self.said(leg, leg.flush())
        except Exception:
            survived("listening", log, self.call_id)
        yield callbus.CallClosed(self.call_id, now, self.position_seconds, reason)

    @property
    def position_seconds(self) -> float:
        """Call time in seconds: that of the leg furthest ahead."""
        return max((leg.position_seconds for leg in self.legs), default=0.0)

    def said(self, leg: Leg, segments: Iterable[Segment], compares: bool = True) -> Iterator[Utterance]:
        """The messages for segments of one of its legs; if it `compares`, but for the echoes of another."""
        for segment in segments:
            if compares and self._is_echo(leg, segment):
                ECHOES.labels(leg.role.value).inc()
                continue
            UTTERANCES.labels(leg.role.value).inc()
            yield self._utterance(leg, segment)
            self._sequence += 1

    def foretold(self, leg: Leg, segment: Segment) -> Utterance | None:
        """The utterance that a segment becomes if nothing else is said before it ends; None if it is an echo."""
        return None if self._is_echo(leg, segment) else self._utterance(leg, segment)

    def _is_echo(self, leg: Leg, segment: Segment) -> bool:
        begin, end = segment.start_frame - LATEST_FRAMES, segment.start_frame + segment.frames + EARLIEST_FRAMES
        others = (each.lately(begin, end) for each in self.legs if each is not leg)
        return any(other.any() and is_echo(samples_of(segment.pcm), other) for other in others)

    def _utterance(self, leg: Leg, segment: Segment) -> Utterance:
        return Utterance(
            call_id=self.call_id,
            leg_id=leg.leg_id,
            role=leg.role,
            sequence=self._sequence,
            start_seconds=round(segment.start_frame * FRAME_SECONDS, 3),
            end_seconds=round((segment.start_frame + segment.frames) * FRAME_SECONDS, 3),
            ended_at=segment.ended_at,
            sample_rate_hz=SAMPLE_RATE_HZ,
            pcm=segment.pcm,
        )
