"""`make bench-words`: how fast utterances are read and how rightly, beside stock faster-whisper in the same run.

MODELS=base names fetched models or folders, SOUNDS=DIR the root of Debian's sound packages (/), COUNT=64 the utterances
that each reader reads, SECONDS=30 how long a load is held, DEVICE=auto, THREADS=0 as `analysis.cpu_threads`.
SHAPE=turbo adds batches on random weights. All readers read the same utterances in turns, a round each, so that a busy
neighbour slows all of them. An open loop follows: Poisson calls, more and more until p95 passes its bound.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from analysis.settings import AnalysisSection
from analysis.words.transcriber import Transcriber
from bench.speed import arithmetic
from bench.speed.ramp import percentile
from bench.speed.readers import Reader, readers
from bench.speed.shape import TURBO
from bench.speed.timing import LATE_SECONDS, Level, Pace, most_calls
from bench.speed.utterances import utterances
from bench.table import Row, row, show
from bench.words.clips import Clip
from bench.words.measures import errors
from service.settings import ConfigError

ROUND = 16
"""Utterances that a reader reads before it is another one's turn: a full batch."""
CPU_TIMES, GPU_TIMES = 5.0, 20.0
"""Targets over one at a time, in utterances a second."""
ERROR_RATIO = 1.1
"""Target over the word error of one at a time."""
ONE = "one at a time, beam 5"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 2 if a model cannot be used."""
    options = _options(arguments)
    clips, source = utterances(options.sounds, options.count)
    if source != "English prompts":
        _say(f"no prompts below {options.sounds} (asterisk-core-sounds-en-wav, asterisk-core-sounds-en): the scenarios")
    rows: list[Row] = []
    device, threads = options.device.replace("auto", "cpu"), max(1, options.threads)
    try:
        for model in filter(None, options.models.split(",")):
            transcriber = Transcriber(
                AnalysisSection(model=model, language="en", device=options.device, cpu_threads=options.threads)
            )
            device, threads = transcriber.device, transcriber.threads
            rows += asyncio.run(_measured(model, transcriber, clips, source, options))
    except ConfigError as error:
        print(f"bench-words: {error}", file=sys.stderr)
        return 2
    if options.shape == "turbo":
        batches, contexts = arithmetic.numbers(options.batches), (1_000, arithmetic.WHOLE)
        rows += arithmetic.rows(TURBO, "large-v3-turbo", device, threads, batches, contexts, 1.0)
    show(rows)
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    environ = os.environ
    parser = argparse.ArgumentParser(prog="make bench-words", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--models", default=environ.get("MODELS", "base"))
    parser.add_argument("--sounds", type=Path, default=Path(environ.get("SOUNDS", "/")))
    parser.add_argument("--count", type=int, default=int(environ.get("COUNT", "64")))
    parser.add_argument("--seconds", type=float, default=float(environ.get("SECONDS", "30")))
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default=environ.get("DEVICE", "auto"))
    parser.add_argument("--threads", type=int, default=int(environ.get("THREADS", "0")))
    parser.add_argument("--shape", choices=("", "turbo"), default=environ.get("SHAPE", ""))
    parser.add_argument("--batches", default="1,4,16", help="sizes of batches (default: %(default)s)")
    parser.add_argument("--first-calls", type=int, default=2, help="of the open loop (default: %(default)s)")
    parser.add_argument(
        "--most-calls", type=int, default=2_048, help="of the open loop, 0: none (default: %(default)s)"
    )
    parser.add_argument("--loop-seconds", type=float, default=300, help="for each reader, then no other load is tried")
    options = parser.parse_args(arguments)
    if options.count < 1 or options.seconds <= 0 or options.first_calls < 1 or options.most_calls < 0:
        parser.error("--count and --first-calls are at least 1, --seconds more than 0, --most-calls at least 0")
    return options


async def _measured(
    model: str, transcriber: Transcriber, clips: Sequence[Clip], source: str, options: argparse.Namespace
) -> list[Row]:
    where = f"{model} on {transcriber.device}"
    if transcriber.device == "cpu":
        where += f", {transcriber.threads} threads on {len(os.sched_getaffinity(0))} cores"
    rows: list[Row] = []
    async with readers(model, transcriber, arithmetic.numbers(options.batches)) as found:
        for reader in found:
            await reader.read(clips[0])
        closed = [reader for reader in found if not reader.lead_seconds]
        paces = {reader.name: Pace() for reader in closed}
        for start in range(0, len(clips), ROUND):
            for reader in closed:
                began = time.monotonic()
                part = clips[start : start + ROUND]
                await paces[reader.name].add(reader, part)
                _say(f"{reader.name}: {len(part)} utterances in {time.monotonic() - began:.1f} s")
        mean = sum(clip.seconds for clip in clips) / len(clips)
        about = f"{where}, {len(clips)} {source} of {mean:.1f} s, load {os.getloadavg()[0]:.1f}"
        for name, pace in paces.items():
            rows += _pace(name, pace, about)
        rows += _compared(paces, about, is_on_cpu=transcriber.device == "cpu")
        for reader in _in_open_loop(found) if options.most_calls else ():
            levels = await most_calls(
                reader, clips, options.first_calls, options.most_calls, options.seconds, options.loop_seconds
            )
            for level in levels:
                _say(f"{reader.name}: {level.calls} calls: {_p95(level)}")
            rows += _open_loop(reader.name, levels, where)
    return rows


def _pace(name: str, pace: Pace, about: str) -> Iterator[Row]:
    found = errors(pace.clips, pace.readings)
    yield row(f"rate, {name}", len(pace.clips) / pace.seconds, "utterances/s", about)
    yield row(f"CPU, {name}", pace.cpu_seconds / len(pace.clips), "s an utterance", about)
    yield row(f"words wrong, {name}", found.rate, "of the words", f"{about}, {found.lost} without a word")
    if pace.each:
        yield row(f"p50, {name}", percentile(pace.each, 0.5), "s", f"{about}, nothing else waits")
        yield row(f"p95, {name}", percentile(pace.each, 0.95), "s", f"{about}, nothing else waits")


def _compared(paces: dict[str, Pace], about: str, *, is_on_cpu: bool) -> Iterator[Row]:
    """The fastest of ours that cut the context, over one at a time as faster-whisper documents it."""
    one, times = paces[ONE], CPU_TIMES if is_on_cpu else GPU_TIMES
    cut = {name: pace for name, pace in paces.items() if name.startswith("ours, cut")}
    name, best = min(cut.items(), key=lambda item: item[1].seconds)
    about = f"{about}, {name}, {ONE}"
    wrong = [errors(pace.clips, pace.readings).rate for pace in (best, one)]
    yield row("rate over one at a time", one.seconds / best.seconds, "x", about, at_least=times)
    # The neighbours of a shared machine slow one reader more than another; they do not change what it computes.
    cpu_times = times if is_on_cpu else None
    cpu = one.cpu_seconds / max(1e-9, best.cpu_seconds)
    yield row("one at a time's CPU over ours", cpu, "x", about, at_least=cpu_times)
    yield row("words wrong over one at a time", wrong[0] / max(1e-9, wrong[1]), "x", about, at_most=ERROR_RATIO)


def _in_open_loop(found: Sequence[Reader]) -> Iterator[Reader]:
    """One at a time, and ours with the largest batch: padded, cut, and with work ahead."""
    for prefix in (ONE, "ours, padded", "ours, cut, batches", "ours, cut, work ahead"):
        yield [reader for reader in found if reader.name.startswith(prefix)][-1]


def _open_loop(name: str, levels: Sequence[Level], where: str) -> Iterator[Row]:
    held = [level for level in levels if level.holds]
    best = max(held, key=lambda level: level.calls, default=None)
    bound = f"p95 within {LATE_SECONDS:g} s of the end of speech, hangover not counted, load {os.getloadavg()[0]:.1f}"
    failed = min((level for level in levels if not level.holds), key=lambda level: level.calls, default=None)
    if failed:
        bound += f"; at {failed.calls} calls {_p95(failed)}"
    yield row(f"calls, {name}", best.calls if best else 0, "two-leg calls", f"{where}, {bound}")
    if best:
        about = f"{where}, {best.calls} calls, {best.utterances} utterances"
        yield row(f"p50 under calls, {name}", best.p50_seconds, "s", about)
        yield row(f"p95 under calls, {name}", best.p95_seconds, "s", about)


def _p95(level: Level) -> str:
    return f"p95 {level.p95_seconds:.2f} s" if level.p95_seconds < math.inf else "given up: too many late"


def _say(line: str) -> None:
    print(f"bench-words: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
