"""What is heard in an utterance, with the real model."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import numpy as np
import pytest

from analysis.settings import AnalysisSection
from analysis.words.batcher import Batcher
from analysis.words.hallucination import Phrases
from analysis.words.names import Glossary
from analysis.words.passage import Passage, Words
from analysis.words.readers import Listener, speech_server
from analysis.words.recognition import PUT_RIGHT, SUPPRESSED, Recognition, Recognizer
from analysis.words.speech_server import STOOD_IN
from analysis.words.transcriber import Transcriber
from callbus import Role, Utterance
from service.breaker import FAILURES
from tests.analysis.chat import Answer, Request, always, http
from tests.analysis.chat import model as http_server
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


async def test_names_are_put_right_in_the_calls_of_their_queue(
    recognizer: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of other queues are not looked for; what was put right is counted."""
    monkeypatch.setattr(recognizer, "_glossary", Glossary([], {"billing": ["Czekmai Bill"]}))
    counted, said = PUT_RIGHT._value.get(), utterances("turns_angry", "a", 0.0)[1]
    assert "Czekmai Bill" not in (await recognizer.listen(said)).text
    assert PUT_RIGHT._value.get() == counted
    assert "Czekmai Bill" in (await recognizer.listen(said, queue="billing")).text
    assert PUT_RIGHT._value.get() == counted + 1


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

    again = 3_000

    def __init__(self, cut: Words, whole: Words) -> None:
        super().__init__()
        self.contexts: list[int] = []
        self._answers = {1: cut, 3_000: whole}

    def transcribe(self, rows: Sequence[Passage], frames: int) -> list[Words]:
        """What a test says, by the context."""
        self.contexts.append(frames)
        return [self._answers[frames] for _ in rows]


LOOP = Words("the order the order the order the order the order the order", 0.4, 0.1, -0.5)
SAID = Words("where is the order", 0.9, 0.2, -0.2)


async def listened(model: Looping) -> Recognition:
    """What becomes of an utterance that this model reads."""
    batcher = Batcher(model, 8, 100)
    task = asyncio.create_task(batcher.run())
    opened = Recognizer(model, batcher, Phrases.parse([]), feature_threads=1, limit=100)
    try:
        return await opened.listen(silence(b"words" * 3_200))
    finally:
        opened.close()
        task.cancel()
        await asyncio.wait([task])


@pytest.mark.parametrize(
    ("cut", "whole", "contexts", "expected"),
    [
        pytest.param(SAID, LOOP, [1], SAID.text, id="certain"),
        pytest.param(LOOP, SAID, [1, 3_000], SAID.text, id="a loop"),
        pytest.param(LOOP, LOOP, [1, 3_000], "hallucination", id="a loop twice"),
        pytest.param(replace(SAID, mean_log_probability=-0.8), SAID, [1, 3_000], SAID.text, id="unsure"),
        pytest.param(replace(SAID, no_speech_probability=0.7), LOOP, [1], SAID.text, id="a mark, in speech"),
        pytest.param(replace(SAID, mean_log_probability=-1.6), SAID, [1, 3_000], SAID.text, id="unbelievable at first"),
    ],
)
async def test_what_is_in_doubt_is_read_again(cut: Words, whole: Words, contexts: list[int], expected: str) -> None:
    """A cut context makes a Whisper loop: on the whole one it is asked once more, and what it says there counts."""
    model = Looping(cut, whole)
    recognition = await listened(model)
    assert model.contexts == contexts
    assert recognition.text + recognition.dropped == expected


class Slow(Looping):
    """The same, a tenth of a second a reading."""

    def transcribe(self, rows: Sequence[Passage], frames: int) -> list[Words]:
        """As Looping."""
        time.sleep(0.1)
        return super().transcribe(rows, frames)


async def test_what_would_be_read_the_same_again_is_not() -> None:
    """On a context that is no longer than the first, there is nothing to learn from a second reading."""
    model = Looping(LOOP, SAID)
    model.again = 1
    recognition = await listened(model)
    assert model.contexts == [1]
    assert recognition.dropped == "hallucination"


async def test_while_the_model_is_behind_nothing_is_read_twice() -> None:
    """Second readings give way first: the words in doubt are judged as they are, until less than 0.8 s waits."""
    model = Slow(LOOP, SAID)
    batcher = Batcher(model, 1, 100)
    opened = Recognizer(model, batcher, Phrases.parse([]), feature_threads=1, limit=100)
    crowd = asyncio.gather(*(opened.listen(silence(b"words" * 3_200)) for _ in range(12)))
    while batcher.waiting < 12:
        await asyncio.sleep(0)
    task = asyncio.create_task(batcher.run())
    try:
        read = await crowd
    finally:
        opened.close()
        task.cancel()
        await asyncio.wait([task])
    said = [each.text or each.dropped for each in read]
    assert said[:3] == ["hallucination"] * 3
    assert said[-1] == SAID.text


@asynccontextmanager
async def served(
    answer: Answer, transcriber: Transcriber | None, seconds: float = 60, together: int = 8
) -> AsyncIterator[Recognizer]:
    """With a speech server at work, and a stand-in if there is a Whisper."""
    section = AnalysisSection(
        model_stand_in="base" if transcriber else "",
        speech_server_seconds=min(30, seconds),
        speech_server_utterances=together,
    )
    before = asyncio.all_tasks()
    async with http_server(answer) as there:
        server = speech_server(section.model_copy(update={"model": there.url}))
        batcher = Batcher(transcriber, 8, 100) if transcriber else None
        task = asyncio.create_task(batcher.run()) if batcher else None
        opened = Recognizer(
            transcriber or Listener(), batcher, Phrases.parse([]), server=server, feature_threads=1, limit=100
        )
        try:
            yield opened
        finally:
            opened.close()
            await server.close()
            if task:
                task.cancel()
                await asyncio.wait([task])
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


