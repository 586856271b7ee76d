"""`make eval-words`: word error and invented words of real Whispers on real voices, beside stock faster-whisper.

MODELS=base,tiny.en names fetched models or folders, SOUNDS=DIR the root of Debian's sound packages (/), CALLS=DIR one's
own calls, NAMES=DIR the spoken sentences of names.toml, PROMPTS=200 how many of a set,
SETS=prompts,noise,calls,languages,names. Sets without recordings are left out.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
import wave
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.table import Row, row, show
from bench.words import names
from bench.words.calls import CallError, recorded
from bench.words.clips import LONG_SECONDS, VOICES, Clip, music, prompts
from bench.words.languages import decisions
from bench.words.measures import errors, invented
from bench.words.noises import after, noises
from bench.words.readers import Ours, Reader, Stock
from bench.words.reading import Reading
from service.settings import ConfigError

PROMPTS_RATIO, CALL_RATIO, CPU_RATIO = 1.1, 1.3, 1 / 3
"""Targets, over stock: word error of prompts and of a real call, and CPU of the call."""
INVENTED_AN_HOUR = 1.0
MUSIC_SECONDS = 600.0
OWN_SECONDS = 5.0
"""What a party says, at least, before others are heard on their leg."""
SEED = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 2 if a model cannot be used."""
    parser = argparse.ArgumentParser(prog="make eval-words", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--models", default=os.environ.get("MODELS", "base,tiny.en"))
    parser.add_argument("--sounds", type=Path, default=Path(os.environ.get("SOUNDS", "/")))
    parser.add_argument("--calls", type=Path, default=os.environ.get("CALLS"))
    parser.add_argument("--names", type=Path, default=os.environ.get("NAMES"))
    parser.add_argument("--prompts", type=int, default=int(os.environ.get("PROMPTS", "200")))
    parser.add_argument("--sets", default=os.environ.get("SETS", "prompts,noise,calls,languages,names"))
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    rows: list[Row] = []
    try:
        for model in options.models.split(","):
            rows += _measured(model, options)
    except ConfigError as error:
        print(f"eval-words: {error}", file=sys.stderr)
        return 2
    show(rows)
    return 0


def _measured(model: str, options: argparse.Namespace) -> Iterator[Row]:
    for language in VOICES if not model.endswith(".en") else ("en",):
        ours = Ours(model, language, options.threads)
        stock = Stock(model, language, options.threads)
        try:
            found = list(prompts(options.sounds, language))
        except OSError as error:
            _say(f"no {language} prompts: {error}")
            continue
        random.Random(SEED).shuffle(found)
        if "prompts" in options.sets:
            for name, clips in (
                ("prompts", [clip for clip in found if clip.seconds >= LONG_SECONDS]),
                ("short prompts", [clip for clip in found if clip.seconds < LONG_SECONDS]),
            ):
                yield from _words(f"{model}, {language} {name}", clips[: options.prompts], ours, stock, PROMPTS_RATIO)
        if "languages" in options.sets and ours.transcriber.detects:
            yield from decisions(model, language, found[: options.prompts], ours)
        if "noise" in options.sets and language == "en":
            yield from _noise(model, options.sounds, found, ours, stock)
        if "calls" in options.sets and language == "en":
            yield from _calls(model, options.calls, ours, stock)
        if "names" in options.sets and language == "en":
            yield from _names(model, options.names, found[: options.prompts], ours)


def _words(conditions: str, clips: Sequence[Clip], ours: Reader, stock: Reader, ratio: float) -> Iterator[Row]:
    rates, costs = {}, {}
    for reader in (stock, ours):
        found = errors(clips, _read(conditions, reader, clips))
        rates[reader.name], costs[reader.name] = found.rate, found.cpu_seconds / found.seconds
        yield row(f"word error, {reader.name}", found.rate, "of the words", conditions)
        yield row(f"clips lost, {reader.name}", found.lost / found.clips, "of the clips", conditions)
        yield row(f"CPU, {reader.name}", costs[reader.name], "s a second of audio", conditions)
    yield row("word error over stock's", rates["ours"] / max(1e-9, rates["stock"]), "", conditions, at_most=ratio)
    yield row("CPU over stock's", costs["ours"] / max(1e-9, costs["stock"]), "", conditions, at_most=CPU_RATIO)


def _noise(model: str, sounds: Path, speech: Sequence[Clip], ours: Reader, stock: Reader) -> Iterator[Row]:
    made = noises(speech)
    own = next(clip for clip in speech if clip.seconds > OWN_SECONDS)
    clips = [*made.values(), *(after(own, made[name]) for name in ("babble", "echo"))]
    try:
        clips += [Clip("hold music", clip.pcm[: round(MUSIC_SECONDS * 16_000)], "") for clip in music(sounds)][:3]
    except OSError as error:
        _say(f"no hold music: {error}")
    for clip in clips:
        for reader in (stock, ours):
            (reading,) = _read(clip.name, reader, [clip])
            words = invented(clip, reading)
            target = INVENTED_AN_HOUR if reader is ours else None
            yield row(f"invented words, {reader.name}", words, "an hour", f"{model}, {clip.name}", at_most=target)


def _calls(model: str, folder: Path | None, ours: Reader, stock: Reader) -> Iterator[Row]:
    try:
        clips = recorded(folder)
    except CallError as error:
        _say(f"no calls: {error}")
        return
    for clip in clips:
        yield from _words(f"{model}, {clip.name}", [clip], ours, stock, CALL_RATIO)


def _names(model: str, folder: Path | None, ordinary: Sequence[Clip], ours: Reader) -> Iterator[Row]:
    if folder is None:
        _say("no names: set NAMES to the folder that `python -m tools.voices --names DIR` has filled")
        return
    try:
        clips = {**names.spoken(folder), "prompts": list(ordinary)}
    except (OSError, wave.Error) as error:
        _say(f"no names: {error}")
        return
    readings = {part: _read(f"{part} names", ours, found) for part, found in clips.items()}
    for listed, known in names.sentences()[1].items():
        for part in (listed, names.WITHOUT, "prompts"):
            yield from names.effects(model, f"{part} sentences, {listed} names", known, clips[part], readings[part])


def _read(what: str, reader: Reader, clips: Sequence[Clip]) -> list[Reading]:
    began = time.monotonic()
    found = [reader.read(clip) for clip in clips]
    _say(f"{what}: {reader.name} has read {len(clips)} clips in {time.monotonic() - began:.0f} s")
    return found


def _say(line: str) -> None:
    print(f"eval-words: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
