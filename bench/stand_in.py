"""`python -m bench.stand_in`: the real analysis worker, but for the model's time, which is slept.

Its features, queue, scorer, decisions and commits are the real ones; so are Silero's and the spectrogram's time. What
the stand-in reads in an utterance is a line of the test scenarios.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from itertools import cycle

import msgspec
from faster_whisper.feature_extractor import FeatureExtractor

import analysis.__main__ as worker  # first: it sets what numpy reads when it is imported
from analysis.settings import AnalysisSection, AnalysisSettings
from analysis.words.passage import Passage, Words
from analysis.words.readers import Readers
from analysis.words.transcriber import FRAMES, LONGEST_FRAMES, Transcriber
from service.process import main
from testcall import scenario

VARIABLE = "CALLVANE_BENCH_MODEL"
"""A `ModelTime` as JSON."""


class ModelTime(msgspec.Struct, frozen=True):
    """What a batch takes: something, and something more for each row, on a context of 6 s."""

    batch_seconds: float
    row_seconds: float

    def of(self, rows: int, frames: int) -> float:
        """Seconds of a batch."""
        return self.batch_seconds + self.row_seconds * rows * frames / FRAMES[0]

    def utterances_a_second(self, batch_size: int) -> float:
        """Read in full batches."""
        return batch_size / self.of(batch_size, FRAMES[0])


class StandIn(Transcriber):
    """Sleeps for as long as the model would read."""

    detects = False
    frames = FRAMES
    whole = LONGEST_FRAMES

    def __init__(self, takes: ModelTime) -> None:
        """There is nothing to load."""
        self._takes = takes
        self._extract = FeatureExtractor(feature_size=80)
        names = scenario.load_manifest().scenarios
        self._lines = cycle([turn.text for name in sorted(names) for turn in scenario.load(name).turns])

    def transcribe(self, rows: Sequence[Passage], frames: int) -> list[Words]:
        """The next lines of the scenarios, read with certainty."""
        time.sleep(self._takes.of(len(rows), frames))
        return [Words(next(self._lines), 0.9, 0.0, -0.1, "en") for _ in rows]


def stand_in(section: AnalysisSection) -> Readers:
    """See readers.chosen_readers."""
    return Readers(None, StandIn(msgspec.json.decode(os.environ[VARIABLE], type=ModelTime)))


if __name__ == "__main__":
    setattr(worker, "chosen_readers", stand_in)  # noqa: B010 # mypy knows that it is another module's
    sys.exit(main("analysis", "The worker with a stand-in for the model.", AnalysisSettings, worker.work, 9102))
