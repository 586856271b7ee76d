"""What each leg said last, for a few seconds: its sound and its words. Belongs to one event loop.

The model reads an utterance better with the speech before it: a pause cuts sentences in two. Only what lies in memory
is used, so a worker that takes over a call begins without.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from callbus import Utterance

PAUSE_SECONDS = 1.5
"""Between two utterances of a leg, as they are cut; after a longer pause the earlier one no longer helps."""
MOST_SECONDS = 8.0
"""Of earlier speech. A longer utterance is its own context."""
READ_SECONDS = 12.0
"""The same for the utterance that is read with it."""
MOST_LETTERS = 320
"""Of earlier words: what can be said in that time."""
MOST_BYTES = 32 * 1024 * 1024
"""Of audio, for all legs."""


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


class Legs:
    """The latest words of each leg. Past `most_bytes` of audio, those heard longest ago are forgotten."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._bytes = 0
        self._legs: OrderedDict[tuple[str, str, str], Earlier] = OrderedDict()

    def before(self, utterance: Utterance) -> Earlier | None:
        """What the leg said just before, if it helps to read this."""
        earlier = self._legs.get(_leg(utterance))
        if earlier is None or earlier.rate_hz != utterance.sample_rate_hz or utterance.duration_seconds > READ_SECONDS:
            return None
        pause = utterance.start_seconds - earlier.end_seconds
        return earlier if -0.5 <= pause <= PAUSE_SECONDS else None

    def said(self, utterance: Utterance, text: str) -> None:
        """Keep what was read in an utterance, in place of what its leg said before."""
        leg = _leg(utterance)
        if forgotten := self._legs.pop(leg, None):
            self._bytes -= len(forgotten.pcm)
        if not text or len(text) > MOST_LETTERS or utterance.duration_seconds > MOST_SECONDS:
            return
        self._legs[leg] = Earlier(
            utterance.pcm, text, utterance.duration_seconds, utterance.end_seconds, utterance.sample_rate_hz
        )
        self._bytes += len(utterance.pcm)
        while self._bytes > self._most:
            _, oldest = self._legs.popitem(last=False)
            self._bytes -= len(oldest.pcm)


def _leg(utterance: Utterance) -> tuple[str, str, str]:
    return utterance.call_id, utterance.recording_id, utterance.leg_id
