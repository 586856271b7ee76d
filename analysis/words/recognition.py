"""What is heard in an utterance: audio to features to words, and the guards that decide whether anybody said them."""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from prometheus_client import Counter, Histogram

from analysis.words.batcher import Batcher, Shed
from analysis.words.features import Spectrogram
from analysis.words.hallucination import Invention, Phrases, credible, invented
from analysis.words.silence import nobody_spoke
from analysis.words.transcriber import Transcriber, Words
from analysis.words.voice import Measured, measure
from callbus import Role, Utterance
from service.faults import survived

log = logging.getLogger(__name__)

SUPPRESSED = Counter(
    "callvane_hallucinations_suppressed_total",
    "Utterances whose words were taken for invented, by the guard that said so.",
    ["reason"],
)
FEATURES_SECONDS = Histogram(
    "callvane_features_seconds",
    "Time from taking an utterance to its spectrogram.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1),
)

SILENCE = "silence"
HALLUCINATION = "hallucination"
OVERLOAD = "overload"
ERROR = "error"


@dataclass(frozen=True, slots=True)
class Recognition:
    """The words of an utterance, or why there are none."""

    text: str = ""
    confidence: float = 0.0
    dropped: str = ""
    """`silence`, `hallucination`, `overload`, `error`; empty where there are words."""
    voice: Measured | None = None
    """A customer's voice, where it is measured."""


class Recognizer:
    """Listens to utterances of many calls at once. Belongs to one event loop.

    At most `limit` utterances wait for their features: past it new ones are shed at once. With `voices` it listens to
    how customers speak, too.
    """

    def __init__(
        self,
        transcriber: Transcriber,
        batcher: Batcher,
        phrases: Phrases,
        *,
        feature_threads: int,
        limit: int,
        voices: bool = False,
    ) -> None:
        self._transcriber = transcriber
        self._batcher = batcher
        self._phrases = phrases
        self._limit = limit
        self._voices = voices
        self._waiting = 0
        self._pool = ThreadPoolExecutor(feature_threads, thread_name_prefix="features")

    async def listen(self, utterance: Utterance) -> Recognition:
        """The words of `utterance`. Raises only when cancelled."""
        if self._waiting >= self._limit:
            return Recognition(dropped=OVERLOAD)
        began = time.monotonic()
        self._waiting += 1
        try:
            features, voice = await asyncio.get_running_loop().run_in_executor(self._pool, self._features, utterance)
        except Exception:
            survived("utterance", log, utterance.call_id)
            return Recognition(dropped=ERROR)
        finally:
            self._waiting -= 1
        FEATURES_SECONDS.observe(time.monotonic() - began)
        if features is None:
            return Recognition(dropped=SILENCE)
        seconds = utterance.duration_seconds
        try:
            words = await self._batcher.submit(features, utterance.role, utterance.ended_at, seconds)
        except Shed:
            return Recognition(dropped=OVERLOAD)
        except Exception:  # counted and logged by the batcher
            return Recognition(dropped=ERROR)
        try:
            return replace(self._guard(words, seconds), voice=voice)
        except Exception:
            survived("utterance", log, utterance.call_id)
            return Recognition(dropped=ERROR)

    def close(self) -> None:
        """End the feature threads; what they work on is given up."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _features(self, utterance: Utterance) -> tuple[Spectrogram | None, Measured | None]:
        measured = self._voices and utterance.role is Role.CUSTOMER
        voice = measure(utterance.pcm, utterance.sample_rate_hz) if measured else None
        return self._transcriber.features(utterance.pcm, utterance.sample_rate_hz), voice

    def _guard(self, words: Words, seconds: float) -> Recognition:
        if nobody_spoke(words.text, words.no_speech_probability, words.mean_log_probability):
            if words.text:
                SUPPRESSED.labels("no_speech").inc()
            return Recognition(dropped=SILENCE)
        text = credible(words.text, self._phrases)
        reason = invented(
            text or words.text, seconds, words.no_speech_probability, words.mean_log_probability, self._phrases
        )
        if reason:
            SUPPRESSED.labels(reason).inc()
            return Recognition(dropped=HALLUCINATION)
        if text != words.text:
            SUPPRESSED.labels(Invention.PART).inc()
        return Recognition(text, words.confidence)
