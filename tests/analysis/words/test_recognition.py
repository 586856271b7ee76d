"""What is heard in an utterance, with the real model."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import numpy as np
import pytest

from analysis.settings import AnalysisSection
from analysis.words.batcher import Batcher
from analysis.words.features import Spectrogram
from analysis.words.hallucination import Phrases
from analysis.words.recognition import SUPPRESSED, Recognizer
from analysis.words.transcriber import Transcriber, Words
from callbus import Role, Utterance
from tests.analysis.process import RATE_HZ, utterances
from tests.analysis.stage import Prompter


@pytest.fixture(scope="module")
def transcriber() -> Transcriber:
    """Whisper base on one core."""
    return Transcriber(AnalysisSection(device="cpu", cpu_threads=1))


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


class Looping(Prompter):
    """A Whisper that loops on a cut context, and reads with the probabilities of a test on the whole one."""

    whole = 3_000

    def __init__(self, cut: Words, whole: Words) -> None:
        super().__init__()
        self.contexts: list[int] = []
        self._answers = {1: cut, 3_000: whole}

    def transcribe(self, rows: Sequence[Spectrogram], frames: int) -> list[Words]:
        """What a test says, by the context."""
        self.contexts.append(frames)
        return [self._answers[frames] for _ in rows]


LOOP = Words("the order the order the order the order the order the order", 0.4, 0.1, -0.5)
SAID = Words("where is the order", 0.9, 0.2, -0.2)


@pytest.mark.parametrize(
    ("cut", "whole", "contexts", "expected"),
    [
        pytest.param(SAID, LOOP, [1], SAID.text, id="certain"),
        pytest.param(LOOP, SAID, [1, 3_000], SAID.text, id="a loop"),
        pytest.param(LOOP, LOOP, [1, 3_000], "hallucination", id="a loop twice"),
        pytest.param(replace(SAID, mean_log_probability=-0.8), SAID, [1, 3_000], SAID.text, id="unsure"),
        pytest.param(replace(SAID, no_speech_probability=0.7), SAID, [1, 3_000], SAID.text, id="a mark"),
        pytest.param(
            replace(SAID, no_speech_probability=0.7),
            replace(SAID, no_speech_probability=0.7),
            [1, 3_000],
            "silence",
            id="a mark twice",
        ),
        pytest.param(replace(SAID, mean_log_probability=-1.6), SAID, [1, 3_000], SAID.text, id="unbelievable at first"),
    ],
)
async def test_what_is_in_doubt_is_read_again(cut: Words, whole: Words, contexts: list[int], expected: str) -> None:
    """A cut context makes a Whisper loop: on the whole one it is asked once more, and what it says there counts."""
    model = Looping(cut, whole)
    batcher = Batcher(model, 8, 100)
    task = asyncio.create_task(batcher.run())
    opened = Recognizer(model, batcher, Phrases.parse([]), feature_threads=1, limit=100)
    try:
        recognition = await opened.listen(silence(b"words" * 3_200))
    finally:
        opened.close()
        task.cancel()
        await asyncio.wait([task])
    assert model.contexts == contexts
    assert recognition.text + recognition.dropped == expected


async def test_while_the_model_is_behind_nothing_is_read_twice() -> None:
    """Second readings give way first: the words in doubt are judged as they are."""
    model = Looping(LOOP, SAID)
    batcher = Batcher(model, 1, 8)
    opened = Recognizer(model, batcher, Phrases.parse([]), feature_threads=1, limit=100)
    crowd = asyncio.gather(*(opened.listen(silence(b"words" * 3_200)) for _ in range(8)))
    while batcher.waiting < 8:
        await asyncio.sleep(0)
    task = asyncio.create_task(batcher.run())
    try:
        read = await crowd
    finally:
        opened.close()
        task.cancel()
        await asyncio.wait([task])
    assert {each.text or each.dropped for each in read} == {SAID.text, "hallucination"}
    assert model.contexts.count(3_000) < 8
