"""What each leg said last, for a few seconds: its sound, its words, and how loud its party is. One event loop's.

The model reads an utterance better with the speech before it: a pause cuts sentences in two. And what is far quieter
than the leg's own party is not theirs: colleagues, a television, the other party's echo. Only what lies in memory is
used, so a worker that takes over a call begins without.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from analysis.words.speech import Speech
from callbus import Utterance

PAUSE_SECONDS = 1.5
"""Between two utterances of a leg, as they are cut; after a longer pause the earlier one no longer helps."""
OVERLAP_SECONDS = 0.5
"""By which two utterances of a leg may overlap: the second begins with the end of the pause."""
MOST_SECONDS = 8.0
"""Of earlier speech. A longer utterance is its own context."""
READ_SECONDS = 12.0
"""The same for the utterance that is read with it."""
MOST_LETTERS = 320
"""Of earlier words: what can be said in that time."""
MOST_BYTES = 32 * 1024 * 1024
"""Of audio, for all legs."""
MOST_LEGS = 16_384
"""Whose loudness is known."""

KNOWN_SECONDS = 3.0
"""Of a party's speech, before its loudness is known."""
FAR_DB = 20.0
"""This far below the leg's own party, speech is somebody else's."""
APART_DB = 10.0
"""This far below, it may be: it is not read with the party's words before it."""
FORGETTING_DB = 0.5
"""By which the loudness falls in each second of far speech: a party may have put the telephone down. With their next
words that are believed, half of the difference goes at once."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a leg said just before an utterance."""

    pcm: bytes
    """At the utterance's own rate."""
    text: str
    seconds: float
    end_seconds: float
    """Call time."""
    rate_hz: int


@dataclass(frozen=True, slots=True)
class Loudness:
    """How loud a leg's own party is."""

    db: float = -100.0
    """Of full scale."""
    seconds: float = 0.0
    """Of speech whose words were believed."""

    def after(self, speech: Speech, is_believed: bool) -> Loudness:
        """The loudness once more speech is heard."""
        if is_believed:
            fallen = (self.db + speech.loudness_db) / 2 if self.seconds else speech.loudness_db
            return Loudness(max(speech.loudness_db, fallen), self.seconds + speech.seconds)
        return Loudness(max(speech.loudness_db, self.db - FORGETTING_DB * speech.seconds), self.seconds)

    def is_far(self, speech: Speech, by_db: float = FAR_DB) -> bool:
        """Whether this comes from further away than the party."""
        return self.seconds >= KNOWN_SECONDS and speech.loudness_db < self.db - by_db


class Legs:
    """The latest of each leg. Past `most_bytes` of audio or `most_legs`, those heard longest ago are forgotten."""

    def __init__(self, most_bytes: int = MOST_BYTES, most_legs: int = MOST_LEGS) -> None:
        self._most_bytes = most_bytes
        self._most_legs = most_legs
        self._bytes = 0
        self._said: OrderedDict[tuple[str, str, str], Earlier] = OrderedDict()
        self._loudness: OrderedDict[tuple[str, str, str], Loudness] = OrderedDict()

    def before(self, utterance: Utterance) -> Earlier | None:
        """What the leg said just before, if it helps to read this."""
        earlier = self._said.get(_leg(utterance))
        if earlier is None or earlier.rate_hz != utterance.sample_rate_hz or utterance.duration_seconds > READ_SECONDS:
            return None
        pause = utterance.start_seconds - earlier.end_seconds
        return earlier if -OVERLAP_SECONDS <= pause <= PAUSE_SECONDS else None

    def loudness(self, utterance: Utterance) -> Loudness:
        """What is known of the loudness of the leg's own party."""
        return self._loudness.get(_leg(utterance), Loudness())

    def far(self, utterance: Utterance, speech: Speech) -> None:
        """Note that speech on the leg was far quieter than its own party's."""
        leg = _leg(utterance)
        if known := self._loudness.get(leg):
            self._loudness[leg] = known.after(speech, is_believed=False)

    def said(self, utterance: Utterance, speech: Speech, text: str) -> None:
        """Keep what was read in an utterance, in place of what its leg said before; without words, nothing changes."""
        if not text:
            return
        leg = _leg(utterance)
        if forgotten := self._said.pop(leg, None):
            self._bytes -= len(forgotten.pcm)
        self._loudness[leg] = self._loudness.pop(leg, Loudness()).after(speech, is_believed=True)
        if len(self._loudness) > self._most_legs:
            self._loudness.popitem(last=False)
        if len(text) > MOST_LETTERS or utterance.duration_seconds > MOST_SECONDS:
            return
        self._said[leg] = Earlier(
            utterance.pcm, text, utterance.duration_seconds, utterance.end_seconds, utterance.sample_rate_hz
        )
        self._bytes += len(utterance.pcm)
        while self._bytes > self._most_bytes:
            _, oldest = self._said.popitem(last=False)
            self._bytes -= len(oldest.pcm)


def _leg(utterance: Utterance) -> tuple[str, str, str]:
    return utterance.call_id, utterance.recording_id, utterance.leg_id
