"""Calls to the measured process, placed by this one: open loop, so a process that falls behind delays nothing."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import msgspec

from bench.subject import Reading, Subject
from testcall import scenario
from testcall.campaign import Campaign, Tally
from testcall.codec import PCMU, Codec
from testcall.dialect import Voice
from testcall.metadata import load_dialect
from testcall.placed_call import Ending
from testcall.rtp import PACKET_SECONDS
from testcall.scenario import Scenario
from testcall.target import parse_target

SETTLE_SECONDS = 3.0
PLACED_PER_SECOND = 50.0
SHORT_SECONDS = 1.0
SLACK_SECONDS = 0.5
"""Allowance for the last call's answer and end."""


@dataclass(frozen=True, slots=True)
class Held:
    """Cost of holding calls."""

    cpu_share: float
    """Share of one core."""
    callers_cpu_share: float
    bytes_a_call: float
    lost: dict[str, float]
    """Frames sent but not heard in the measured time, by their fate."""
    heard: float
    active: int
    """Calls at the end."""
    late_seconds: float
    """99th percentile of how late the callers' packets left."""


class Excerpt(Scenario, frozen=True, kw_only=True):
    """The first words of a scenario."""

    def payloads(self, voice: Voice, spoken_in: Codec = PCMU) -> tuple[bytes, ...]:
        """One leg's audio, `SHORT_SECONDS` long."""
        whole = super().payloads(voice, spoken_in)
        start = len(whole) // 4
        return whole[start : start + round(SHORT_SECONDS / PACKET_SECONDS)]


@contextlib.asynccontextmanager
async def holding(subject: Subject, calls: int) -> AsyncIterator[Tally]:
    """Place calls and let them settle; hang up at the end."""
    tally = Tally()
    campaign = _campaign(subject, _whole(), calls, PLACED_PER_SECOND, repeat=True)
    placing = asyncio.create_task(campaign.run(lambda line: None, tally))
    try:
        await asyncio.sleep(calls / PLACED_PER_SECOND + SETTLE_SECONDS)
        yield tally
    finally:
        placing.cancel()
        await asyncio.wait([placing])


async def hold(subject: Subject, calls: int, seconds: float) -> Held:
    """Place the calls, let them settle, measure for `seconds`, hang up."""
    empty = subject.read()
    async with holding(subject, calls) as tally:
        before, own_before = await asyncio.to_thread(subject.read), time.process_time()
        await asyncio.sleep(seconds)
        after, own_after = await asyncio.to_thread(subject.read), time.process_time()
    took = after.at - before.at
    return Held(
        cpu_share=(after.cpu_seconds - before.cpu_seconds) / took,
        callers_cpu_share=(own_after - own_before) / took,
        bytes_a_call=(after.memory_bytes - empty.memory_bytes) / calls,
        lost={fate: _grown(f"callvane_frames_{fate}_total", before, after) for fate in ("lost", "late", "dropped")},
        heard=_grown("callvane_frames_received_total", before, after),
        active=round(after.counters.get("callvane_calls_active", calls)),
        late_seconds=tally.lateness.quantile_seconds(0.99),
    )


async def short_calls(subject: Subject, calls: int, calls_per_second: float) -> tuple[Tally, bool]:
    """Place one-second calls at a fixed rate. Returns how they ended, and whether the rate was kept."""
    tally = Tally()
    excerpts = [Excerpt(**msgspec.structs.asdict(each)) for each in _whole()]
    began = time.monotonic()
    await _campaign(subject, excerpts, calls, calls_per_second).run(lambda line: None, tally)
    planned = (calls - 1) / calls_per_second + SHORT_SECONDS
    return tally, time.monotonic() - began < planned + SLACK_SECONDS


@dataclass(frozen=True, slots=True)
class Through:
    """How a bridge coped with short calls beside held ones."""

    short: dict[str, int]
    """The short calls, by how they ended."""
    improper: int
    cut_off: int
    """Held calls that ended before they were hung up."""
    active: int
    """Calls the bridge reports as held after the short ones are over."""
    before: int
    """Resident bytes after the warm-up."""
    after: int
    kept: bool
    """Whether all were placed in time."""


async def short_calls_beside(subject: Subject, held: int, warm_up: int, calls: int, calls_per_second: float) -> Through:
    """Hold calls, warm up, then place short calls at a fixed rate."""
    lasting = Tally()
    holding = asyncio.create_task(
        _campaign(subject, _whole(), held, PLACED_PER_SECOND, repeat=True).run(lambda line: None, lasting)
    )
    await asyncio.sleep(held / PLACED_PER_SECOND + SETTLE_SECONDS)
    await short_calls(subject, warm_up, calls_per_second)
    before = await asyncio.to_thread(subject.read)
    tally, kept = await short_calls(subject, calls, calls_per_second)
    after = await asyncio.to_thread(subject.read)
    cut_off = sum(count for ending, count in lasting.endings.items() if ending is not Ending.COMPLETED)
    holding.cancel()
    await asyncio.wait([holding])
    return Through(
        short={str(ending): count for ending, count in tally.endings.items()},
        improper=sum(count for ending, count in tally.endings.items() if ending is not Ending.COMPLETED),
        cut_off=cut_off,
        active=round(after.counters.get("callvane_calls_active", held)),
        before=before.memory_bytes,
        after=after.memory_bytes,
        kept=kept,
    )


def _campaign(
    subject: Subject, scenarios: Sequence[Scenario], calls: int, calls_per_second: float, *, repeat: bool = False
) -> Campaign:
    target = parse_target(f"sip:127.0.0.1:{subject.sip_port}")
    dialect = load_dialect("rfc7865")
    return Campaign(scenarios, target, dialect, calls=calls, calls_per_second=calls_per_second, repeat=repeat)


def _whole() -> list[Scenario]:
    return [scenario.load(name) for name in scenario.names()]


def _grown(name: str, before: Reading, after: Reading) -> float:
    return after.counters.get(name, 0.0) - before.counters.get(name, 0.0)
