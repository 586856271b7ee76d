"""A recognizer behind a URL, over real HTTP: what it reads, and what becomes of utterances that it does not."""

from __future__ import annotations

import asyncio
import logging
import wave
from io import BytesIO

import pytest
from prometheus_client import REGISTRY

from analysis.words.passage import Words
from analysis.words.transcriber import KNOWN_ANSWER
from service.breaker import FAILURES
from tests.analysis.chat import Answer, Request, always, drip, http, late, model, reset
from tests.analysis.speech_servers import (
    KEY,
    PCM,
    RATE_HZ,
    RIGHT,
    SOON,
    client,
    counts,
    fields,
    said,
    since,
    speech,
    until,
)


async def test_an_utterance_is_posted_and_its_words_come_back() -> None:
    """As a WAV in a form, with the key; counted, and timed."""
    before, timed = counts(), REGISTRY.get_sample_value("callvane_speech_server_seconds_count") or 0
    async with speech(always(RIGHT)) as (server, served):
        words = await server.read(PCM, RATE_HZ, prompt="Callvane")
        assert isinstance(words, Words)
        assert words.text == "where is my order"
        assert words.no_speech_probability == pytest.approx(0.1)
        (request,) = served.requests
    assert request.line == "POST /v1/audio/transcriptions HTTP/1.1"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    sent = fields(request)
    with wave.open(BytesIO(sent.pop("file"))) as audio:
        assert (audio.getframerate(), audio.readframes(audio.getnframes())) == (RATE_HZ, PCM)
    assert sent == {
        "model": b"whisper",
        "language": b"en",
        "temperature": b"0",
        "prompt": b"Callvane",
        "response_format": b"verbose_json",
    }
    assert since(before) == {"answered": 1}
    assert REGISTRY.get_sample_value("callvane_speech_server_seconds_count") == timed + 1


@pytest.mark.parametrize("status", ["400 Bad Request", "422 Unprocessable"])
async def test_a_server_without_figures_is_asked_for_text(status: str, caplog: pytest.LogCaptureFixture) -> None:
    """Once in each format, then only in the one that it has; said once in the log."""

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        plain = fields(request)["response_format"] == b"json"
        writer.write(http(b'{"text": "hello"}') if plain else http(b"{}", status))

    before = counts()
    with caplog.at_level(logging.INFO):
        async with speech(answer) as (server, served):
            for _ in range(3):
                words = await server.read(PCM, RATE_HZ)
                assert isinstance(words, Words)
                assert words.text == "hello"
            asked = [fields(request)["response_format"] for request in served.requests]
    assert asked == [b"verbose_json", b"json", b"json", b"json"]
    assert since(before) == {"answered": 3}
    assert sum("json is asked for" in line for line in caplog.messages) == 1


async def test_audio_that_a_server_refuses_costs_no_figures() -> None:
    """A 400 in both formats is about the utterance: the next one is asked for with figures again."""
    async with speech(always(http(b"{}", "400 Bad Request"))) as (server, served):
        assert await server.read(PCM, RATE_HZ) == "refused"
        served.answer = always(RIGHT)
        assert isinstance(await server.read(PCM, RATE_HZ), Words)
        asked = [fields(request)["response_format"] for request in served.requests]
    assert asked == [b"verbose_json", b"json", b"verbose_json"]


async def test_nobody_there() -> None:
    """A server that is not up costs nothing but its connection."""
    async with model(always(RIGHT)) as served:
        pass
    server = client(served.url)
    assert await server.read(PCM, RATE_HZ) == "unreachable"
    await server.close()


async def test_many_utterances_are_in_flight_within_a_bound() -> None:
    """As many as set at once, as many again wait; what comes beyond is left at once, and each has its own words."""

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        with wave.open(BytesIO(fields(request)["file"])) as audio:
            number = audio.readframes(1)[0]
        await asyncio.sleep(0.01 * (number % 3))
        writer.write(said(f"number {number}"))

    before = counts()
    async with speech(answer, together=4) as (server, served):
        read = await asyncio.gather(*(server.read(bytes([number, 0]), RATE_HZ) for number in range(12)))
        assert served.most_at_once == 4
    assert [words.text if isinstance(words, Words) else words for words in read] == [
        *(f"number {number}" for number in range(8)),
        *["full"] * 4,
    ]
    assert since(before) == {"answered": 8, "full": 4}


async def test_the_wait_for_a_place_counts() -> None:
    """An utterance that gets no place in its time is left."""
    async with speech(late, together=1) as (server, served):
        reading = asyncio.create_task(server.read(PCM, RATE_HZ))
        await until(lambda: served.requests)
        server._seconds = SOON
        assert await server.read(PCM, RATE_HZ) == "late"
        assert len(served.requests) == 1
        reading.cancel()
        await asyncio.wait([reading])


