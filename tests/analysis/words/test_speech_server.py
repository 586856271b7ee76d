"""A recognizer behind a URL, over real HTTP: what it reads, and what becomes of utterances that it does not."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import re
import wave
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from analysis.servers.breaker import FAILURES
from analysis.servers.model_server import ModelServer
from analysis.words.passage import Words
from analysis.words.readers import SETTINGS
from analysis.words.speech_server import OUTCOMES, SpeechServer
from analysis.words.transcriber import KNOWN_ANSWER
from analysis.words.transcription import ANSWER_BYTES
from tests.analysis.chat import Answer, Model, Request, always, http, model

SOON = 0.3
"""A deadline for servers that keep nobody waiting in vain."""
PCM = bytes(range(256)) * 20
RATE_HZ = 8_000
KEY = "sk-very-secret"
SECONDS = 60.0
"""Longer than anything here takes on the busiest machine."""


def said(text: str = "where is my order", **figures: Any) -> bytes:
    """A response with these words."""
    segment = {"start": 0.0, "end": 1.0, "avg_logprob": -0.2, "no_speech_prob": 0.1, "text": text, **figures}
    return http(json.dumps({"text": text, "segments": [segment]}).encode())


RIGHT = said()


def fields(request: Request) -> dict[str, bytes]:
    """The parts of a form by name, split at its own boundary."""
    boundary = request.headers["content-type"].partition("boundary=")[2].encode()
    assert request.body.endswith(b"\r\n--" + boundary + b"--\r\n")
    parts = (b"\r\n" + request.body).split(b"\r\n--" + boundary)[1:-1]
    found = {}
    for part in parts:
        head, _, value = part.partition(b"\r\n\r\n")
        name = re.search(rb'; name="(\w+)"', head)
        assert name
        found[name[1].decode()] = value
    return found


def counts() -> dict[str, float]:
    """Utterances by outcome so far."""
    return {
        outcome: REGISTRY.get_sample_value("callvane_speech_server_utterances_total", {"outcome": outcome}) or 0.0
        for outcome in OUTCOMES
    }


def since(before: dict[str, float]) -> dict[str, float]:
    """Utterances by outcome since then."""
    return {outcome: count - before[outcome] for outcome, count in counts().items() if count != before[outcome]}


def client(
    url: str, *, seconds: float = SECONDS, together: int = 8, name: str = "whisper", alone: bool = False
) -> SpeechServer:
    """The worker's side of a server."""
    connection = ModelServer(
        url,
        "/audio/transcriptions",
        KEY,
        SETTINGS,
        anywhere=False,
        connections=together,
        answer_bytes=ANSWER_BYTES,
    )
    known = KNOWN_ANSWER.read_bytes()
    return SpeechServer(connection, name, "en", known, seconds=seconds, together=together, alone=alone)


@asynccontextmanager
async def speech(answer: Answer, **settings: Any) -> AsyncIterator[tuple[SpeechServer, Model]]:
    """Both sides of a server; no task is left behind."""
    before = asyncio.all_tasks()
    async with model(answer) as served:
        made = client(served.url, **settings)
        try:
            yield made, served
        finally:
            await made.close()
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


async def until(true: Any) -> None:
    """Wait for it."""
    async with asyncio.timeout(SECONDS):
        while not true():
            await asyncio.sleep(0.01)


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


async def late(_request: Request, _writer: asyncio.StreamWriter) -> None:
    """Answer long after anybody waits."""
    await asyncio.sleep(SECONDS)


