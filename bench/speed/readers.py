"""Who reads the utterances: stock faster-whisper in two ways, or Callvane's recognizer and batcher.

All have the same model in the same number format, on the same device with the same threads, and no call's earlier
words: each utterance comes alone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Protocol

from faster_whisper import BatchedInferencePipeline, WhisperModel

from analysis.fetching.found import model_folder
from analysis.words.batcher import Batcher
from analysis.words.features import Samples, samples_of
from analysis.words.hallucination import SHIPPED_PHRASES, Phrases
from analysis.words.passage import Passage, Words
from analysis.words.recognition import OVERLOAD, Recognizer
from analysis.words.transcriber import LONGEST_FRAMES, Transcriber
from bench.words.clips import RATE_HZ, Clip
from callbus import Role, Utterance
from service.work_threads import WorkThreads
from sip_bridge.settings import BridgeSettings

LIMIT = 4_096
"""Utterances that may wait: more than are ever sent at once, so that none is shed and none goes without its second
reading."""


FEATURE_THREADS = 2
ENDING_SECONDS = 10.0


LEAD_SECONDS = BridgeSettings().hangover_seconds - BridgeSettings().ahead_seconds
"""From when the bridge gives an utterance to be read ahead until it tells of it."""


class Unread(Exception):
    """An utterance was shed."""


class Reader(Protocol):
    """Reads utterances. Belongs to one event loop."""

    name: str
    together: bool
    """Whether several are read in a batch, so that it pays to send many at once."""
    lead_seconds: float
    """How long before an utterance is told of it is given to `read`."""

    async def read(self, clip: Clip) -> str:
        """The words. Raises Unread."""


class Stock:
    """faster-whisper, utterance after utterance on one thread, as it is documented: windows of 30 s, timestamps."""

    together = False
    lead_seconds = 0.0

    def __init__(self, name: str, transcribe: Callable[[Samples], tuple[Any, Any]], threads: WorkThreads) -> None:
        self.name = name
        self._transcribe = transcribe
        self._threads = threads

    async def read(self, clip: Clip) -> str:
        """See Reader."""
        return await self._threads.run(partial(self._words, clip))

    def _words(self, clip: Clip) -> str:
        segments, _ = self._transcribe(samples_of(clip.pcm, RATE_HZ))
        return " ".join(segment.text.strip() for segment in segments)


class Ours:
    """What an utterance goes through in a worker: its spectrogram and Silero, the batcher, the guards."""

    def __init__(self, name: str, recognizer: Recognizer, batch_size: int, lead_seconds: float = 0.0) -> None:
        self.name = name
        self.lead_seconds = lead_seconds
        self.together = batch_size > 1
        self._recognizer = recognizer
        self._number = 0

    async def read(self, clip: Clip) -> str:
        """See Reader."""
        self._number += 1
        utterance = Utterance(
            f"call-{self._number}", "1", Role.CUSTOMER, 0, 0.0, clip.seconds, time.time(), RATE_HZ, clip.pcm
        )
        if self.lead_seconds:
            self._recognizer.read_ahead(utterance)
            await asyncio.sleep(self.lead_seconds)
        found = await self._recognizer.listen(utterance)
        if found.dropped == OVERLOAD:
            raise Unread
        return "" if found.dropped else found.text


class Padded:
    """A transcriber that reads everything on the whole context, as Whisper has learnt it."""

    def __init__(self, transcriber: Transcriber) -> None:
        self._transcriber = transcriber
        self.again = LONGEST_FRAMES

    def context(self, row: Passage) -> int:
        """The whole one, whatever the row."""
        return LONGEST_FRAMES

    def transcribe(self, rows: list[Passage], frames: int) -> list[Words]:
        """As a Transcriber."""
        return self._transcriber.transcribe(rows, frames)


@asynccontextmanager
async def readers(model: str, transcriber: Transcriber, batches: Sequence[int]) -> AsyncIterator[list[Reader]]:
    """All readers of a model, stock ones first. Raises ConfigError."""
    compute_type = "float16" if transcriber.device == "cuda" else "int8"
    whisper = WhisperModel(
        str(model_folder(model)), device=transcriber.device, compute_type=compute_type, cpu_threads=transcriber.threads
    )
    stock = WorkThreads("stock")
    pipeline = BatchedInferencePipeline(model=whisper)
    found: list[Reader] = [
        Stock("one at a time, beam 5", partial(whisper.transcribe, language="en", beam_size=5), stock),
        Stock("one at a time, beam 1", partial(whisper.transcribe, language="en", beam_size=1), stock),
        Stock("batched pipeline, an utterance each", partial(pipeline.transcribe, language="en"), stock),
    ]
    phrases = Phrases.read(SHIPPED_PHRASES)
    running: list[asyncio.Task[None]] = []
    batchers: list[Batcher] = []
    recognizers: list[Recognizer] = []
    try:
        for context, reads in (("padded", Padded(transcriber)), ("cut", transcriber)):
            for batch_size in batches:
                batchers.append(batcher := Batcher(reads, batch_size, LIMIT))
                running.append(asyncio.create_task(batcher.run()))
                recognizers.append(
                    Recognizer(transcriber, batcher, phrases, feature_threads=FEATURE_THREADS, limit=LIMIT)
                )
                found.append(Ours(f"ours, {context}, batches of {batch_size}", recognizers[-1], batch_size))
        found.append(
            Ours(f"ours, cut, work ahead, batches of {batches[-1]}", recognizers[-1], batches[-1], LEAD_SECONDS)
        )
        yield found
    finally:
        stock.end()
        for task in running:
            task.cancel()
        for recognizer in recognizers:
            recognizer.close()
        await asyncio.gather(*running, return_exceptions=True)
        # A thread that ends while the interpreter does would abort the process.
        threads = (stock, *(each.threads for each in recognizers), *(each.threads for each in batchers))
        await asyncio.gather(*(each.ended(ENDING_SECONDS) for each in threads))
