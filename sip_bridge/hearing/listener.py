"""The thread that listens to all calls: empties their legs' rings, cuts utterances, hands the messages on.

Between the endpoint (which opens and closes calls and fills the rings) and the publisher. All legs share the thread:
a block costs each the same few microseconds, so none can hold up the others; what falls behind is shed by the rings.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue

from prometheus_client import Histogram

from callbus import Role
from callbus.messages.wire import ForkEvent
from service.faults import survived
from service.owned_thread import OwnedThread
from sip_bridge.hearing.call_health import CallHealth
from sip_bridge.hearing.heard_call import Call, Clock
from sip_bridge.hearing.leg import Leg
from sip_bridge.hearing.ring import Entry, Rings

ROUND_SECONDS = Histogram(
    "callvane_listen_round_seconds",
    "Time that one round over all legs took; a round longer than 0.02 s is late.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)

INTERVAL_SECONDS = 0.02
"""Between the starts of two rounds: at most this is added to an utterance's latency."""
HEALTH_ROUNDS = 50
"""A call's health is looked at in every 50th round, about once a second; in each round another share of the calls."""

COUNTING_ROUNDS = 10
"""Between two looks at what the rings have counted."""

log = logging.getLogger(__name__)

Step = Callable[[], Iterable[ForkEvent]]


class Listener:
    """Start it, open and close calls, stop it. All methods but the thread's own never block."""

    def __init__(
        self, publish: Callable[[ForkEvent], None], clock: Clock = time.time, one_way_seconds: float = 0.0
    ) -> None:
        """`publish` is called on the listener's thread and must not block. `clock`: unix seconds.

        `one_way_seconds`: as `sound.CallSound`.
        """
        self._one_way_seconds = one_way_seconds
        self._health: dict[str, CallHealth] = {}
        self._rounds = 0
        self._publish = publish
        self._clock = clock
        self._calls: list[Call] = []
        self._rings = Rings(clock)
        self._heard: dict[int, tuple[Call, Leg]] = {}
        """Whose ring it is, by its number."""
        self._steps: SimpleQueue[Step | None] = SimpleQueue()
        self._thread = OwnedThread("listener", self._run)
        self.ended = self._thread.ended
        """As `owned_thread.OwnedThread`."""
        self.round_seconds = 0.0
        """How long the last round took."""
        self.rounded_at = 0.0
        """When it ended, in monotonic seconds: there are no rounds while there is no call."""
        self.busy_since: float | None = None
        """When the round began that goes on now (monotonic); none while there is no call. Long ago: it hangs."""

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def open(self, call: Call) -> None:
        """Publish that `call` has begun and listen to its legs."""
        self._steps.put(lambda: self._open(call))

    def join(self, call: Call, leg: Leg) -> None:
        """Listen to a further leg of an open call."""
        self._steps.put(lambda: self._join(call, leg))

    def tell(self, call: Call, said: Sequence[tuple[Leg, Role, str]]) -> None:
        """Publish who speaks on these legs from now on, where that is news."""
        self._steps.put(lambda: call.tell(said))

    def close(self, call: Call, reason: str) -> None:
        """Publish what is left of `call`, then that it has ended."""
        self._steps.put(lambda: self._close(call, reason))

    def stop(self, timeout_seconds: float) -> bool:
        """End the thread after everything asked before; false when that took too long.

        What a thread that has died has left undone is done here: calls have their last messages all the same.
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
        if call in self._calls:  # else its opening broke
            self._calls.remove(call)
        self._health.pop(call.call_id, None)
        for leg in call.legs:
            self._rings.remove(leg.ring)
            self._heard.pop(leg.ring.number, None)
        self._rings.count()  # where it was the last call, there are no more rounds
        return call.closed(reason, self._clock())

    def _run(self) -> None:
        while self._obey():
            self.busy_since = started = time.monotonic()
            for entry in self._rings.take():
                self._hear(entry)
            self._rounds += 1
            if self._rounds % COUNTING_ROUNDS == 0:
                self._rings.count()
            for call in self._calls[self._rounds % HEALTH_ROUNDS :: HEALTH_ROUNDS]:
                self._do(partial(self._health[call.call_id].events, call))
            self.rounded_at = time.monotonic()
            self.round_seconds = self.rounded_at - started
            ROUND_SECONDS.observe(self.round_seconds)
            time.sleep(max(0.0, INTERVAL_SECONDS - self.round_seconds))

    def _hear(self, entry: Entry) -> None:
        try:
            call, leg = self._heard[entry.ring]
            for segment in leg.hear(entry):
                self._publish(call.utterance(leg, segment))
        except Exception:  # a fault in one call must not deafen the others
            survived("listening", log, self._heard[entry.ring][0].call_id if entry.ring in self._heard else "")

    def _obey(self) -> bool:
        """Do all that was asked, waiting for it while there is no call to listen to; false when it was to end."""
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
