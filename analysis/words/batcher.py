"""The queue before the model: utterances of many calls, most urgent first, read in batches on one thread.

Work-conserving: whenever the model is free and something waits, it starts; it never lingers for a fuller batch.
Bounded: past its limit agents' utterances are shed first, oldest before newest, then the others', oldest first.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from itertools import accumulate
from typing import Protocol

from prometheus_client import Counter, Gauge, Histogram

from analysis.words.ahead import WASTED_SECONDS
from analysis.words.passage import Passage, Shed, Words
from callbus import Role
from service.work_threads import WorkThreads

log = logging.getLogger(__name__)

WAITING = Gauge("callvane_utterances_waiting", "Utterances that wait for the model.")
BATCH_SIZE = Histogram(
    "callvane_batch_size_utterances", "Utterances transcribed together.", buckets=(1, 2, 4, 8, 16, 32, 64, 128)
)
QUEUE_SECONDS = Histogram(
    "callvane_queue_seconds",
    "Time that an utterance waited for the model.",
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
TRANSCRIPTION_SECONDS = Histogram(
    "callvane_transcription_seconds",
    "Time that the model took for a batch.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
BUSY_SECONDS = Counter("callvane_model_busy_seconds_total", "Time that the model worked; its rate is the load, 0 to 1.")
AUDIO_SECONDS = Counter("callvane_audio_transcribed_seconds_total", "Speech that went through the model.")
REAL_TIME_FACTOR = Gauge(
    "callvane_real_time_factor", "Seconds of model time for a second of speech, smoothed over batches."
)
MODEL_ERRORS = Counter("callvane_model_errors_total", "Batches that the model failed on.")


class Kind(StrEnum):
    """Why an utterance is read."""

    SAID = "said"
    AGAIN = "again"
    """Its words are in doubt; it is read on a longer context."""
    AHEAD = "ahead"
    """It may not be over: it is read while nothing else waits, and refused while the model is pressed."""


GRACE_SECONDS = {Role.CUSTOMER: 0.5, Role.UNKNOWN: 0.5, Role.AGENT: 1.0}
"""After the end of its speech an utterance is due; agents' words raise no alert and can wait."""
AGAIN_SECONDS = 2.0
"""The same for a second reading: what has not been read at all goes first."""
AHEAD_MOST = 16
"""Most that wait to be read ahead of their end."""
AHEAD_SECONDS = 0.4
"""Model time, as far as it is known, for a batch of them: what is said meanwhile waits no longer. It is as long as the
pause that ends an utterance, so a reading for nothing is over before the next utterance can be."""
PRESSED_SECONDS = 0.25
"""If an utterance waits longer than this for the model, nothing is read ahead for a while."""
RELIEF_SECONDS = 5.0
"""How long that is."""
SMOOTHING = 0.05


class Model(Protocol):
    """What the batcher needs of a transcriber."""

    again: int
    """Frames of audio context for a second reading: longer than most first ones have."""

    def context(self, row: Passage) -> int:
        """Frames of audio context for an utterance."""

    def transcribe(self, rows: list[Passage], frames: int) -> list[Words]:
        """The words of each row."""


@dataclass(slots=True, eq=False)
class Waiting:
    """An utterance in the queue."""

    row: Passage
    frames: int
    role: Role
    due: float
    """Unix seconds."""
    since: float
    """Monotonic seconds."""
    seconds: float
    done: asyncio.Future[Words] = field(repr=False)
    kind: Kind = Kind.SAID


