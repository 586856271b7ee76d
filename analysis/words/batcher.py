"""The queue before the model: utterances of many calls, most urgent first, read in batches on one thread.

Work-conserving: whenever the model is free and something waits, it starts; it never lingers for a fuller batch.
Bounded in seconds of the model's time, and in utterances: see `waiting` for what is shed.
"""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial
from typing import Protocol

from prometheus_client import Counter, Gauge, Histogram

from analysis.words.ahead import WASTED_SECONDS
from analysis.words.cost import Costs
from analysis.words.passage import Passage, Shed, Words
from analysis.words.waiting import Kind, Queue, Waiting, most_seconds
from callbus import Role
from service.work_threads import WorkThreads

log = logging.getLogger(__name__)

WAITING = Gauge("callvane_utterances_waiting", "Utterances that wait for the model.")
WAITING_SECONDS = Gauge(
    "callvane_model_seconds_waiting", "Time that the model will take for all that waits, as its batches so far predict."
)
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


GRACE_SECONDS = {Role.CUSTOMER: 0.5, Role.UNKNOWN: 0.5, Role.AGENT: 1.0}
"""After the end of its speech an utterance is due; agents' words raise no alert and can wait."""
AGAIN_SECONDS = 2.0
"""The same for a second reading: what has not been read at all goes first."""
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


class Batcher:
    """Belongs to one event loop; `run` must be running."""

    def __init__(self, model: Model, batch_size: int, limit: int) -> None:
        self._model = model
        self._queue = Queue(Costs(), batch_size, limit)
        self._factor = 0.0
        self._pressed_at = float("-inf")
        self._awake = asyncio.Event()
        self.threads = WorkThreads("model")
        WAITING_SECONDS.set_function(lambda: self.seconds_waiting)

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
        is_again, now = kind is Kind.AGAIN, time.monotonic()
        frames = max(self._model.again if is_again else 0, self._model.context(row))
        is_pressed = now - self._pressed_at < RELIEF_SECONDS
        if kind is Kind.AHEAD and (is_pressed or not self._queue.has_room_ahead(frames, now)):
            done.set_exception(Shed())
            return done
        due = ended_at + (AGAIN_SECONDS if is_again else GRACE_SECONDS[role])
        lag = time.time() - ended_at
        self._queue.add(Waiting(row, frames, role, kind, due, now, seconds, lag, done))
        self._shed()
        WAITING.set(len(self._queue))
        self._awake.set()
        return done

    def urge(self, done: asyncio.Future[Words]) -> None:
        """What is read ahead of its end is over: if it still waits, it is as urgent as any other from now on."""
        self._queue.urge(done, time.monotonic())

    @property
    def waiting(self) -> int:
        """Utterances in the queue."""
        return len(self._queue)

    @property
    def seconds_waiting(self) -> float:
        """Of the model's time until all that waits is read, as predicted."""
        return self._queue.seconds(time.monotonic())

    def reads_longer(self, row: Passage) -> bool:
        """Whether a second reading has a longer audio context than the first: without, it would read the same again."""
        return self._model.context(row) < self._model.again

    def takes(self, kind: Kind) -> bool:
        """Whether so little waits that utterances should be read for this reason."""
        return self.load <= most_seconds(kind)

    @property
    def load(self) -> float:
        """Seconds of first readings that wait, to be compared with the bounds of `waiting`."""
        return self._queue.load(time.monotonic())

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
        self._shed()
        batch = self._queue.take(time.monotonic())
        WAITING.set(len(self._queue))
        return batch

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
        self._queue.read(batch, took)
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
        for victim in self._queue.shed(time.monotonic()):
            if not victim.done.done():
                victim.done.set_exception(Shed())