async def drip(_request: Request, writer: asyncio.StreamWriter) -> None:
    """Answer a byte at a time."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while not writer.transport.is_closing():
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.01)


async def drip_head(_request: Request, writer: asyncio.StreamWriter) -> None:
    """Begin a head that never ends."""
    writer.write(b"HTTP/1.1 200 OK\r\nX: ")
    while not writer.transport.is_closing():
        writer.write(b"y")
        await writer.drain()
        await asyncio.sleep(0.01)


async def endless(_request: Request, writer: asyncio.StreamWriter) -> None:
    """A body without end."""
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not writer.transport.is_closing():
        writer.write(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
        await writer.drain()


async def reset(_request: Request, writer: asyncio.StreamWriter) -> None:
    """Break the connection off."""
    writer.transport.abort()


async def cut_short(_request: Request, writer: asyncio.StreamWriter) -> None:
    """End in mid-answer."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
    await writer.drain()
    writer.close()


HOSTILE: list[tuple[str, Answer, str]] = [
    ("nothing in time", late, "late"),
    ("a body byte by byte", drip, "late"),
    ("a head byte by byte", drip_head, "late"),
    ("an endless body", endless, "invalid"),
    ("a long body", always(http(b"x" * (ANSWER_BYTES + 1))), "invalid"),
    ("an empty body", always(http(b"")), "invalid"),
    ("no UTF-8", always(http(b'{"text": "\xff\xfe"}')), "invalid"),
    ("no JSON", always(http(b"where is my order")), "invalid"),
    ("nested", always(http(b'{"segments": ' + b"[" * 100_000)), "invalid"),
    ("no text", always(http(b'{"error": "no model"}')), "invalid"),
    ("text that is a list", always(http(b'{"text": ["a"]}')), "invalid"),
    ("far too many words", always(said("word " * 1_000)), "invalid"),
    ("compressed", always(http(gzip.compress(b" " * 10_000_000), headers="Content-Encoding: gzip\r\n")), "invalid"),
    ("elsewhere", always(http(b"", "307 Temporary Redirect", "Location: http://192.0.2.1/\r\n")), "refused"),
    ("no key", always(http(b"{}", "401 Unauthorized")), "refused"),
    ("no such model", always(http(b"{}", "404 Not Found")), "refused"),
    ("too large", always(http(b"{}", "413 Too Large")), "refused"),
    ("broken", always(http(b"{}", "500 Internal Server Error")), "refused"),
    ("too many", always(http(b"{}", "429 Too Many Requests")), "overloaded"),
    ("not now", always(http(b"{}", "503 Unavailable")), "overloaded"),
    (
        "not now, with a date",
        always(http(b"", "503 No", "Retry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n")),
        "overloaded",
    ),
    ("reset", reset, "unreachable"),
    ("cut short", cut_short, "unreachable"),
    ("no HTTP", always(b"\x00\x01\x02\r\n\r\n"), "unreachable"),
    ("a negative length", always(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n"), "unreachable"),
]


@pytest.mark.parametrize(("answer", "outcome"), [case[1:] for case in HOSTILE], ids=[case[0] for case in HOSTILE])
async def test_whatever_else_comes_is_an_outcome(answer: Answer, outcome: str) -> None:
    """One for each utterance, counted; nothing is raised, no redirect followed, and the next utterance is read."""
    before = counts()
    async with speech(answer, seconds=SOON if outcome == "late" else SECONDS) as (server, served):
        assert await server.read(PCM, RATE_HZ) == outcome
        assert since(before) == {outcome: 1}
        served.answer = always(RIGHT)
        server._seconds = SECONDS
        assert isinstance(await server.read(PCM, RATE_HZ), Words)


@given(st.lists(st.binary(max_size=60) | st.sampled_from([b"HTTP/1.1 200 OK\r\n", b"\r\n\r\n", b'{"text": "a"}'])))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_bytes_are_words_or_an_outcome(pieces: Sequence[bytes]) -> None:
    """What a server writes, before it hangs up."""

    async def answer(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"".join(pieces))
        await writer.drain()
        writer.close()

    async def ask() -> Words | str:
        async with speech(answer) as (server, _):
            return await server.read(PCM, RATE_HZ)

    read = asyncio.run(ask())
    assert isinstance(read, Words) or read in OUTCOMES


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
