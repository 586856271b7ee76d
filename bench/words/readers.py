"""Who reads a clip: Callvane, from the leg's ring on, or stock faster-whisper with the whole recording at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
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
from callbus.messages.wire import ForkEvent
from sip_bridge.hearing.heard_call import Call
from sip_bridge.hearing.leg import Leg
from sip_bridge.hearing.segmenter import FRAME_BYTES, FRAME_SECONDS
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
        return (utterance.pcm for utterance in self._cut(clip))

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
            found = [await recognizer.listen(utterance) for utterance in self._cut(clip)]
        finally:
            running.cancel()
            recognizer.close()
            await asyncio.gather(batcher.threads.ended(ENDING_SECONDS), recognizer.threads.ended(ENDING_SECONDS))
        text = " ".join(each.text for each in found if not each.dropped)
        dropped = tuple(each.dropped for each in found if each.dropped)
        return Reading(text, len(found), dropped, time.process_time() - began)

    def _cut(self, clip: Clip) -> Iterator[Utterance]:
        tracks = {Role.CUSTOMER: clip.pcm, Role.AGENT: clip.other} if clip.other else {Role.CUSTOMER: clip.pcm}
        legs = [
            Leg(role, role, "", self._bridge.speech, self._bridge.vad_aggressiveness, clock=lambda: BEGUN)
            for role in tracks
        ]
        call = Call("clip", "bench", legs, BEGUN)
        for leg in legs:
            leg.start_at(0, BEGUN)
        block = BLOCK_FRAMES * FRAME_BYTES
        for start in range(0, len(clip.pcm), block):
            for leg, track in zip(legs, tracks.values(), strict=True):
                piece = track[start : start + block].ljust(block, b"\0")
                leg.ring.inlet.put(piece, BEGUN + (start / block + 1) * BLOCK_FRAMES * FRAME_SECONDS)
            yield from _customers(call.utterances())
        yield from _customers(call.closed("bye", BEGUN))


def _customers(events: Iterable[ForkEvent]) -> Iterator[Utterance]:
    """The utterances that the clip is about, as if each had just ended."""
    for event in events:
        if isinstance(event, Utterance) and event.role is Role.CUSTOMER:
            yield replace(event, ended_at=time.time())
