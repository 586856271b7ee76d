"""An operator's own calm calls, read from JSON lines of dialogues or exported transcripts. Bounded and validated."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.turns.turn import Said
from callbus import Leg, Role

LEGS = (Leg("customer", Role.CUSTOMER), Leg("agent", Role.AGENT))
WORDS_PER_MINUTE = 170
"""Typical telephone speech, for calls without times."""
PAUSE_SECONDS = 0.5
"""Pause between utterances without times."""
MOST_LINE_BYTES = 2_000_000
MOST_CALLS = 100_000
MOST_TURNS = 5_000
MOST_SECONDS = 86_400.0


class CallsError(ValueError):
    """Files without usable calls; one line with file, line and fix."""


@dataclass(frozen=True, slots=True)
class CalmCall:
    """One call in which nobody was upset."""

    name: str
    said: tuple[Said, ...]
    seconds: float
    timed: bool
    """Whether the times are the call's own, not estimated from the number of words."""


def read_calls(paths: Sequence[Path], words_per_minute: float) -> list[CalmCall]:
    """The calls in files, and in the .jsonl files of folders. Raises CallsError.

    A line is a dialogue (`id`, and `turns` with `party`, `text` and, if known, `start_seconds`, `end_seconds`) or a
    transcript as published by Callvane; transcripts with the same `call_id` make one call.
    """
    calls: list[CalmCall] = []
    for path in _files(paths):
        transcripts: dict[str, list[dict[str, Any]]] = {}
        for number, line in enumerate(_lines(path), 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
                if record.get("type") == "transcript":
                    transcripts.setdefault(str(record["call_id"]), []).append(record)
                else:
                    calls.append(_dialogue(record, words_per_minute))
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                fault = f"{type(error).__name__}: {error}"[:100]
                raise CallsError(
                    f"{path}:{number}: {fault}; expected id and turns with party and text, or a transcript"
                ) from None
            if len(calls) + len(transcripts) > MOST_CALLS:
                raise CallsError(f"{path}: more than {MOST_CALLS} calls; give fewer files")
        try:
            calls += [_transcribed(name, records) for name, records in transcripts.items()]
        except (ValueError, KeyError, TypeError) as error:
            raise CallsError(f"{path}: {type(error).__name__}: {error}; these are not transcripts") from None
    calls = [call for call in calls if any(said.role is Role.CUSTOMER for said in call.said)]
    if not calls:
        raise CallsError(f"no call with a customer's words in {', '.join(map(str, paths))}")
    return calls


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        found = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
        if not found:
            raise CallsError(f"{path}: contains no .jsonl file")
        yield from found


def _lines(path: Path) -> Iterator[str]:
    try:
        with path.open(encoding="utf-8") as file:
            while line := file.readline(MOST_LINE_BYTES + 1):
                if len(line) > MOST_LINE_BYTES:
                    raise CallsError(f"{path}: a line is longer than {MOST_LINE_BYTES} characters")
                yield line
    except OSError as error:
        raise CallsError(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise CallsError(f"{path}: not UTF-8 text") from None


def _dialogue(record: dict[str, Any], words_per_minute: float) -> CalmCall:
    turns = record["turns"]
    if not isinstance(turns, list) or len(turns) > MOST_TURNS:
        raise ValueError(f"turns must be a list of at most {MOST_TURNS}")
    timed = all("start_seconds" in turn and "end_seconds" in turn for turn in turns)
    at = 0.0
    said = []
    for turn in turns:
        text = str(turn["text"])
        end = at + max(1, len(text.split())) * 60 / words_per_minute
        times = (turn["start_seconds"], turn["end_seconds"]) if timed else (at, end)
        said.append(_said(Role(turn["party"]), text, times, turn.get("confidence", 1.0)))
        at = end + PAUSE_SECONDS
    return _call(str(record["id"]), said, timed)


def _transcribed(name: str, records: list[dict[str, Any]]) -> CalmCall:
    kept = [record for record in records if record["text"] and not record.get("dropped")]
    ordered = sorted(kept, key=lambda record: float(record["end_seconds"]))
    said = [
        _said(Role(one["role"]), str(one["text"]), (one["start_seconds"], one["end_seconds"]), one["confidence"])
        for one in ordered[:MOST_TURNS]
    ]
    return _call(name, said, timed=True)


def _said(role: Role, text: str, times: tuple[Any, Any], confidence: Any) -> Said:
    start, end, certain = float(times[0]), float(times[1]), float(confidence)
    if not (0 <= start <= end <= MOST_SECONDS):
        raise ValueError(f"times {start:g} to {end:g} are not valid in a call")
    if not (math.isfinite(certain) and 0 <= certain <= 1):
        raise ValueError(f"confidence {certain:g} is not between 0 and 1")
    return Said(role.value, role, text, start, end, certain)


def _call(name: str, said: list[Said], timed: bool) -> CalmCall:
    return CalmCall(name, tuple(said), max((one.end_seconds for one in said), default=0.0), timed)