class Batcher:
    """Belongs to one event loop; `run` must be running."""

    def __init__(self, model: Model, batch_size: int, limit: int) -> None:
        self._model = model
        self._batch_size = batch_size
        self._limit = limit
        self._queue: list[Waiting] = []
        self._factor = 0.0
        self._pressed_at = float("-inf")
        self._awake = asyncio.Event()
        self.threads = WorkThreads("model")

    def submit(
        self,
        row: Passage,
        role: Role,
        ended_at: float,
        seconds: float,
        kind: Kind = Kind.SAID,
    ) -> asyncio.Future[Words]:
        """Queue an utterance that ended at `ended_at` (Unix seconds) and holds `seconds` of audio.

        The future raises Shed when it had to go, and what the model raised when it failed on it.
        """
        done: asyncio.Future[Words] = asyncio.get_running_loop().create_future()
        if kind is Kind.AHEAD and (self._is_pressed or self._factor * seconds > AHEAD_SECONDS):
            done.set_exception(Shed())
            return done
        is_again = kind is Kind.AGAIN
        frames = max(self._model.again if is_again else 0, self._model.context(row))
        due = ended_at + (AGAIN_SECONDS if is_again else GRACE_SECONDS[role])
        self._queue.append(Waiting(row, frames, role, due, time.monotonic(), seconds, done, kind))
        if len(self._queue) > self._limit:
            self._shed()
        WAITING.set(len(self._queue))
        self._awake.set()
        return done

    def urge(self, done: asyncio.Future[Words]) -> None:
        """What is read ahead of its end is over: if it still waits, it is as urgent as any other from now on."""
        for waiting in self._queue:
            if waiting.done is done:
                waiting.kind, waiting.since = Kind.SAID, time.monotonic()

    @property
    def waiting(self) -> int:
        """Utterances in the queue."""
        return len(self._queue)

    @property
    def is_behind(self) -> bool:
        """Whether so much waits that nothing should be read twice."""
        return len(self._queue) > self._limit // 4

    async def run(self) -> None:
        """Transcribe what is queued, until cancelled."""
        try:
            while True:
                await self._awake.wait()
                while batch := self._take():
                    began = time.monotonic()
                    outcome = await self.threads.run(partial(self._read, batch))
                    self._hand_out(batch, outcome, began)
                self._awake.clear()
        finally:
            self.threads.end()

    def _take(self) -> list[Waiting]:
        """The most urgent utterance, and as many with its audio context as make a batch, most urgent first.

        Others wait for the next batch: in this one they would cost the longer context.
        """
        self._queue = [waiting for waiting in self._queue if not waiting.done.done()]
        if not self._queue:
            WAITING.set(0)
            return []
        self._queue.sort(key=lambda waiting: (waiting.kind is Kind.AHEAD, waiting.due))
        first, is_ahead = self._queue[0], self._queue[0].kind is Kind.AHEAD
        alike = [each for each in self._queue if each.frames == first.frames and (each.kind is Kind.AHEAD) is is_ahead]
        batch = alike[: self._ahead_size(alike) if is_ahead else self._batch_size]
        taken = set(map(id, batch))
        self._queue = [waiting for waiting in self._queue if id(waiting) not in taken]
        WAITING.set(len(self._queue))
        return batch

    @property
    def _is_pressed(self) -> bool:
        """Whether there is too much to do to read anything ahead."""
        ahead = sum(waiting.kind is Kind.AHEAD for waiting in self._queue)
        return self.is_behind or ahead >= AHEAD_MOST or time.monotonic() - self._pressed_at < RELIEF_SECONDS

    def _ahead_size(self, alike: list[Waiting]) -> int:
        """How many of these to read ahead together: at least one."""
        took = accumulate(self._factor * waiting.seconds for waiting in alike[: self._batch_size])
        return max(1, sum(seconds <= AHEAD_SECONDS for seconds in took))

    def _read(self, batch: list[Waiting]) -> list[Words | Exception]:
        """On the model's thread. A batch that fails is tried row by row, so that one utterance cannot fail others."""
        try:
            words: list[Words | Exception] = list(
                self._model.transcribe([waiting.row for waiting in batch], batch[0].frames)
            )
            if len(words) != len(batch):
                raise ValueError(f"{len(words)} answers")
            return words
        except Exception as error:  # whatever it is, the others' calls go on
            MODEL_ERRORS.inc()
            log.warning("the model failed on %d utterances: %.300s", len(batch), error)
            if len(batch) == 1:
                return [error]
        return [result for waiting in batch for result in self._read([waiting])]

    def _hand_out(self, batch: list[Waiting], outcome: list[Words | Exception], began: float) -> None:
        took = time.monotonic() - began
        speech = sum(waiting.seconds for waiting in batch)
        BATCH_SIZE.observe(len(batch))
        TRANSCRIPTION_SECONDS.observe(took)
        BUSY_SECONDS.inc(took)
        AUDIO_SECONDS.inc(speech)
        if speech:
            self._factor += (SMOOTHING if self._factor else 1.0) * (took / speech - self._factor)
            REAL_TIME_FACTOR.set(self._factor)
        for waiting, result in zip(batch, outcome, strict=True):
            if waiting.kind is not Kind.AHEAD:
                self._waited(waiting, max(0.0, began - waiting.since))
            if waiting.done.done():  # its call was given up meanwhile, or somebody has spoken on
                WASTED_SECONDS.inc(waiting.seconds if waiting.kind is Kind.AHEAD else 0.0)
                continue
            if isinstance(result, Exception):
                waiting.done.set_exception(result)
            else:
                waiting.done.set_result(result)

    def _waited(self, waiting: Waiting, seconds: float) -> None:
        QUEUE_SECONDS.observe(seconds)
        if waiting.kind is Kind.SAID and seconds > PRESSED_SECONDS:
            self._pressed_at = time.monotonic()

    def _shed(self) -> None:
        victim = min(
            self._queue,
            key=lambda waiting: (waiting.kind is not Kind.AHEAD, waiting.role is not Role.AGENT, waiting.since),
        )
        self._queue.remove(victim)
        if not victim.done.done():
            victim.done.set_exception(Shed())
