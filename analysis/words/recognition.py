"""Recognizes an utterance: audio to features to words, then the guards against invented words."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

from prometheus_client import Counter, Histogram

from analysis.words.batcher import Batcher
from analysis.words.feature_pool import FeaturePool
from analysis.words.features import Spectrogram
from analysis.words.hallucination import DOUBT_LOG_PROBABILITY, Invention, Phrases, credible, invented
from analysis.words.language import Languages, Probabilities, Spoken, Wanted
from analysis.words.passage import Passage, Words
from analysis.words.silence import NO_SPEECH, NOTHING, is_little, nobody_spoke
from analysis.words.speech import Speech
from analysis.words.speech_server import FULL, STOOD_IN, SpeechServer
from analysis.words.voice import Measured, measure
from analysis.words.waiting import Kind, Shed
from callbus import Role, Utterance
from service.faults import survived

log = logging.getLogger(__name__)

SUPPRESSED = Counter(
    "callvane_hallucinations_suppressed_total",
    "Utterances dropped because their words seemed invented, by guard.",
    ["reason"],
)
READ_AGAIN = Counter(
    "callvane_utterances_read_again_total",
    "Utterances in doubt that were read again on the whole audio context, by what became of their words.",
    ["result"],
)
FEATURES_SECONDS = Histogram(
    "callvane_features_seconds",
    "Time from taking an utterance until its spectrogram is ready.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1),
)

SILENCE = "silence"
HALLUCINATION = "hallucination"
OVERLOAD = "overload"
ERROR = "error"
UNHEARD = Spoken()


@dataclass(frozen=True, slots=True)
class Recognition:
    """The words of an utterance, or why there are none."""

    text: str = ""
    confidence: float = 0.0
    dropped: str = ""
    """`silence`, `hallucination`, `overload`, `error`; empty if there are words."""
    voice: Measured | None = None
    """A customer's voice, if measured."""
    languages: Probabilities = field(default_factory=dict)
    """What its sound says of its language, while that of its call is open."""
    speech_seconds: float = 0.0
    """How much of it is speech."""


@dataclass(frozen=True, slots=True)
class Guarded:
    """A recognition, and why the guards have dropped its words; empty if they have not."""

    recognition: Recognition
    reason: str = ""


class Ear(Protocol):
    """What is heard in an utterance before its words are read."""

    def hear(self, pcm: bytes, rate_hz: int) -> tuple[Spectrogram | None, Speech]:
        """The spectrogram, None if the utterance is too short to hold a word; and how much of it is speech."""


