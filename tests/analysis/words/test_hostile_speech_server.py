"""A speech server that answers late, wrongly, without end or not at all: an outcome for the utterance, no more."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.words.passage import Words
from analysis.words.speech_server import OUTCOMES
from analysis.words.transcription import ANSWER_BYTES
from tests.analysis.chat import Answer, Request, always, drip, drips, http, late, reset
from tests.analysis.speech_servers import (
    PCM,
    RATE_HZ,
    RIGHT,
    SECONDS,
    SOON,
    counts,
    said,
    since,
    speech,
)


async def endless(_request: Request, writer: asyncio.StreamWriter) -> None:
    """A body without end."""
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not writer.transport.is_closing():
        writer.write(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
        await writer.drain()


async def cut_short(_request: Request, writer: asyncio.StreamWriter) -> None:
    """End in mid-answer."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
    await writer.drain()
    writer.close()


HOSTILE: list[tuple[str, Answer, str]] = [
    ("nothing in time", late, "late"),
    ("a body byte by byte", drip, "late"),
    ("a head byte by byte", drips(b"HTTP/1.1 200 OK\r\nX: "), "late"),
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
