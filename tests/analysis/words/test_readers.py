"""What `analysis.model` names: what is refused at the start, and whole processes that read by a server at a URL."""

from __future__ import annotations

import asyncio
import json
import socket
from dataclasses import asdict
from email.parser import BytesParser
from email.policy import HTTP
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from faster_whisper import WhisperModel

from analysis.fetching.found import model_folder
from analysis.settings import AnalysisSection, AnalysisSettings
from analysis.words.readers import chosen_readers, endpoint
from callbus import Transcript
from callbus.redis.bus import Bus
from service.settings import ConfigError, load
from testcall import scenario
from tests.analysis.chat import Request, always, http, model
from tests.analysis.process import Analysis, analysis, of, publish, whole_call
from tests.analysis.real_models import fetch
from tests.analysis.spoken import plain
from tests.published import until_ended

KEY = "sk-very-secret"
LOCAL = {"model": "http://127.0.0.1:1/v1"}
SECONDS = 60.0
UTTERANCES = 5
"""As many as a busy machine reads on 30 s windows within the longest deadline."""


@pytest.mark.parametrize(
    ("url", "posted_to"),
    [
        ("http://h:8000/v1", "http://h:8000/v1/audio/transcriptions"),
        ("http://h:8000/v1/", "http://h:8000/v1/audio/transcriptions"),
        ("http://h:8000", "http://h:8000/v1/audio/transcriptions"),
        ("https://h/speech/v1", "https://h/speech/v1/audio/transcriptions"),
        ("http://h:8000/v1/audio/transcriptions", "http://h:8000/v1/audio/transcriptions"),
        ("http://h:8080/inference", "http://h:8080/inference"),
    ],
)
def test_a_url_is_a_base_or_the_whole(url: str, posted_to: str) -> None:
    """As an operator finds it in a server's manual."""
    assert endpoint(url) == posted_to


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"model": "ftp://127.0.0.1/v1"}, "analysis.model: not a URL such as http://127.0.0.1:8000/v1"),
        ({"model": "http://"}, "analysis.model: not a URL"),
        ({"model": "http://[::1/v1"}, "analysis.model: not a URL"),
        ({"model": "http://h:x/v1"}, "analysis.model: not a URL"),
        ({"model": "http://a b/v1"}, "analysis.model: not a URL"),
        ({"model": f"http://u:{KEY}@127.0.0.1/v1"}, "put the key in speech_server_key"),
        ({"model": f"http://127.0.0.1/v1?key={KEY}"}, "put the key in speech_server_key"),
        ({"model": "https://203.0.113.7/v1"}, "speech_server_anywhere = true"),
        ({**LOCAL, "speech_server_key": f"{KEY}\r\nX: y"}, "analysis.speech_server_key: contains characters"),
        ({**LOCAL, "speech_server_key_file": "/nowhere"}, "analysis.speech_server_key_file: /nowhere: No such file"),
        ({**LOCAL, "speech_server_key": KEY, "speech_server_key_file": "/x"}, "keep only one"),
        ({**LOCAL, "model_stand_in": "http://127.0.0.1:2/v1"}, "analysis.model_stand_in: a URL"),
        ({**LOCAL, "model_stand_in": "nonesuch"}, "analysis.model_stand_in: nonesuch is unknown"),
        ({**LOCAL, "model_stand_in": "./nowhere"}, "analysis.model_stand_in: ./nowhere is not a folder"),
    ],
)
def test_what_cannot_be_used_is_refused(section: dict[str, Any], said: str) -> None:
    """By the setting's name, in one line, without the key."""
    with pytest.raises(ConfigError) as fault:
        chosen_readers(AnalysisSection(**section))
    assert said in str(fault.value)
    assert "\n" not in str(fault.value)
    assert KEY not in str(fault.value)


def test_no_fault_repeats_the_key(tmp_path: Path) -> None:
    """Not one in the key itself, nor do the settings show it."""
    (tmp_path / "c.toml").write_text("[analysis]\nspeech_server_key = 271828182845\n")
    with pytest.raises(ConfigError) as fault:
        load(AnalysisSettings, tmp_path / "c.toml")
    assert "analysis.speech_server_key" in str(fault.value)
    assert "271828" not in str(fault.value)


def test_a_public_address_can_be_allowed() -> None:
    """By the operator, who then answers for it."""
    readers = chosen_readers(
        AnalysisSection(model="https://203.0.113.7/v1", speech_server_anywhere=True, model_stand_in="")
    )
    assert readers.server
    assert readers.whisper is None


