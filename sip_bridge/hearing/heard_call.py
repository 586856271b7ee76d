"""Turns the segments of a call's legs into the messages that analysis reads, in order."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator

from prometheus_client import Counter

import callbus
from callbus import Role, Utterance
from callbus.messages.wire import ForkEvent
from service.faults import survived
from sip_bridge.hearing.leg import Leg
from sip_bridge.hearing.segmenter import FRAME_SECONDS, SAMPLE_RATE_HZ, Segment

UTTERANCES = Counter("callvane_utterances_total", "Utterances sent to analysis, by role.", ["role"])

log = logging.getLogger(__name__)

Clock = Callable[[], float]


class Call:
    """One call's messages. Belongs to the listener's thread once handed over to it."""

    def __init__(self, call_id: str, bridge_id: str, legs: list[Leg], opened_at: float, queue: str = "") -> None:
        """`opened_at`: unix seconds. `queue`: as in CallOpened."""
        self.call_id = call_id
        self.queue = queue
        self.legs = legs
        self._bridge_id = bridge_id
        self._opened_at = opened_at
        self._sequence = 0

    def opened(self) -> ForkEvent:
        """The call's first message; sent again whenever its legs change."""
        legs = tuple(callbus.Leg(leg.leg_id, leg.role, leg.name) for leg in self.legs)
        return callbus.CallOpened(self.call_id, self._bridge_id, self._opened_at, legs, queue=self.queue)

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
                yield from (self.utterance(leg, segment) for segment in leg.flush())
            leg.role, leg.name = role, name
        yield self.opened()

    def utterances(self) -> Iterator[ForkEvent]:
        """The utterances since the last call; each leg's are in order."""
        for leg in self.legs:
            for segment in leg.segments():
                yield self.utterance(leg, segment)

    def closed(self, reason: str, now: float) -> Iterator[ForkEvent]:
        """The unfinished utterances, then the call's last message, even after a fault. `now`: unix seconds."""
        try:
            yield from self.utterances()
            for leg in self.legs:
                for segment in leg.flush():
                    yield self.utterance(leg, segment)
        except Exception:
            survived("listening", log, self.call_id)
        yield callbus.CallClosed(self.call_id, now, self.position_seconds, reason)

    @property
    def position_seconds(self) -> float:
        """Call time in seconds: that of the leg furthest ahead."""
        return max((leg.position_seconds for leg in self.legs), default=0.0)

    def utterance(self, leg: Leg, segment: Segment) -> Utterance:
        """The message for a segment of one of its legs."""
        UTTERANCES.labels(leg.role.value).inc()
        said = self.foretold(leg, segment)
        self._sequence += 1
        return said

    def foretold(self, leg: Leg, segment: Segment) -> Utterance:
        """The utterance that a segment becomes if nothing else is said before it ends."""
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