class Recognizer:
    """Recognizes utterances of many calls at once. Belongs to one event loop.

    At most `limit` utterances wait for their features, see FeaturePool. With `voices` it also
    measures customers' voices. With a `server`, that reads first, and the batcher what it leaves; there is at least one
    of the two.
    """

    def __init__(
        self,
        ear: Ear,
        batcher: Batcher | None,
        phrases: Phrases,
        *,
        server: SpeechServer | None = None,
        feature_threads: int,
        limit: int,
        voices: bool = False,
        languages: Languages | None = None,
    ) -> None:
        self._ear = ear
        self._batcher = batcher
        self._server = server
        self._phrases = phrases
        self._voices = voices
        self._languages = languages or Languages(detects=False)
        self._pool = FeaturePool(feature_threads, limit)
        self.threads = self._pool.threads

    async def listen(self, utterance: Utterance, spoken: Spoken = UNHEARD) -> Recognition:
        """The words of `utterance`, in a call of which `spoken` is known. Raises only when cancelled."""
        began = time.monotonic()
        try:
            features, speech, voice = await self._pool.run(partial(self._features, utterance), utterance.role)
        except Shed:
            return Recognition(dropped=OVERLOAD)
        except Exception:
            survived("utterance", log, utterance.call_id)
            return Recognition(dropped=ERROR)
        FEATURES_SECONDS.observe(time.monotonic() - began)
        if features is None or speech.highest < NOTHING:
            return Recognition(dropped=SILENCE)
        try:
            read = await self._server.read(utterance.pcm, utterance.sample_rate_hz) if self._server else ""
            wanted = self._languages.wanted(spoken, speech.seconds)
            words = read if isinstance(read, Words) else await self._own(features, utterance, wanted, read)
        except Shed:
            return Recognition(dropped=OVERLOAD)
        except Exception:  # counted and logged by the batcher or the server
            return Recognition(dropped=ERROR)
        try:
            heard = await self._believed(words, features, utterance, speech, whole=words is read)
            return replace(heard, voice=voice, languages=words.languages, speech_seconds=speech.seconds)
        except Exception:
            survived("utterance", log, utterance.call_id)
            return Recognition(dropped=ERROR)

    @property
    def loads(self) -> list[Callable[[], float]]:
        """Seconds of work that wait, before the features and before the model, each to be compared with the bounds of
        `waiting`."""
        loads: list[Callable[[], float]] = [lambda: self._pool.seconds_waiting]
        if batcher := self._batcher:
            loads.append(lambda: batcher.load)
        return loads

    def close(self) -> None:
        """Stop the feature threads and abandon their work."""
        self.threads.end()

    async def _own(self, features: Spectrogram, utterance: Utterance, wanted: Wanted, outcome: str) -> Words:
        """The words as the batcher reads them; `outcome`: why the server has not, if there is one."""
        if not self._batcher:
            raise Shed if outcome == FULL else LookupError(outcome)
        seconds = utterance.duration_seconds
        words = await self._batcher.submit(Passage(features, wanted), utterance.role, utterance.ended_at, seconds)
        if self._server:
            STOOD_IN.inc()
        return words

    def _features(self, utterance: Utterance) -> tuple[Spectrogram | None, Speech, Measured | None]:
        measured = self._voices and utterance.role is Role.CUSTOMER
        voice = measure(utterance.pcm, utterance.sample_rate_hz) if measured else None
        features, speech = self._ear.hear(utterance.pcm, utterance.sample_rate_hz)
        return features, speech, voice

    async def _believed(
        self, words: Words, features: Spectrogram, utterance: Utterance, speech: Speech, whole: bool
    ) -> Recognition:
        """What the guards make of an utterance's words; those that are in doubt are read again, on the whole context.

        While the model is behind, nothing is read twice. `whole`: they were read on the whole context already.
        """
        seconds = utterance.duration_seconds
        little = is_little(speech, seconds)
        first = self._guard(words, seconds, little, whole)
        if (
            whole
            or not self._batcher
            or not self._is_in_doubt(words, first, little)
            or not self._batcher.takes(Kind.AGAIN)
        ):
            return self._counted(first)
        try:
            words = await self._batcher.submit(
                Passage(features, words.language), utterance.role, utterance.ended_at, seconds, Kind.AGAIN
            )
        except Exception:  # shed, or counted and logged by the batcher: the first reading stands
            return self._counted(first)
        second = self._guard(words, seconds, little, whole=True)
        READ_AGAIN.labels("dropped" if second.recognition.dropped else "kept").inc()
        return self._counted(second)

    def _guard(self, words: Words, seconds: float, little: bool, whole: bool = False) -> Guarded:
        probabilities = words.no_speech_probability, words.mean_log_probability
        if nobody_spoke(words.text, *probabilities, little, whole):
            return Guarded(Recognition(dropped=SILENCE), "no_speech" if words.text else "")
        text = credible(words.text, self._phrases)
        if reason := invented(text or words.text, seconds, *probabilities, self._phrases):
            return Guarded(Recognition(dropped=HALLUCINATION), reason)
        return Guarded(Recognition(text, words.confidence), "" if text == words.text else Invention.PART)

    @staticmethod
    def _is_in_doubt(words: Words, guarded: Guarded, little: bool) -> bool:
        """Whether the cut context may be to blame for the words, or for their loss."""
        if guarded.reason in (Invention.REPETITION, Invention.COMPRESSION, Invention.RATE):
            return True
        if not words.text or (little and guarded.recognition.dropped):
            return False
        doubtful = words.mean_log_probability < DOUBT_LOG_PROBABILITY or words.no_speech_probability > NO_SPEECH
        return little or doubtful

    @staticmethod
    def _counted(guarded: Guarded) -> Recognition:
        if guarded.reason:
            SUPPRESSED.labels(guarded.reason).inc()
        return guarded.recognition
