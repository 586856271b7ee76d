"""The thread that listens to all calls: empties the legs' rings, cuts utterances, passes the messages on.

It sits between the endpoint (which opens and closes calls and fills the rings) and the publisher. All legs share the
thread: each block costs the same few microseconds, so no leg can delay the others. The rings drop what falls behind.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue

from prometheus_client import Histogram

from callbus import Role, Utterance
from callbus.messages.contact import CrmRecord
from callbus.messages.wire import ForkEvent
from service.faults import survived
from service.owned_thread import OwnedThread
from sip_bridge.hearing.call_health import CallHealth
from sip_bridge.hearing.heard_call import Call, Clock
from sip_bridge.hearing.leg import Leg
from sip_bridge.hearing.ring import Entry, Rings
from sip_bridge.hearing.segmenter import Segment

ROUND_SECONDS = Histogram(
    "callvane_listen_round_seconds",
    "Duration of one round over all legs; a round longer than 0.02 s is late.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)

INTERVAL_SECONDS = 0.02
"""Between the starts of two rounds: the most that this adds to an utterance's latency."""
HEALTH_ROUNDS = 50
"""Each call's health is checked every 50 rounds, about once a second; each round checks another share of the calls."""

COUNTING_ROUNDS = 10
"""Rounds between two readings of the rings' counters."""

log = logging.getLogger(__name__)

Step = Callable[[], Iterable[ForkEvent]]


class Listener:
    """Listens to calls from `start` to `stop`. `open`, `join`, `tell`, `introduce` and `close` never block."""

    def __init__(
        self,
        publish: Callable[[ForkEvent], None],
        clock: Clock = time.time,
        one_way_seconds: float = 0.0,
        foretell: Callable[[Utterance], None] | None = None,
    ) -> None:
        """`publish` and `foretell` are called on the listener's thread and must not block. `clock`: unix seconds.

        `one_way_seconds`: see `sound.CallSound`. `foretell` is given utterances ahead of their end, as they are if
        nobody speaks on.
        """
        self._one_way_seconds = one_way_seconds
        self._health: dict[str, CallHealth] = {}
        self._rounds = 0
        self._publish = publish
        self._foretell = foretell
        self._clock = clock
        self._calls: list[Call] = []
        self._rings = Rings(clock)
        self._heard: dict[int, tuple[Call, Leg]] = {}
        """The call and leg of each ring, by ring number."""
        self._steps: SimpleQueue[Step | None] = SimpleQueue()
        self._thread = OwnedThread("listener", self._run)
        self.ended = self._thread.ended
        """See `owned_thread.OwnedThread`."""
        self.round_seconds = 0.0
        """Duration of the last round."""
        self.rounded_at = 0.0
        """When the last round ended, in monotonic seconds. There are no rounds while there is no call."""
        self.busy_since: float | None = None
        """When the current round began (monotonic); None while there is no call. If long ago, the thread hangs."""

    def start(self) -> None:
        """Start listening."""
        self._thread.start()

    def open(self, call: Call) -> None:
        """Publish that `call` has begun and listen to its legs."""
        self._steps.put(lambda: self._open(call))

    def join(self, call: Call, leg: Leg) -> None:
        """Listen to a further leg of an open call."""
        self._steps.put(lambda: self._join(call, leg))

    def tell(self, call: Call, said: Sequence[tuple[Leg, Role, str]]) -> None:
        """Publish who speaks on these legs from now on, if that has changed."""
        self._steps.put(lambda: call.tell(said))

    def introduce(self, call: Call, caller: str, crm: CrmRecord | None = None) -> None:
        """Publish what is known of the caller, if that is news and the call is still open."""
        self._steps.put(lambda: call.introduce(caller, crm) if call in self._calls else ())

    def close(self, call: Call, reason: str) -> None:
        """Publish the rest of `call`, then that it has ended."""
        self._steps.put(lambda: self._close(call, reason))

    def stop(self, timeout_seconds: float) -> bool:
        """End the thread after all pending requests. Returns False if that took too long.

        If the thread has died, this method completes its pending requests, so that calls still get their last messages.
        """
        self._steps.put(None)
        self._thread.join(timeout_seconds)
        if self._thread.is_alive():
            return False
        with suppress(Empty):
            while True:
                if step := self._steps.get_nowait():
                    self._do(step)
        return True

    def _open(self, call: Call) -> list[ForkEvent]:
        self._calls.append(call)
        self._health[call.call_id] = CallHealth(self._one_way_seconds)
        for leg in call.legs:
            self._listen(call, leg)
        return [call.opened()]

    def _join(self, call: Call, leg: Leg) -> list[ForkEvent]:
        opened = call.join(leg)
        self._listen(call, leg)
        return [opened]

    def _listen(self, call: Call, leg: Leg) -> None:
        self._heard[leg.ring.number] = call, leg
        self._rings.add(leg.ring)

    def _close(self, call: Call, reason: str) -> Iterable[ForkEvent]:
        if call in self._calls:  # missing if opening it failed
            self._calls.remove(call)
        self._health.pop(call.call_id, None)
        for leg in call.legs:
            self._rings.remove(leg.ring)
            self._heard.pop(leg.ring.number, None)
        self._rings.count()  # if this was the last call, no more rounds follow
        return call.closed(reason, self._clock())

    def _run(self) -> None:
        while self._obey():
            self.busy_since = started = time.monotonic()
            # All that is heard at once comes before any of it is told: a leg is compared with the others.
            for call, leg, segments in list(filter(None, map(self._hear, self._rings.take()))):
                self._tell(call, leg, segments, compares=time.monotonic() - started < INTERVAL_SECONDS)
            self._rounds += 1
            if self._rounds % COUNTING_ROUNDS == 0:
                self._rings.count()
            for call in self._calls[self._rounds % HEALTH_ROUNDS :: HEALTH_ROUNDS]:
                self._do(partial(self._health[call.call_id].events, call))
            self.rounded_at = time.monotonic()
            self.round_seconds = self.rounded_at - started
            ROUND_SECONDS.observe(self.round_seconds)
            time.sleep(max(0.0, INTERVAL_SECONDS - self.round_seconds))

    def _hear(self, entry: Entry) -> tuple[Call, Leg, list[Segment]] | None:
        try:
            call, leg = self._heard[entry.ring]
            return call, leg, leg.hear(entry)
        except Exception:  # a fault in one call must not deafen the others
            survived("listening", log, self._heard[entry.ring][0].call_id if entry.ring in self._heard else "")
            return None

    def _tell(self, call: Call, leg: Leg, segments: list[Segment], compares: bool) -> None:
        """A late round `compares` no legs: an echo does less harm than a listener that falls behind."""
        try:
            for utterance in call.said(leg, segments, compares):
                self._publish(utterance)
            ahead = leg.ahead()
            if self._foretell and compares and ahead and (foretold := call.foretold(leg, ahead)):
                self._foretell(foretold)
        except Exception:  # as in _hear
            survived("listening", log, call.call_id)

    def _obey(self) -> bool:
        """Run all pending requests; while there is no call, wait for one. Returns False if the thread must end."""
        while True:
            if not self._calls and self._steps.empty():
                self.busy_since = None
            try:
                step = self._steps.get(block=not self._calls)
            except Empty:
                return True
            self.busy_since = time.monotonic()
            if step is None:
                return False
            self._do(step)

    def _do(self, step: Step) -> None:
        try:
            for event in step():
                self._publish(event)
        except Exception:  # a fault in one call must not deafen the others
            survived("listening", log)
