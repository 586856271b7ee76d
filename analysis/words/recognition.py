"""Recognizes an utterance: audio to features to words, then the guards against invented words."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from prometheus_client import Counter, Histogram

from analysis.words.ahead import Ahead, Attempt
from analysis.words.batcher import Batcher
from analysis.words.belief import SILENCE, Belief, Heard, believed, is_in_doubt
from analysis.words.feature_pool import FeaturePool
from analysis.words.features import Spectrogram
from analysis.words.hallucination import Invention, Phrases
from analysis.words.hearing import Ear, Sound, hear
from analysis.words.language import Languages, Probabilities, Spoken, Wanted
from analysis.words.legs import Earlier, Legs, Loudness
from analysis.words.names import Glossary, Names
from analysis.words.passage import Passage, Shed, Words
from analysis.words.silence import NO_SPEECH, is_nothing
from analysis.words.speech_server import FULL, STOOD_IN, SpeechServer
from analysis.words.voice import Measured
from analysis.words.waiting import Kind
from callbus import Utterance
from service.faults import survived

log = logging.getLogger(__name__)

SUPPRESSED = Counter(
    "callvane_hallucinations_suppressed_total",
    "Utterances dropped because their words seemed invented, by guard.",
    ["reason"],
)
READ_AGAIN = Counter(
    "callvane_utterances_read_again_total",
    "Utterances in doubt that were read again on a longer audio context, by what became of their words.",
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
AHEAD_FEATURES = 4
"""While so many utterances wait for their features, none is read ahead of its end."""


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
class Reading:
    """What was heard and read in an utterance, before the guards."""

    sound: Sound
    passage: Passage | None = None
    words: Words | None = None
    """None, as the passage, if there is nothing to read in it."""
    whole: bool = False
    """Whether it was read on the whole context."""
    is_far: bool = False
    """Whether it is not read because somebody far away is speaking."""


class Recognizer:
    """Recognizes utterances of many calls at once. Belongs to one event loop.

    At most `limit` utterances wait for their features, see FeaturePool. With `voices` it also measures customers'
    voices. With a `server`, that reads first, and the batcher what it leaves; there is at least one of the two.
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
        self._batcher = batcher
        self._server = server
        self._phrases = phrases
        self._hear = partial(hear, ear, voices)
        self._languages = languages or Languages(detects=False)
        self._glossary = glossary or Glossary()
        self._legs = Legs()
        self._ahead = Ahead(self._read, batcher.urge) if batcher and not server else None
        self._pool = FeaturePool(feature_threads, limit)
        self.threads = self._pool.threads

    async def listen(self, utterance: Utterance, spoken: Spoken = UNHEARD, queue: str = "") -> Recognition:
        """The words of `utterance`, in a call of which `spoken` and `queue` are known. Raises only when cancelled."""
        names = self._glossary.of(queue)
        try:
            ahead = await self._ahead.taken(utterance, spoken) if self._ahead else None
            reading = ahead or await self._read(utterance, spoken, names=names)
        except Shed:
            return Recognition(dropped=OVERLOAD)
        except Exception:  # counted and logged where it broke
            return Recognition(dropped=ERROR)
        words, passage, speech = reading.words, reading.passage, reading.sound.speech
        if reading.is_far:
            SUPPRESSED.labels("far").inc()
            self._legs.far(utterance, speech)
        if words is None or passage is None:
            return Recognition(dropped=SILENCE)
        try:
            heard = Heard(utterance.duration_seconds, speech, "" if reading.whole else passage.before)
            recognition = await self._believed(words, passage, utterance, heard, reading.whole)
            self._legs.said(utterance, speech, recognition.text)
            return replace(
                recognition,
                text=await self._put_right(recognition.text, names),
                voice=reading.sound.voice,
                languages=words.languages,
                speech_seconds=speech.seconds,
            )
        except Exception:
            survived("utterance", log, utterance.call_id)
            return Recognition(dropped=ERROR)

    def read_ahead(self, utterance: Utterance, spoken: Spoken = UNHEARD) -> None:
        """Start to read what `listen` is given in a moment if nobody speaks on. A server is not asked for that."""
        if self._ahead:
            self._ahead.begin(utterance, spoken)

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
        if self._ahead:
            self._ahead.close()
        self.threads.end()

    async def _read(
        self,
        utterance: Utterance,
        spoken: Spoken,
        ahead: Attempt[Reading] | None = None,
        names: Names | None = None,
    ) -> Reading:
        """Raises Shed, and what broke: it is counted and logged then."""
        if ahead and self._pool.waiting >= AHEAD_FEATURES:
            raise Shed
        began = time.monotonic()
        earlier = self._legs.before(utterance)
        hearing = partial(self._hear, utterance, earlier, self._legs.loudness(utterance))
        try:
            sound = await self._pool.run(hearing, utterance.role)
        except Shed:
            raise
        except Exception:
            survived("utterance", log, utterance.call_id)
            raise
        FEATURES_SECONDS.observe(time.monotonic() - began)
        speech = sound.speech
        if sound.features is None or is_nothing(speech, utterance.duration_seconds):
            return Reading(sound)
        if self._legs.loudness(utterance).is_far(speech):
            return Reading(sound, is_far=True)
        passage = _passage(sound.features, self._languages.wanted(spoken, speech.seconds), sound.earlier)
        prompt = names.prompt if names else ""
        read = await self._server.read(utterance.pcm, utterance.sample_rate_hz, prompt) if self._server else ""
        words = read if isinstance(read, Words) else await self._own(passage, utterance, read, ahead)
        return Reading(sound, passage, words, whole=words is read)

    async def _put_right(self, text: str, names: Names) -> str:
        """On a feature thread: hundreds of names take a long utterance some hundredths of a second."""
        if not text or not names.listed:
            return text
        right = await self.threads.run(partial(names.put_right, text))
        if right != text:
            PUT_RIGHT.inc()
        return right

    async def _own(self, passage: Passage, utterance: Utterance, outcome: str, ahead: Attempt[Reading] | None) -> Words:
        """The words as the batcher reads them; `outcome`: why the server has not, if there is one."""
        if not self._batcher:
            raise Shed if outcome == FULL else LookupError(outcome)
        seconds = utterance.duration_seconds
        kind = Kind.AHEAD if ahead and not ahead.is_said else Kind.SAID
        queued = self._batcher.submit(passage, utterance.role, utterance.ended_at, seconds, kind)
        if ahead:
            ahead.waiting = queued
        words = await queued
        if self._server:
            STOOD_IN.inc()
        return words

    async def _believed(
        self, words: Words, passage: Passage, utterance: Utterance, heard: Heard, whole: bool
    ) -> Recognition:
        """What the guards make of an utterance's words; those that are in doubt are read again, on a longer context.

        While the model is behind, nothing is read twice. `whole`: they were read on a longer context already.
        """
        first = believed(words, heard, self._phrases, whole)
        if whole or not self._batcher or not is_in_doubt(words, first, heard) or not self._batcher.takes(Kind.AGAIN):
            # Nobody can say whether it is an echo then, and people do say things twice.
            is_echo = first.reason == Invention.ECHO
            return _told(words, believed(words, replace(heard, before=""), self._phrases) if is_echo else first)
        is_longer = self._batcher.reads_longer(passage)
        doubts_before = first.reason == Invention.ECHO or words.no_speech_probability > NO_SPEECH
        if not is_longer and not passage.before:
            return _told(words, believed(words, heard, self._phrases, whole=True))
        try:
            if passage.before and (doubts_before or not is_longer):
                alone = await self.threads.run(partial(self._hear, utterance, None, Loudness()))
                if alone.features is not None:
                    passage, heard = Passage(alone.features), replace(heard, before="")
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
