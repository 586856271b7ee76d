"""OpenAI's transcription API: the form that is sent, and what is made of any answer."""

from __future__ import annotations

import contextlib
import io
import json
import math
import time
import unicodedata
import wave
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from analysis.words.transcription import (
    ANSWER_BYTES,
    LIKELY,
    SEGMENTS,
    TEXT_CHARACTERS,
    TranscriptionError,
    form,
    readable,
    wav,
    words_of,
)


def segment(**figures: Any) -> dict[str, Any]:
    """A second of speech."""
    return {"id": 0, "start": 0.0, "end": 1.0, "text": "hello", "avg_logprob": -0.2, "no_speech_prob": 0.1, **figures}


def answer(*segments: Any, text: Any = " hello there ") -> bytes:
    """A `verbose_json`."""
    return json.dumps({"task": "transcribe", "duration": 1.0, "text": text, "segments": list(segments)}).encode()


@given(st.binary(max_size=400), st.sampled_from([8_000, 16_000]))
def test_a_wav_holds_the_samples(pcm: bytes, rate_hz: int) -> None:
    """Mono, 16 bit, at their rate; half a sample at the end is dropped."""
    with wave.open(io.BytesIO(wav(pcm, rate_hz))) as reader:
        assert (reader.getnchannels(), reader.getsampwidth(), reader.getframerate()) == (1, 2, rate_hz)
        assert reader.readframes(1_000) == pcm[: len(pcm) // 2 * 2]


def test_a_form_is_what_others_read() -> None:
    """Each field and the file arrive as they are, whatever bytes they hold; an empty field is not sent."""
    audio = wav(b"\r\n--x--\r\n\0\xff", 8_000)
    sent = form(audio, {"model": "a/b", "prompt": "é\r\n--x\r\n", "language": ""}.items(), "boundary")
    parsed = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + sent.kind.encode() + b"\r\n\r\n" + sent.body)
    parts = {
        part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
        for part in parsed.iter_parts()
    }
    assert parts == {"model": b"a/b", "prompt": "é\r\n--x\r\n".encode(), "file": audio}


def test_figures_are_weighed_by_length() -> None:
    """A long segment says more of an utterance than a short one."""
    words = words_of(
        answer(
            segment(start=0.0, end=3.0, avg_logprob=-0.2, no_speech_prob=0.0),
            segment(start=3.0, end=4.0, avg_logprob=-1.0, no_speech_prob=0.8),
        )
    )
    assert words.text == "hello there"
    assert words.mean_log_probability == pytest.approx(-0.4)
    assert words.no_speech_probability == pytest.approx(0.2)
    assert words.confidence == pytest.approx(math.exp(-0.4))


UNKNOWN = (LIKELY, 0.0)


@pytest.mark.parametrize(
    ("body", "figures"),
    [
        pytest.param(b'{"text": "hello there"}', UNKNOWN, id="json"),
        pytest.param(answer(), UNKNOWN, id="no segments"),
        pytest.param(b'{"text": "hello there", "segments": null}', UNKNOWN, id="null"),
        pytest.param(b'{"text": "hello there", "segments": {"0": 1}}', UNKNOWN, id="an object"),
        pytest.param(answer(1, None, "x", [segment()]), UNKNOWN, id="no objects"),
        pytest.param(answer(segment(no_speech_prob=None)), (-0.2, 0.0), id="vLLM"),
        pytest.param(
            answer(segment(avg_logprob=-1.0, compression_ratio=-1.0, no_speech_prob=-1.0)), UNKNOWN, id="filled in"
        ),
        pytest.param(answer(segment(avg_logprob=None)), (LIKELY, 0.1), id="no certainty"),
        pytest.param(answer(segment(avg_logprob=0.5, no_speech_prob=1.5)), UNKNOWN, id="beyond their ranges"),
        pytest.param(answer(segment(avg_logprob="-0.2", no_speech_prob=True)), UNKNOWN, id="other types"),
        pytest.param(answer(segment(avg_logprob=math.nan, no_speech_prob=math.inf)), UNKNOWN, id="no numbers"),
        pytest.param(answer(segment(avg_logprob=-(10**4_000), no_speech_prob=10**4_000)), UNKNOWN, id="huge numbers"),
        pytest.param(answer(segment(start=1e308, end=-1e308)), (-0.2, 0.1), id="no length"),
        pytest.param(answer(segment(start=None, end=10**400)), (-0.2, 0.1), id="a huge length"),
    ],
)
def test_what_is_not_told_is_unknown(body: bytes, figures: tuple[float, float]) -> None:
    """The words stay, and their guards neither believe nor doubt them for it."""
    words = words_of(body)
    assert words.text == "hello there"
    assert (words.mean_log_probability, words.no_speech_probability) == pytest.approx(figures)


def test_no_words_are_an_answer() -> None:
    """A server that hears no speech says so by an empty text."""
    assert words_of(answer(text="  ")).text == ""
    assert words_of(answer(text="")).confidence == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe{}",
        b"hello there",
        b'{"text": "hello',
        b"[" * 200_000,
        b'{"text": ' * 20_000,
        b'{"text": 1' + b"0" * 10_000 + b"}",
        b"null",
        b'["hello"]',
        b"{}",
        b'{"text": null}',
        b'{"text": ["hello"]}',
        b'{"error": "no file"}',
        answer(text="x" * (TEXT_CHARACTERS + 1)),
    ],
    ids=lambda body: repr(body[:20]),
)
def test_an_unusable_answer_is_an_error(body: bytes) -> None:
    """Which repeats nothing of what was said."""
    with pytest.raises(TranscriptionError) as fault:
        words_of(body)
    assert "hello" not in str(fault.value)


def test_an_answer_full_of_segments_is_read_quickly() -> None:
    """The first of them count, so that the largest answer does not hold up other calls."""
    many = b'{"text": "hello", "segments": [' + b"{}," * ((ANSWER_BYTES - 60) // 3) + b"{}]}"
    began = time.process_time()
    assert words_of(many).text == "hello"
    took = time.process_time() - began
    print(f"{len(many)} bytes in {1_000 * took:.1f} ms")
    assert took < 0.1
    late: list[dict[str, Any]] = [{}] * SEGMENTS + [segment()]
    assert words_of(answer(*late)).no_speech_probability == 0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(("text", "segments", "start", "end")), inner),
    max_leaves=12,
)
FIGURES = st.dictionaries(st.sampled_from(("start", "end", "avg_logprob", "no_speech_prob", "compression_ratio")), JSON)


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_answer_is_words_or_an_error(body: bytes) -> None:
    """Nothing else is raised."""
    with contextlib.suppress(TranscriptionError):
        words_of(body)


@given(st.text(st.characters(codec=None)), st.lists(FIGURES, max_size=4))
@example("\ud800 a\u202eb\x00c", [])
def test_words_are_in_their_ranges(text: str, segments: list[dict[str, Any]]) -> None:
    """Whatever a server tells: probabilities are probabilities, and the text can be written anywhere."""
    words = words_of(answer(*segments, text=text))
    assert 0 <= words.confidence <= 1
    assert 0 <= words.no_speech_probability <= 1
    assert -100 <= words.mean_log_probability <= 0
    assert words.text.encode().decode() == words.text
    assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in words.text)


def test_text_is_left_as_it_is_written() -> None:
    """But for what no word contains; joiners belong to words."""
    assert readable("  It's\x00 £40\n\u202e now\ufffd, ক্\u200dষ ") == "It's £40 now, ক্\u200dষ"