async def test_an_utterance_given_up_closes_its_request() -> None:
    """The server sees its connection end, its place is free, and no task is left."""
    gone = asyncio.Event()

    async def slow(request: Request, writer: asyncio.StreamWriter) -> None:
        try:
            await drip(request, writer)
        finally:
            gone.set()

    async with speech(slow, together=1) as (server, served):
        reading = asyncio.create_task(server.read(PCM, RATE_HZ))
        await until(lambda: served.requests)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await until(gone.is_set)
        served.answer = always(RIGHT)
        assert isinstance(await server.read(PCM, RATE_HZ), Words)
        await until(lambda: served.at_once == 0)


async def test_a_dead_server_is_left_alone_until_a_probe_is_read(caplog: pytest.LogCaptureFixture) -> None:
    """Told once when it fails and once when it is back, which needs no utterance; meanwhile none waits for it."""
    before = counts()
    with caplog.at_level(logging.INFO):
        async with speech(always(http(b"{}", "500 Oops"))) as (server, served):
            for _ in range(FAILURES + 20):
                await server.read(PCM, RATE_HZ)
            assert len(served.requests) == FAILURES
            assert REGISTRY.get_sample_value("callvane_speech_server_paused") == 1
            await until(lambda: len(served.requests) == FAILURES + 1)
            probe = fields(served.requests[-1])["file"]
            served.answer = always(RIGHT)
            await until(lambda: REGISTRY.get_sample_value("callvane_speech_server_paused") == 0)
            assert isinstance(await server.read(PCM, RATE_HZ), Words)
    assert probe == KNOWN_ANSWER.read_bytes()
    assert since(before) == {"refused": FAILURES, "paused": 20, "answered": 1}
    told = [line for line in caplog.messages if line.startswith("speech server")]
    assert [line.partition(";")[0] for line in told] == [
        "speech server: refused, HTTP status 500",
        told[-1],
    ]
    assert "answered in" in told[-1]


async def test_a_server_that_asks_for_rest_gets_it() -> None:
    """One Retry-After is enough, and answers that were under way do not end it."""

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        if len(served.requests) == 1:
            await until(lambda: len(served.requests) == 2)
            await asyncio.sleep(0.1)
            writer.write(RIGHT)
        else:
            writer.write(http(b"", "429 Too Many Requests", "Retry-After: 1\r\n"))

    async with speech(answer) as (server, served):
        first, second = await asyncio.gather(server.read(PCM, RATE_HZ), server.read(PCM, RATE_HZ))
        assert {type(first), type(second)} == {Words, str}
        assert await server.read(PCM, RATE_HZ) == "paused"
        assert len(served.requests) == 2
        served.answer = always(RIGHT)
        await until(lambda: len(served.requests) == 3)


@pytest.mark.parametrize(
    ("answer", "told", "cure"),
    [
        (reset, "unreachable", "check that it runs"),
        (always(http(b"{}", "401 No")), "refused, HTTP status 401", "analysis.speech_server_key"),
        (always(http(b"{}", "403 No")), "refused, HTTP status 403", "analysis.speech_server_key"),
        (always(http(b"{}", "404 No")), "refused, HTTP status 404", "analysis.speech_server_model"),
        (always(http(b"", "308 No", "Location: /\r\n")), "refused, HTTP status 308", "redirects are not followed"),
        (always(http(b"<html>")), "invalid", "OpenAI's transcription API"),
        (always(said("")), "invalid", "OpenAI's transcription API"),
        (always(http(b"{}", "503 No")), "overloaded, HTTP status 503", "the server's log"),
    ],
)
async def test_a_server_is_tried_at_the_start(
    answer: Answer, told: str, cure: str, caplog: pytest.LogCaptureFixture
) -> None:
    """With a known sentence: a warning says what is wrong and what to do, and no utterance is sent until it is read."""
    async with speech(answer, alone=True) as (server, served):
        assert server.unready == ""
        server.begin()
        await until(lambda: server.unready)
        assert f"({told})" in server.unready
        asked = len(served.requests)
        assert await server.read(PCM, RATE_HZ) == "paused"
        assert len(served.requests) == asked
        served.answer = always(RIGHT)
        await until(lambda: not server.unready)
    (warning,) = (record.message for record in caplog.records if record.levelno == logging.WARNING)
    assert warning.startswith(f"speech server: {told}; utterances have no words until it answers; ")
    assert cure in warning
    assert KEY not in caplog.text


async def test_with_a_stand_in_a_dead_server_leaves_the_worker_ready() -> None:
    """Somebody reads."""
    async with speech(reset) as (server, _):
        server.begin()
        await until(lambda: REGISTRY.get_sample_value("callvane_speech_server_paused") == 1)
        assert server.unready == ""


async def test_a_server_that_is_left_in_a_pause_is_closed() -> None:
    """Its probe is given up, under way or not."""
    for answer in (reset, late):
        async with speech(answer) as (server, served):
            server.begin()
            await until(lambda served=served: served.requests)
