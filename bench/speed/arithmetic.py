"""`python -m bench.speed.arithmetic`: what batches and short audio contexts save, on a Whisper with random weights.

Each row of a batch is generated to the same length, that of an utterance of 4 s: only the arithmetic counts.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np

from bench.speed.shape import TEXT_TOKENS, TURBO, Shape, build
from bench.table import Row, row, show

TOKENS = 24
"""Generated for each utterance: 4 s of speech are some twenty, with the timestamps around them."""
WHOLE = 3_000
SHORTEST = 1_000
"""The shortest context on which Callvane reads, in frames: on shorter ones real Whispers read words twice."""
WHISPER_PEER, ANY_PEER = 60.0, 251.0
"""Utterances a second on one H200, the best published: Whisper large-v3, and any model (Qwen3-ASR)."""
TIMES_ONE = 20.0
"""Target on a GPU over one utterance at a time, on the whole context with beam 5."""
END, START, FIRST_LANGUAGE, TRANSCRIBE = TEXT_TOKENS, TEXT_TOKENS + 1, TEXT_TOKENS + 2, TEXT_TOKENS + 103


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 2 where the device is not there."""
    parser = argparse.ArgumentParser(
        prog="bench.speed.arithmetic", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--batches", default="1,2,4,8,16,32,64")
    parser.add_argument("--contexts", default="600,1000,1400,3000")
    parser.add_argument("--seconds", type=float, default=1.0, help="for each size, at least (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="on a CPU (default: %(default)s)")
    options = parser.parse_args(arguments)
    if options.device == "cuda" and not ctranslate2.get_cuda_device_count():
        print("bench.speed.arithmetic: no CUDA GPU is found; check nvidia-smi", file=sys.stderr)
        return 2
    batches, contexts = numbers(options.batches), numbers(options.contexts)
    show(list(rows(TURBO, "large-v3-turbo", options.device, options.threads, batches, contexts, options.seconds)))
    return 0


def numbers(text: str) -> list[int]:
    """Those of a list with commas."""
    return [int(part) for part in text.split(",") if part]


def rows(
    shape: Shape,
    name: str,
    device: str,
    threads: int,
    batches: Sequence[int],
    contexts: Sequence[int],
    seconds: float,
) -> Iterator[Row]:
    """The rate of each batch and context, the best of them, and how much faster that is than one at a time."""
    compute_type = "float16" if device == "cuda" else "int8"
    with tempfile.TemporaryDirectory(prefix="callvane-shape-") as folder:
        _say(f"random weights of the shape of {name}")
        build(shape, Path(folder), compute_type)
        model = ctranslate2.models.Whisper(folder, device=device, compute_type=compute_type, intra_threads=threads)
    where = device if device == "cuda" else f"{device}, {threads} threads"
    about = f"random weights, shape of {name}, {compute_type} on {where}, {TOKENS} tokens each"
    rates: dict[tuple[int, int], float] = {}
    one = _rate(model, shape, 1, WHOLE, 5, seconds)
    yield _row("one at a time, beam 5", one, f"{about}, context {WHOLE}")
    for context in contexts:
        for batch in batches:
            try:
                rate = rates[batch, context] = _rate(model, shape, batch, context, 1, seconds)
            except RuntimeError as error:  # no memory for so many
                _say(f"batch {batch}, context {context}: {error!s:.200}")
                continue
            yield _row(f"batch {batch}, context {context}", rate, f"{about}, load {os.getloadavg()[0]:.1f}")
    yield from _best(rates, one, about, on_gpu=device == "cuda")


def _best(rates: dict[tuple[int, int], float], one: float, about: str, *, on_gpu: bool) -> Iterator[Row]:
    for name, peer, is_whole in (("padded", WHISPER_PEER, True), ("cut", ANY_PEER, False)):
        found = {size: rate for size, rate in rates.items() if size[1] >= SHORTEST and (size[1] == WHOLE) is is_whole}
        if found:
            batch, context = max(found, key=found.__getitem__)
            said = f"{about}, batch {batch}, context {context}"
            best = found[batch, context]
            yield _row(f"the best, {name}", best, said, peer if on_gpu else None)
            yield row(
                f"the best, {name}, over one at a time", best / one, "x", said, at_least=TIMES_ONE if on_gpu else None
            )


def _row(metric: str, rate: float, conditions: str, at_least: float | None = None) -> Row:
    return row(metric, rate, "utterances/s", conditions, at_least=at_least)


def _rate(model: Any, shape: Shape, batch: int, context: int, beam: int, seconds: float) -> float:
    """Utterances a second, by the median batch after a first one."""
    sound = np.random.default_rng(1).standard_normal((batch, shape.bands, context), np.float32)
    took: list[float] = []
    since = time.monotonic()
    while len(took) < 2 or time.monotonic() - since < seconds:
        began = time.monotonic()
        answers = model.generate(
            ctranslate2.StorageView.from_array(sound),
            [[START, FIRST_LANGUAGE, TRANSCRIBE]] * batch,
            beam_size=beam,
            max_length=2 * TOKENS,  # of which CTranslate2 generates half
            suppress_tokens=[END],
            return_no_speech_prob=True,
        )
        took.append(time.monotonic() - began)
        if any(len(answer.sequences_ids[0]) != TOKENS for answer in answers):
            raise ValueError(f"{len(answers[0].sequences_ids[0])} tokens were generated instead of {TOKENS}")
    return batch / statistics.median(took[1:])


def _say(line: str) -> None:
    print(f"bench-words: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