async def test_a_bad_url_ends_the_process() -> None:
    """With status 2 and one line."""
    worker = await Analysis.start(analysis__model="http:///v1")
    assert await worker.ended(SECONDS) == 2
    assert worker.lines[-1] == "analysis: analysis.model: not a URL such as http://127.0.0.1:8000/v1"


def words(published: list[Any]) -> list[str]:
    """Of each transcript, in order; in brackets why there are none."""
    return [each.text or f"({each.dropped})" for each in published if isinstance(each, Transcript)]


def base() -> WhisperModel:
    """Stock faster-whisper."""
    fetch("base")
    return WhisperModel(str(model_folder("base")), device="cpu", compute_type="int8", cpu_threads=2)


def form_of(request: Request) -> dict[Any, Any]:
    """The form's parts by name, as Python's own parser of MIME reads them."""
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    form = BytesParser(policy=HTTP).parsebytes(head + request.body)
    return {
        part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
        for part in form.iter_parts()
    }


async def test_a_real_whisper_behind_a_url_reads_calls(bus: Bus) -> None:
    """Over HTTP, as stock faster-whisper reads the audio of the form: its words are those of the transcripts."""
    whisper = await asyncio.to_thread(base)
    told: list[str] = []

    def read(request: Request) -> bytes:
        fields = form_of(request)
        segments, info = whisper.transcribe(
            BytesIO(fields["file"]), language=fields["language"].decode(), temperature=0.0, beam_size=1
        )
        found = [asdict(segment) for segment in segments]
        text = "".join(segment["text"] for segment in found)
        told.append(text.strip())
        return json.dumps({"task": "transcribe", "duration": info.duration, "text": text, "segments": found}).encode()

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        async with one_at_a_time:
            writer.write(http(await asyncio.to_thread(read, request)))

    one_at_a_time = asyncio.Lock()
    async with model(answer) as served:
        chosen = of(bus, model=served.url, model_stand_in="", speech_server_seconds="30", speech_server_model="base")
        async with analysis(**chosen) as worker:
            async with asyncio.timeout(SECONDS):
                while not any("speech server: answered" in line for line in worker.lines):
                    await asyncio.sleep(0.05)
            opened, *said, closed = whole_call("turns_angry", "angry")
            await publish(bus, [opened, *said[:UTTERANCES], closed])
            done = await until_ended(bus, "angry")
            answered = await worker.metric('callvane_speech_server_utterances_total{outcome="answered"}')
    heard = words(done)
    turns = scenario.load("turns_angry").turns[:UTTERANCES]
    assert len(heard) == answered == UTTERANCES
    assert sum(text in told for text in heard) >= len(heard) - 1  # a guard may take one
    said_words = plain(" ".join(turn.text for turn in turns)).split()
    found = set(plain(" ".join(heard)).split())
    assert sum(word in found for word in said_words) > 0.7 * len(said_words)


async def test_without_its_server_a_worker_reads_by_the_stand_in(bus: Bus) -> None:
    """As if it were the model: every turn has its words, and the worker is ready."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        async with analysis(**of(bus, model=url)) as worker:
            await publish(bus, whole_call("turns_angry", "angry"))
            done = await until_ended(bus, "angry")
            stood_in = await worker.metric("callvane_stand_in_utterances_total")
            warnings = [line for line in worker.lines if "speech server: unreachable" in line]
    heard = words(done)
    assert stood_in == len(heard) == len(scenario.load("turns_angry").turns)
    assert not any(text.startswith("(") for text in heard)
    assert len(warnings) == 1
    assert "the stand-in reads until it answers" in warnings[0]


async def test_without_server_and_stand_in_a_worker_is_not_ready(bus: Bus) -> None:
    """It says why, its transcripts say `error`, and it is ready by itself once the server is back."""
    async with model(always(http(b"{}", "500 Oops"))) as served:
        worker = await Analysis.start(**of(bus, model=served.url, model_stand_in=""))
        try:
            async with asyncio.timeout(SECONDS):
                while "the speech server does not read (refused, HTTP status 500)" not in (
                    await worker.unready() or ""
                ):
                    await asyncio.sleep(0.05)
            await publish(bus, whole_call("turns_angry", "angry"))
            assert set(words(await until_ended(bus, "angry"))) == {"(error)"}
            served.answer = always(http(b'{"text": "hello"}'))
            await worker.until_ready(SECONDS)
        finally:
            await worker.stop()
