"""OpenAI's transcription API: the form that asks a server for an utterance's words, and its answer as words. Pure.

Servers differ in what they tell of their certainty. vLLM has no no-speech probability, and its first versions with
segments wrote -1 for every figure; a server's `json` has text alone. Whatever is not told, or cannot be, counts as
unknown.
"""

from __future__ import annotations

import io
import json
import math
import unicodedata
import wave
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.words.passage import Words

VERBOSE, PLAIN = "verbose_json", "json"
"""Answers with the figures of each segment, and without."""
ANSWER_BYTES = 128 * 1024
"""An utterance's answer takes some kilobytes; whisper.cpp writes a hundred bytes for each token."""
TEXT_CHARACTERS = 4_096
"""Ten times as many as anybody says in an utterance."""
LIKELY = -0.4
"""Mean log-probability of words whose server tells none. `base` has a median of -0.44 on telephone prompts."""
NO_MARK = 0.0
"""No-speech probability where none is told: Silero has heard speech."""
LOWEST = -100.0
"""No mean log-probability is lower."""
SEGMENTS = 256
"""Of an answer whose figures are looked at; an utterance has a few. Bounds the time on the event loop."""
SHORTEST_SECONDS, LONGEST_SECONDS = 0.01, 600.0
"""Of a segment, as its figures' weight."""
_JOINERS = "\u200c\u200d"
"""Formatting characters that words of some scripts need."""


class TranscriptionError(Exception):
    """An answer that cannot be used. The message repeats nothing of it."""


@dataclass(frozen=True, slots=True)
class Form:
    """The body of a request, and its content type."""

    body: bytes
    kind: str


def wav(pcm: bytes, rate_hz: int) -> bytes:
    """16-bit little-endian mono PCM as a WAV file; half a sample at the end is dropped."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate_hz)
        writer.writeframes(pcm[: len(pcm) // 2 * 2])
    return file.getvalue()


def form(audio: bytes, fields: Iterable[tuple[str, str]], boundary: str) -> Form:
    """A WAV and text fields as multipart/form-data (RFC 7578); empty fields are left out.

    Nothing in the fields or the audio may contain `boundary`, so it must be drawn by lot.
    """
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields
        if value
    ]
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="utterance.wav"\r\n'
        "Content-Type: audio/wav\r\n\r\n"
    )
    body = b"".join([*parts, head.encode(), audio, f"\r\n--{boundary}--\r\n".encode()])
    return Form(body, f"multipart/form-data; boundary={boundary}")


def words_of(answer: bytes) -> Words:
    """The words in a server's answer, `verbose_json` or `json`. Raises TranscriptionError."""
    try:
        said = json.loads(answer.decode())
    except (ValueError, RecursionError) as error:
        raise TranscriptionError(type(error).__name__) from None
    if not isinstance(said, dict) or not isinstance(said.get("text"), str):
        raise TranscriptionError("no text")
    if len(said["text"]) > TEXT_CHARACTERS:
        raise TranscriptionError(f"more than {TEXT_CHARACTERS} characters")
    text = readable(said["text"])
    segments = said.get("segments")
    first = segments[:SEGMENTS] if isinstance(segments, list) else []
    told = [segment for segment in first if isinstance(segment, dict)]
    no_speech = _mean(told, "no_speech_prob", 0.0, 1.0)
    mean = _mean(told, "avg_logprob", LOWEST, 0.0)
    mean = LIKELY if mean is None else mean
    return Words(text, math.exp(mean) if text else 0.0, NO_MARK if no_speech is None else no_speech, mean)


def readable(text: str) -> str:
    """`text` with single spaces, and without what no word contains: controls, formats, lone surrogates, U+FFFD."""
    kept = (c if _in_words(c) else " " if unicodedata.category(c) == "Cc" else "" for c in text)
    return " ".join("".join(kept).split())


def _in_words(c: str) -> bool:
    return c in _JOINERS or (unicodedata.category(c) not in ("Cc", "Cf", "Cs") and c != "\ufffd")


def _mean(segments: Sequence[dict[str, Any]], name: str, low: float, high: float) -> float | None:
    """A figure's mean over the segments, each as heavy as it is long; None if no segment tells it."""
    total = weights = 0.0
    for segment in segments:
        value = _number(segment.get(name))
        if value is None or not low <= value <= high or _is_filled_in(segment):
            continue
        start, end = _number(segment.get("start")) or 0.0, _number(segment.get("end")) or 0.0
        weight = min(LONGEST_SECONDS, max(SHORTEST_SECONDS, end - start))
        total, weights = total + value * weight, weights + weight
    return total / weights if weights else None


def _is_filled_in(segment: dict[str, Any]) -> bool:
    """Whether a segment's figures are only there for the form: none of them could be negative."""
    figures = (_number(segment.get(name)) for name in ("compression_ratio", "no_speech_prob"))
    return any(figure is not None and figure < 0 for figure in figures)


def _number(value: object) -> float | None:
    """A finite number; None for whatever else JSON may hold, and for integers beyond any float."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
