"""Utterances that are read ahead of their end, in the hope that nobody speaks on.

An attempt is taken over by the utterance that turns out to have the same audio; otherwise its words are dropped. It
changes nothing but the time: whatever becomes of an attempt, the utterance is read if no attempt has read it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Generic, TypeVar

from prometheus_client import Counter, Histogram

from analysis.words.language import Spoken
from analysis.words.passage import Shed, Words
from callbus import Utterance

USED, CANCELLED, UNUSED, SHED, FAILED = OUTCOMES = ("used", "cancelled", "unused", "shed", "failed")
READ_AHEAD = Counter(
    "callvane_utterances_read_ahead_total",
    "Readings of utterances ahead of their end: used, cancelled (somebody spoke on), unused (the utterance never "
    "came), shed (too much to do), failed.",
    ["outcome"],
)
SAVED_SECONDS = Histogram(
    "callvane_read_ahead_saved_seconds",
    "How much earlier an utterance was read because its reading began ahead of its end.",
    buckets=(0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 1),
)
WASTED_SECONDS = Counter(
    "callvane_read_ahead_wasted_seconds_total", "Speech that went through the model ahead of its end for nothing."
)
for _outcome in OUTCOMES:
    READ_AHEAD.labels(_outcome)

MOST = 64
"""Attempts kept at a time, one a leg; what comes beyond is shed."""
KEPT_SECONDS = 3.0
"""How long an attempt waits for its utterance, which comes within some tenths of a second."""

T = TypeVar("T")
Leg = tuple[str, str, str]
"""Call, recording and leg id."""


@dataclass(slots=True, eq=False)
class Attempt(Generic[T]):
    """An utterance being read, or read, ahead of its end."""

    audio: bytes
    """A digest of it."""
    seconds: float
    language: str
    """The call's, if it was decided."""
    begun_at: float
    """Monotonic seconds."""
    task: asyncio.Task[T] = field(init=False)
    expiry: asyncio.TimerHandle = field(init=False)
    done_at: float = float("inf")
    is_said: bool = False
    """Whether the utterance has come: it is as urgent as any other then."""
    waiting: asyncio.Future[Words] | None = None
    """Its place before the model, once it has one."""


class Ahead(Generic[T]):
    """The attempts of all calls. Belongs to one event loop."""

    def __init__(
        self,
        read: Callable[[Utterance, Spoken, Attempt[T]], Coroutine[Any, Any, T]],
        urge: Callable[[asyncio.Future[Words]], None],
    ) -> None:
        """`read` reads an utterance, and sets the attempt's `waiting`; `urge` makes what waits as urgent as others."""
        self._read = read
        self._urge = urge
        self._attempts: dict[Leg, Attempt[T]] = {}

    def begin(self, utterance: Utterance, spoken: Spoken) -> None:
        """Start to read it. What was being read of the same leg is dropped: somebody has spoken on."""
        leg, audio = _leg(utterance), _digest(utterance)
        if kept := self._attempts.get(leg):
            if kept.audio == audio:
                return
            self._drop(leg, kept, CANCELLED)
        if len(self._attempts) >= MOST:
            READ_AHEAD.labels(SHED).inc()
            return
        attempt: Attempt[T] = Attempt(audio, utterance.duration_seconds, spoken.language, time.monotonic())
        attempt.task = asyncio.create_task(self._read(utterance, spoken, attempt))
        self._attempts[leg] = attempt
        attempt.task.add_done_callback(lambda task: self._ended(leg, attempt))
        attempt.expiry = asyncio.get_running_loop().call_later(KEPT_SECONDS, self._drop, leg, attempt, UNUSED)

    async def taken(self, utterance: Utterance, spoken: Spoken) -> T | None:
        """What was read of this utterance ahead of its end, awaited if need be; None if it is still to be read."""
        leg = _leg(utterance)
        attempt = self._attempts.get(leg)
        if attempt is None:
            return None
        if attempt.audio != _digest(utterance) or attempt.language != spoken.language:
            self._drop(leg, attempt, CANCELLED)
            return None
        self._remove(leg, attempt)
        came_at = time.monotonic()
        attempt.is_said = True
        if attempt.waiting:
            self._urge(attempt.waiting)
        try:
            reading = await attempt.task
        except asyncio.CancelledError:
            if (own := asyncio.current_task()) and own.cancelling():
                raise
            reading = None
        except Exception:  # counted where it broke; the utterance is read as any other
            reading = None
        READ_AHEAD.labels(FAILED if reading is None else USED).inc()
        if reading is not None:
            SAVED_SECONDS.observe(min(came_at, attempt.done_at) - attempt.begun_at)
        return reading

    def close(self) -> None:
        """Drop all attempts."""
        for leg, attempt in list(self._attempts.items()):
            self._drop(leg, attempt, UNUSED)

    def _ended(self, leg: Leg, attempt: Attempt[T]) -> None:
        attempt.done_at = time.monotonic()
        if not attempt.task.cancelled() and attempt.task.exception() and self._attempts.get(leg) is attempt:
            self._remove(leg, attempt)
            READ_AHEAD.labels(SHED if isinstance(attempt.task.exception(), Shed) else FAILED).inc()

    def _drop(self, leg: Leg, attempt: Attempt[T], outcome: str) -> None:
        self._remove(leg, attempt)
        READ_AHEAD.labels(outcome).inc()
        if not attempt.task.cancel():
            WASTED_SECONDS.inc(attempt.seconds)

    def _remove(self, leg: Leg, attempt: Attempt[T]) -> None:
        del self._attempts[leg]
        attempt.expiry.cancel()


def _leg(utterance: Utterance) -> Leg:
    return utterance.call_id, utterance.recording_id, utterance.leg_id


def _digest(utterance: Utterance) -> bytes:
    return blake2b(utterance.pcm, digest_size=16, key=str(utterance.sample_rate_hz).encode()).digest()
