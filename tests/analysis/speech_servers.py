"""Both sides of a speech server, for tests: what it answers, and the client that a worker has of it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from prometheus_client import REGISTRY

from analysis.servers.model_server import ModelServer
from analysis.words.readers import SETTINGS
from analysis.words.speech_server import OUTCOMES, SpeechServer
from analysis.words.transcriber import KNOWN_ANSWER
from analysis.words.transcription import ANSWER_BYTES
from tests.analysis.chat import Answer, Model, Request, http, model

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
