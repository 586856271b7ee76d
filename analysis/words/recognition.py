"""Recognizes an utterance: audio to features to words, then the guards against invented words."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

from prometheus_client import Counter, Histogram

from analysis.words.batcher import Batcher, Kind, Shed
from analysis.words.belief import SILENCE, Belief, Heard, believed, is_in_doubt
from analysis.words.features import Spectrogram
from analysis.words.hallucination import Invention, Phrases
from analysis.words.language import Languages, Probabilities, Spoken, Wanted
from analysis.words.legs import Earlier, Legs
from analysis.words.names import Glossary, Names
from analysis.words.passage import Passage, Words
from analysis.words.silence import NOTHING
from analysis.words.speech import Speech
from analysis.words.speech_server import FULL, STOOD_IN, SpeechServer
from analysis.words.voice import Measured, measure
from callbus import Role, Utterance
from service.faults import survived
from service.work_threads import WorkThreads

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
PUT_RIGHT = Counter(
    "callvane_utterances_names_put_right_total",
    "Utterances in which words were taken for a name of analysis.names or analysis.names_by_queue.",
)
FEATURES_SECONDS = Histogram(
    "callvane_features_seconds",
    "Time from taking an utterance until its spectrogram is ready.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1),
)

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


class Ear(Protocol):
    """What is heard in an utterance before its words are read."""

    def hear(self, pcm: bytes, rate_hz: int, before: bytes = b"") -> tuple[Spectrogram | None, Speech]:
        """The spectrogram, None if the utterance is too short to hold a word; and how much of it is speech.

        `before`: earlier speech, which the spectrogram begins with.
        """


class Recognizer:
    """Recognizes utterances of many calls at once. Belongs to one event loop.

    At most `limit` utterances wait for their features; beyond that, new ones are shed at once. With `voices` it also
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
        glossary: Glossary | None = None,
    ) -> None:
        self._ear = ear
        self._batcher = batcher
        self._server = server
        self._phrases = phrases
        self._limit = limit
        self._voices = voices
        self._languages = languages or Languages(detects=False)
        self._glossary = glossary or Glossary()
        self._waiting = 0
        self._legs = Legs()
        self.threads = WorkThreads("features", feature_threads)

    async def listen(self, utterance: Utterance, spoken: Spoken = UNHEARD, queue: str = "") -> Recognition:
        """The words of `utterance`, in a call of which `spoken` and `queue` are known. Raises only when cancelled."""
        if self._waiting >= self._limit:
            return Recognition(dropped=OVERLOAD)
        began = time.monotonic()
        self._waiting += 1
        earlier = self._legs.before(utterance)
        try:
            features, speech, voice = await self.threads.run(partial(self._features, utterance, earlier))
        except Exception:
            survived("utterance", log, utterance.call_id)
            return Recognition(dropped=ERROR)
        finally:
            self._waiting -= 1
        FEATURES_SECONDS.observe(time.monotonic() - began)
        if features is None or speech.highest < NOTHING:
            return Recognition(dropped=SILENCE)
        names = self._glossary.of(queue)
        try:
            asked = self._server and self._server.read(utterance.pcm, utterance.sample_rate_hz, names.prompt)
            read = await asked if asked else ""
            passage = _passage(features, self._languages.wanted(spoken, speech.seconds), earlier)
            words = read if isinstance(read, Words) else await self._own(passage, utterance, read)
        except Shed:
            return Recognition(dropped=OVERLOAD)
        except Exception:  # counted and logged by the batcher or the server
            return Recognition(dropped=ERROR)
        try:
            heard = Heard(utterance.duration_seconds, speech, "" if words is read else passage.before)
            recognition = await self._believed(words, passage, utterance, heard, whole=words is read)
            self._legs.said(utterance, recognition.text)
            text = await self._put_right(recognition.text, names)
            return replace(
                recognition, text=text, voice=voice, languages=words.languages, speech_seconds=speech.seconds
            )
        except Exception:
            survived("utterance", log, utterance.call_id)
            return Recognition(dropped=ERROR)

    def close(self) -> None:
        """Stop the feature threads and abandon their work."""
        self.threads.end()

    async def _put_right(self, text: str, names: Names) -> str:
        """On a feature thread: hundreds of names take a long utterance some hundredths of a second."""
        if not text or not names.listed:
            return text
        right = await self.threads.run(partial(names.put_right, text))
        if right != text:
            PUT_RIGHT.inc()
        return right

    async def _own(self, passage: Passage, utterance: Utterance, outcome: str) -> Words:
        """The words as the batcher reads them; `outcome`: why the server has not, if there is one."""
        if not self._batcher:
            raise Shed if outcome == FULL else LookupError(outcome)
        seconds = utterance.duration_seconds
        words = await self._batcher.submit(passage, utterance.role, utterance.ended_at, seconds)
        if self._server:
            STOOD_IN.inc()
        return words

    def _features(
        self, utterance: Utterance, earlier: Earlier | None
    ) -> tuple[Spectrogram | None, Speech, Measured | None]:
        measured = self._voices and utterance.role is Role.CUSTOMER
        voice = measure(utterance.pcm, utterance.sample_rate_hz) if measured else None
        features, speech = self._ear.hear(utterance.pcm, utterance.sample_rate_hz, earlier.pcm if earlier else b"")
        return features, speech, voice

    async def _believed(
        self, words: Words, passage: Passage, utterance: Utterance, heard: Heard, whole: bool
    ) -> Recognition:
        """What the guards make of an utterance's words; those that are in doubt are read again, on the whole context.

        While the model is behind, nothing is read twice. `whole`: they were read on the whole context already.
        """
        first = believed(words, heard, self._phrases, whole)
        if whole or not self._batcher or not is_in_doubt(words, first, heard) or self._batcher.is_behind:
            return _told(words, first)
        try:
            if first.reason == Invention.ECHO:
                features, _, _ = await self.threads.run(partial(self._features, utterance, None))
                passage, heard = Passage(passage.features if features is None else features), replace(heard, before="")
            words = await self._batcher.submit(
                replace(passage, language=words.language),
                utterance.role,
                utterance.ended_at,
                heard.seconds,
                Kind.AGAIN,
            )
        except Exception:  # shed, or counted and logged by the batcher: the first reading stands
            return _told(words, first)
        second = believed(words, heard, self._phrases, whole=True)
        READ_AGAIN.labels("dropped" if second.dropped else "kept").inc()
        return _told(words, second)


def _passage(features: Spectrogram, language: Wanted, earlier: Earlier | None) -> Passage:
    return Passage(features, language, earlier.text, earlier.seconds) if earlier else Passage(features, language)


def _told(words: Words, belief: Belief) -> Recognition:
    if belief.reason:
        SUPPRESSED.labels(belief.reason).inc()
    return Recognition(belief.text, words.confidence if belief.text else 0.0, belief.dropped)