def reply(text: str, **figures: float) -> Answer:
    """A server that reads these words in everything."""
    segment = {"start": 0.0, "end": 1.0, "avg_logprob": -0.2, "no_speech_prob": 0.1, **figures}
    return always(http(json.dumps({"text": text, "segments": [segment]}).encode()))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(reply(SAID.text), SAID.text, id="certain"),
        pytest.param(reply(SAID.text, avg_logprob=-0.8), SAID.text, id="unsure"),
        pytest.param(reply(LOOP.text), "hallucination", id="a loop"),
        pytest.param(reply(SAID.text, no_speech_prob=0.7, avg_logprob=-1.2), "silence", id="a mark, unsure"),
        pytest.param(reply(SAID.text, avg_logprob=-1.6), "silence", id="unbelievable"),
        pytest.param(reply(""), "silence", id="nothing"),
        pytest.param(always(http(b'{"text": "where is the order"}')), SAID.text, id="no figures"),
    ],
)
async def test_the_guards_judge_a_servers_words(transcriber: Transcriber, answer: Answer, expected: str) -> None:
    """As those of a reading on the whole context: they are not read again, by nobody."""
    stood_in = STOOD_IN._value.get()
    async with served(answer, transcriber) as recognizer:
        recognition = await recognizer.listen(utterances("turns_angry", "a", 0.0)[1])
    assert recognition.text + recognition.dropped == expected
    assert STOOD_IN._value.get() == stood_in


@pytest.mark.parametrize("names", [("Sitilli", "Platinum Motors"), ()])
async def test_a_server_is_told_the_names(
    transcriber: Transcriber, names: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As its prompt; without names there is none."""
    asked: list[bytes] = []

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        asked.append(request.body)
        await reply(SAID.text)(request, writer)

    async with served(answer, transcriber) as recognizer:
        monkeypatch.setattr(recognizer, "_glossary", Glossary(names))
        await recognizer.listen(utterances("turns_angry", "a", 0.0)[1])
    prompt = b'name="prompt"\r\n\r\nSitilli, Platinum Motors\r\n'
    assert [prompt in body for body in asked] == [bool(names)]
    assert names or b"prompt" not in asked[0]


async def test_a_server_is_not_sent_what_is_no_speech(transcriber: Transcriber) -> None:
    """Silence costs no request."""
    async with served(reply("never"), transcriber) as recognizer:
        assert (await recognizer.listen(silence(bytes(2 * RATE_HZ * 3)))).dropped == "silence"


@pytest.mark.parametrize("answer", [always(http(b"{}", "500 Oops")), always(http(b"<html>")), always(b"\0")])
async def test_the_stand_in_reads_what_the_server_does_not(transcriber: Transcriber, answer: Answer) -> None:
    """The words are those of the Whisper on this machine, while the server is asked and while it is not; counted."""
    stood_in = STOOD_IN._value.get()
    async with served(answer, transcriber) as recognizer:
        for _ in range(FAILURES + 2):
            recognition = await recognizer.listen(utterances("turns_angry", "a", 0.0)[1])
            assert "check my bill" in recognition.text.lower()
    assert STOOD_IN._value.get() == stood_in + FAILURES + 2


async def hold(_request: Request, _writer: asyncio.StreamWriter) -> None:
    """Answer long after anybody waits."""
    await asyncio.sleep(60)


async def test_a_late_answer_leaves_the_utterance_to_the_stand_in(transcriber: Transcriber) -> None:
    """Once its time is over."""
    async with served(hold, transcriber, seconds=0.2) as recognizer:
        recognition = await recognizer.listen(utterances("turns_angry", "a", 0.0)[1])
    assert "check my bill" in recognition.text.lower()


async def test_without_a_stand_in_what_is_not_read_has_no_words() -> None:
    """The transcript says `error`, or `overload` where too many wait; what the server reads is as ever."""
    said = utterances("turns_angry", "a", 0.0)[1]
    async with served(always(http(b"{}", "500 Oops")), None) as recognizer:
        assert (await recognizer.listen(said)).dropped == "error"
        assert (await recognizer.listen(silence(b"\x01"))).dropped == "silence"
    async with served(hold, None, seconds=0.5, together=1) as recognizer:
        crowd = await asyncio.gather(*(recognizer.listen(said) for _ in range(3)))
        assert sorted(each.dropped for each in crowd) == ["error", "error", "overload"]
    async with served(reply(SAID.text), None) as recognizer:
        assert (await recognizer.listen(said)).text == SAID.text


async def test_an_utterance_given_up_leaves_nothing_behind(transcriber: Transcriber) -> None:
    """Its request is closed, and no task of it is left."""
    asked, gone = asyncio.Event(), asyncio.Event()

    async def answer(_request: Request, writer: asyncio.StreamWriter) -> None:
        asked.set()
        try:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            while not writer.transport.is_closing():
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.01)
        finally:
            gone.set()

    async with served(answer, transcriber) as recognizer, asyncio.timeout(60):
        listening = asyncio.create_task(recognizer.listen(utterances("turns_angry", "a", 0.0)[1]))
        await asked.wait()
        listening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await listening
        await gone.wait()
