"""What is heard in an utterance, with the real model."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from analysis.settings import AnalysisSection
from analysis.words.batcher import Batcher
from analysis.words.hallucination import Phrases
from analysis.words.recognition import SUPPRESSED, Recognizer
from analysis.words.transcriber import Transcriber
from callbus import Role, Utterance
from tests.analysis.process import RATE_HZ, utterances


@pytest.fixture(scope="module")
def transcriber() -> Transcriber:
    """The shipped model on the CPU."""
    return Transcriber(AnalysisSection(device="cpu"))


@pytest.fixture
async def recognizer(transcriber: Transcriber) -> AsyncIterator[Recognizer]:
    """At work, with room for three."""
    batcher = Batcher(transcriber, 8, 3)
    task = asyncio.create_task(batcher.run())
    opened = Recognizer(transcriber, batcher, Phrases.parse([]), feature_threads=1, limit=3)
    yield opened
    opened.close()
    task.cancel()
    await asyncio.wait([task])


def silence(pcm: bytes, rate_hz: int = RATE_HZ) -> Utterance:
    """An utterance without speech."""
    return Utterance("c", "2", Role.CUSTOMER, 0, 1.0, 2.0, 0.0, rate_hz, pcm)


async def test_words_are_heard(recognizer: Recognizer) -> None:
    """Speech has words and a confidence."""
    recognition = await recognizer.listen(utterances("turns_angry", "a", 0.0)[1])
    assert recognition.dropped == ""
    assert "check my bill" in recognition.text.lower()
    assert 0.5 < recognition.confidence <= 1


async def test_an_invention_is_taken_off_the_words_before_it(
    recognizer: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest is heard as ever, and the guard is counted."""
    counted = SUPPRESSED.labels("part")._value
    before = counted.get()
    monkeypatch.setattr(recognizer, "_phrases", Phrases.parse(["+ my bill ..."]))
    recognition = await recognizer.listen(utterances("turns_angry", "a", 0.0)[1])
    assert recognition.text.lower().endswith("check")
    assert counted.get() == before + 1


@pytest.mark.parametrize(
    "pcm",
    [
        b"",
        b"\x01",
        bytes(2 * RATE_HZ * 3),
        (np.random.default_rng(1).standard_normal(RATE_HZ * 2) * 20).astype("<i2").tobytes(),
    ],
    ids=["nothing", "half a sample", "digital silence", "line noise"],
)
async def test_silence_is_heard_as_such(recognizer: Recognizer, pcm: bytes) -> None:
    """Where nobody speaks there are no words."""
    assert (await recognizer.listen(silence(pcm))).dropped == "silence"


async def test_more_than_can_be_heard_is_shed(recognizer: Recognizer) -> None:
    """Of a crowd of utterances the first are heard, and the rest is told as overload."""
    crowd = await asyncio.gather(*(recognizer.listen(u) for u in utterances("turns_angry", "a", 0.0)))
    assert {recognition.dropped for recognition in crowd} == {"", "overload"}


async def test_what_cannot_be_read_is_an_error(recognizer: Recognizer) -> None:
    """An impossible rate fails that utterance and no other."""
    assert (await recognizer.listen(silence(bytes(9_000), rate_hz=0))).dropped == "error"
    assert (await recognizer.listen(utterances("turns_angry", "a", 0.0)[1])).dropped == ""
