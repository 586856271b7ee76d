"""The bench of reading: its arithmetic, what it reads, and what it prints; not how fast this machine is."""

from __future__ import annotations

import asyncio
import math
import statistics
from itertools import pairwise
from pathlib import Path

import ctranslate2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.speed import arithmetic
from bench.speed.ramp import UTTERANCES_PER_CALL_SECOND, arrivals, percentile, search
from bench.speed.readers import Unread
from bench.speed.shape import TURBO, Shape, build, vocabulary
from bench.speed.timing import FEWEST, LATE_SECONDS, most_calls, under
from bench.speed.utterances import MOST_SECONDS, utterances
from bench.words.clips import Clip
from tests.bench.printed import rows

CLIP = Clip("one", b"\0\0" * 8_000, "one")


@given(st.integers(0, 10_000), st.integers(1, 300), st.integers(1, 5_000))
def test_a_search_ends_within_an_eighth_below_the_limit(limit: int, first: int, most: int) -> None:
    """Whatever a reader holds, the search says it to an eighth, tries no load twice and none beyond the most."""
    tried: list[int] = []
    loads = search(first, most)
    calls = next(loads)
    found = None
    while found is None:
        tried.append(calls)
        try:
            calls = loads.send(calls <= limit)
        except StopIteration as end:
            found = end.value
    held = min(limit, most)
    assert found <= held
    assert held - found <= found // 8
    assert len(set(tried)) == len(tried)
    assert all(1 <= each <= most for each in tried)


def test_arrivals_are_a_poisson_process_of_the_calls_rate() -> None:
    """Gaps between utterances average to the rate and spread as widely; they are the same each time."""
    found = arrivals(50, 1_000.0, seed=1)
    gaps = [later - earlier for earlier, later in pairwise(found)]
    mean = 1 / (50 * UTTERANCES_PER_CALL_SECOND)
    assert statistics.mean(gaps) == pytest.approx(mean, rel=0.05)
    assert statistics.stdev(gaps) == pytest.approx(mean, rel=0.05)
    assert found == arrivals(50, 1_000.0, seed=1)


@pytest.mark.parametrize(
    ("values", "share", "found"),
    [([3.0], 0.95, 3.0), ([2.0, 1.0], 0.5, 1.0), (list(range(1, 101)), 0.95, 95), ([1.0, math.inf], 0.95, math.inf)],
)
def test_a_percentile_is_one_of_the_values(values: list[float], share: float, found: float) -> None:
    """It is the smallest that the share does not exceed; an utterance without an answer counts as endless."""
    assert percentile(values, share) == found


class Queue:
    """Reads one utterance at a time and takes the same time for each; sheds all beyond its places."""

    name, together, lead_seconds = "queue", False, 0.0

    def __init__(self, seconds: float, places: int, lead_seconds: float = 0.0) -> None:
        self._seconds, self._places, self.lead_seconds = seconds, places, lead_seconds
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def read(self, clip: Clip) -> str:
        """See Reader."""
        if self._waiting >= self._places:
            raise Unread
        self._waiting += 1
        try:
            async with self._turn:
                await asyncio.sleep(self._seconds)
        finally:
            self._waiting -= 1
        return clip.said


async def test_a_reader_that_is_slower_than_the_bound_holds_no_call() -> None:
    """The search tries fewer and fewer calls and gives each up before all its utterances have come."""
    levels = await most_calls(Queue(LATE_SECONDS + 0.1, 100), [CLIP], first=400, most=400, seconds=0.2)
    assert not any(level.holds for level in levels[:2])
    assert levels[0].p95_seconds > LATE_SECONDS


async def test_a_fast_reader_holds_the_load() -> None:
    """Its times are those from an utterance's arrival to its words."""
    level = await under(Queue(0.001, 100), [CLIP], calls=200, seconds=0.5)
    assert level.utterances >= FEWEST
    assert 0.001 <= level.p50_seconds <= level.p95_seconds < math.inf


async def test_work_ahead_begins_before_the_utterance_is_told() -> None:
    """What is read faster than its lead has its words before it is due."""
    level = await under(Queue(0.001, 100, lead_seconds=0.2), [CLIP], calls=200, seconds=0.5)
    assert level.p50_seconds < 0


async def test_shed_utterances_count_as_never_read() -> None:
    """A reader that sheds a tenth does not hold, however fast the rest is."""
    level = await under(Queue(0.05, 1), [CLIP], calls=400, seconds=0.5)
    assert level.p95_seconds == math.inf
    assert not level.holds


def test_without_prompts_the_scenarios_are_read(tmp_path: Path) -> None:
    """Their turns are cut out of the legs with their words, and come again when more are asked for."""
    found, source = utterances(tmp_path, 40)
    assert source == "scenarios' turns"
    assert len(found) == 40
    assert all(clip.said and 0.5 < clip.seconds <= MOST_SECONDS for clip in found)


def test_the_vocabulary_is_that_of_large_v3() -> None:
    """The special tokens stand where large-v3 has them, so that a prompt means the same."""
    tokens = vocabulary()
    assert len(tokens) == len(set(tokens)) == 51_866
    assert (tokens[50_257], tokens[50_258], tokens[50_360]) == (
        "<|endoftext|>",
        "<|startoftranscript|>",
        "<|transcribe|>",
    )
    assert (tokens[50_363], tokens[50_364], tokens[50_365]) == ("<|nospeech|>", "<|notimestamps|>", "<|0.00|>")
    assert (tokens[arithmetic.END], tokens[arithmetic.TRANSCRIBE]) == ("<|endoftext|>", "<|transcribe|>")
    assert (TURBO.bands, TURBO.width, TURBO.encoder_layers, TURBO.decoder_layers) == (128, 1_280, 32, 4)


def test_ctranslate2_loads_random_weights_of_any_shape(tmp_path: Path) -> None:
    """It is a Whisper with the shape's mel bands, of which CTranslate2 misses nothing."""
    build(Shape(bands=128, width=64, heads=2, encoder_layers=2, decoder_layers=1), tmp_path, "int8")
    model = ctranslate2.models.Whisper(str(tmp_path), device="cpu", compute_type="int8")
    assert model.n_mels == 128


def test_batches_on_random_weights_are_rows() -> None:
    """Each batch and context has a rate; the best is of a context that Callvane uses."""
    shape = Shape(bands=80, width=64, heads=2, encoder_layers=1, decoder_layers=1)
    found = {each.metric: each for each in arithmetic.rows(shape, "small", "cpu", 1, [1, 2], [600, 1_000, 3_000], 0.0)}
    assert {f"batch {batch}, context {context}" for batch in (1, 2) for context in (600, 1_000, 3_000)} <= set(found)
    assert "context 1000" in found["the best, cut"].conditions
    assert all(each.value > 0 for each in found.values())


def test_every_reader_has_its_rows(tmp_path: Path) -> None:
    """Stock faster-whisper and Callvane read the same words, and what has a target says whether it is met."""
    options = ["--count", "1", "--seconds", "0.1", "--batches", "2", "--threads", "1", "--device", "cpu"]
    options += ["--sounds", str(tmp_path), "--first-calls", "1", "--most-calls", "0"]
    found = rows("bench.speed", options, tmp_path / "rows.json")
    for name in ("one at a time, beam 5", "ours, padded, batches of 2", "ours, cut, batches of 2"):
        assert found[f"rate, {name}"]["value"] > 0
        assert found[f"words wrong, {name}"]["value"] < 0.5
    assert {name for name, each in found.items() if each["target"] is not None} == {
        "rate over one at a time",
        "one at a time's CPU over ours",
        "words wrong over one at a time",
    }
