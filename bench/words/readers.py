"""Who reads a clip: Callvane, from the leg's ring on, or stock faster-whisper with the whole recording at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Protocol

from faster_whisper import WhisperModel

from analysis.fetching.found import model_folder
from analysis.settings import AnalysisSection
from analysis.words.batcher import Batcher
from analysis.words.features import samples_of
from analysis.words.hallucination import SHIPPED_PHRASES, Phrases
from analysis.words.language import Languages
from analysis.words.recognition import Recognizer
from analysis.words.transcriber import Transcriber
from bench.words.clips import RATE_HZ, Clip
from bench.words.reading import Reading
from callbus import Role, Utterance
from sip_bridge.hearing.leg import Leg
from sip_bridge.hearing.segmenter import FRAME_BYTES, FRAME_SECONDS, Segment
from sip_bridge.settings import BridgeSettings

BEGUN = 1_000.0
"""Unix seconds at which every clip begins."""
BLOCK_FRAMES = 5
ENDING_SECONDS = 10.0


class Reader(Protocol):
    """Reads clips of one language."""

    name: str

    def read(self, clip: Clip) -> Reading:
        """All words of a clip."""


class Stock:
    """`transcribe` as its documentation has it: windows of 30 s, beam 5, Silero before it."""

    def __init__(self, model: str, language: str, threads: int) -> None:
        """`model`: as the setting. Raises ConfigError."""
        self.name = "stock"
        self._language = language
        self._model = WhisperModel(str(model_folder(model)), device="cpu", compute_type="int8", cpu_threads=threads)

    def read(self, clip: Clip) -> Reading:
        """See Reader."""
        began = time.process_time()
        segments, _ = self._model.transcribe(
            samples_of(clip.pcm, RATE_HZ), language=self._language, beam_size=5, vad_filter=True
        )
        texts = [segment.text.strip() for segment in segments]
        return Reading(" ".join(texts), len(texts), (), time.process_time() - began)


class Ours:
    """A leg, its segmenter, and a recognizer: all that an utterance goes through, one after the other."""

    def __init__(self, model: str, language: str, threads: int) -> None:
        """As Stock."""
        self.name = "ours"
        self._bridge = BridgeSettings()
        self._language = language
        self.transcriber = Transcriber(AnalysisSection(model=model, language=language, cpu_threads=threads))
        self._phrases = Phrases.read(SHIPPED_PHRASES)

    def read(self, clip: Clip) -> Reading:
        """See Reader."""
        return asyncio.run(self._read(clip))

    def cut(self, clip: Clip) -> Iterator[bytes]:
        """The audio of each utterance of a clip."""
        return (segment.pcm for segment in self._cut(clip))

    async def _read(self, clip: Clip) -> Reading:
        began = time.process_time()
        batcher = Batcher(self.transcriber, 1, 256)
        running = asyncio.create_task(batcher.run())
        recognizer = Recognizer(
            self.transcriber,
            batcher,
            self._phrases,
            feature_threads=1,
            limit=256,
            languages=Languages(self._language, detects=False),
        )
        try:
            found = [
                await recognizer.listen(_utterance(segment, number)) for number, segment in enumerate(self._cut(clip))
            ]
        finally:
            running.cancel()
            recognizer.close()
            await asyncio.gather(batcher.threads.ended(ENDING_SECONDS), recognizer.threads.ended(ENDING_SECONDS))
        text = " ".join(each.text for each in found if not each.dropped)
        dropped = tuple(each.dropped for each in found if each.dropped)
        return Reading(text, len(found), dropped, time.process_time() - began)

    def _cut(self, clip: Clip) -> Iterator[Segment]:
        leg = Leg("1", Role.CUSTOMER, "", self._bridge.speech, self._bridge.vad_aggressiveness, clock=lambda: BEGUN)
        leg.start_at(0, BEGUN)
        block = BLOCK_FRAMES * FRAME_BYTES
        for start in range(0, len(clip.pcm), block):
            piece = clip.pcm[start : start + block].ljust(block, b"\0")
            leg.ring.inlet.put(piece, BEGUN + (start / block + 1) * BLOCK_FRAMES * FRAME_SECONDS)
            yield from leg.segments()
        yield from leg.flush()


def _utterance(segment: Segment, number: int) -> Utterance:
    start, end = segment.start_frame * FRAME_SECONDS, (segment.start_frame + segment.frames) * FRAME_SECONDS
    return Utterance("clip", "1", Role.CUSTOMER, number, start, end, time.time(), RATE_HZ, segment.pcm)
