"""Names that no Whisper knows: how many are read, without and with `analysis.names`, and how many where none was said.

The sentences are in names.toml; `python -m tools.voices --names DIR` speaks them.
"""

from __future__ import annotations

import time
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from analysis.words.names import Names
from bench.table import Row, row
from bench.words.clips import Clip, read
from bench.words.measures import errors, plain
from bench.words.reading import Reading

SENTENCES = Path(__file__).with_name("names.toml")
CHOOSING, REPORTING, WITHOUT = "choosing", "reporting", "without"
LOST = 0.5
"""Target: the share of names that are not read, with the setting."""


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence; its name is one of its set's."""

    number: int
    set: str
    text: str


def sentences() -> tuple[list[Said], dict[str, list[str]]]:
    """All sentences, numbered from 0, and the names of each set."""
    sets = tomllib.loads(SENTENCES.read_text(encoding="utf-8"))
    said = [(part, text) for part, named in sets.items() for texts in named.values() for text in texts]
    names = {part: list(named) for part, named in sets.items() if part != WITHOUT}
    return [Said(number, part, text) for number, (part, text) in enumerate(said)], names


def wav_name(said: Said) -> str:
    """The file in which a sentence is spoken."""
    return f"{said.number:03}.wav"


def spoken(folder: Path) -> dict[str, list[Clip]]:
    """The sentences of each set, from a folder of WAV files. Raises OSError and wave.Error."""
    found: dict[str, list[Clip]] = {}
    for said in sentences()[0]:
        found.setdefault(said.set, []).append(Clip(wav_name(said), read(folder / wav_name(said)), said.text))
    return found


def effects(
    model: str, part: str, names: Sequence[str], clips: Sequence[Clip], readings: Sequence[Reading]
) -> Iterator[Row]:
    """What the setting makes of readings that were made without it."""
    known, began = Names(names), time.process_time()
    right = [replace(reading, text=known.put_right(reading.text)) for reading in readings]
    cpu_seconds = (time.process_time() - began) / max(1, len(readings))
    for setting, found in (("without", readings), ("with", right)):
        conditions = f"{model}, {part}, {setting} analysis.names"
        said, lost, put_in = _counted(names, clips, found)
        if said:
            yield row("names lost", lost / said, "of the names", conditions, at_most=LOST if found is right else None)
        yield row("names nobody said", put_in, "", conditions)
        yield row("word error", errors(clips, found).rate, "of the words", conditions)
    yield row("CPU of analysis.names", cpu_seconds * 1_000, "ms an utterance", f"{model}, {part}, {len(names)} names")


def _counted(names: Sequence[str], clips: Sequence[Clip], readings: Sequence[Reading]) -> tuple[int, int, int]:
    """Names that were said, that are not read, and that are read though nobody said them."""
    said = lost = put_in = 0
    for clip, reading in zip(clips, readings, strict=True):
        for name in names:
            there, found = (_times(name, text, clip.language) for text in (clip.said, reading.text))
            said, lost, put_in = said + there, lost + max(0, there - found), put_in + max(0, found - there)
    return said, lost, put_in


def _times(name: str, text: str, language: str) -> int:
    return f" {plain(text, language)} ".count(f" {plain(name, language)} ")
