"""Readers under load: all utterances at once or one after another, and an open loop of calls in real time."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.speed.ramp import UTTERANCES_PER_CALL_SECOND, arrivals, percentile, search
from bench.speed.readers import Reader, Unread
from bench.words.clips import Clip
from bench.words.reading import Reading

LATE_SECONDS = 0.5
"""From the end of speech to the transcript, the bridge's hangover not counted: an open loop's bound for p95."""
SHARE = 0.95
FEWEST = 20
"""Utterances from which a p95 is taken."""
PATIENCE_SECONDS = 5.0
"""For utterances still unread when the last has arrived."""


@dataclass(slots=True)
class Pace:
    """What a reader has read in closed loop, round by round."""

    clips: list[Clip] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    """Of the whole process: reading is all it does."""
    each: list[float] = field(default_factory=list)
    """Seconds for each utterance; empty if many were sent at once."""

    async def add(self, reader: Reader, clips: Sequence[Clip]) -> None:
        """Read some more. Raises Unread."""
        began, cpu = time.monotonic(), time.process_time()
        if reader.together:
            texts = await asyncio.gather(*(reader.read(clip) for clip in clips))
        else:
            texts = []
            for clip in clips:
                since = time.monotonic()
                texts.append(await reader.read(clip))
                self.each.append(time.monotonic() - since)
        self.seconds += time.monotonic() - began
        self.cpu_seconds += time.process_time() - cpu
        self.clips += clips
        self.readings += [Reading(text, 1, (), 0.0) for text in texts]


@dataclass(frozen=True, slots=True)
class Level:
    """A load that a reader was put under."""

    calls: int
    utterances: int
    p50_seconds: float
    """`inf` where so many were not read."""
    p95_seconds: float

    @property
    def holds(self) -> bool:
        """Whether the transcripts come in time."""
        return self.p95_seconds <= LATE_SECONDS


async def under(reader: Reader, clips: Sequence[Clip], calls: int, seconds: float) -> Level:
    """The reader under so many calls for `seconds`, longer if they say too little; given up once p95 is past its bound.

    Times count from when an utterance was due to arrive, so a loop that falls behind does not flatter itself.
    """
    seconds = max(seconds, FEWEST / (calls * UTTERANCES_PER_CALL_SECOND))
    due = arrivals(calls, seconds, seed=calls)
    while len(due) < FEWEST:
        seconds *= 1.25
        due = arrivals(calls, seconds, seed=calls)
    lot = random.Random(calls)
    most_late = len(due) - math.ceil(SHARE * len(due))
    took: list[float] = [math.inf] * len(due)
    began = time.monotonic()

    async def one(place: int, clip: Clip) -> None:
        try:
            await reader.read(clip)
        except Unread:
            return
        took[place] = time.monotonic() - began - due[place] - reader.lead_seconds

    def late() -> int:
        now = time.monotonic() - began
        return sum(
            spent > LATE_SECONDS and (spent < math.inf or now - at - reader.lead_seconds > LATE_SECONDS)
            for at, spent in zip(due, took, strict=True)
        )

    tasks: list[asyncio.Task[None]] = []
    for place, at in enumerate(due):
        await asyncio.sleep(max(0.0, began + at - time.monotonic()))
        if late() > most_late:
            break
        tasks.append(asyncio.create_task(one(place, lot.choice(clips))))
    waits = PATIENCE_SECONDS if late() <= most_late else 0.0
    _, unread = await asyncio.wait(tasks, timeout=waits)
    for task in unread:
        task.cancel()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, Exception):
            raise outcome
    return Level(calls, len(tasks), percentile(took, 0.5), percentile(took, SHARE))


async def most_calls(
    reader: Reader, clips: Sequence[Clip], first: int, most: int, seconds: float, within_seconds: float = math.inf
) -> list[Level]:
    """The loads that were tried, in their order; the highest that holds is the reader's.

    After `within_seconds` no other is tried.
    """
    began = time.monotonic()
    tried: list[Level] = []
    loads = search(first, most)
    calls: int | None = next(loads)
    while calls is not None:
        await reader.read(clips[0])  # what is left of an overload is done when this is
        tried.append(await under(reader, clips, calls, seconds))
        try:
            calls = loads.send(tried[-1].holds) if time.monotonic() - began < within_seconds else None
        except StopIteration:
            calls = None
    return tried
