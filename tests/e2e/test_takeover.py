"""A worker that is killed in the middle of a call, and the one that goes on: real processes and a real Redis."""

from __future__ import annotations

import asyncio
import itertools
import signal

import pytest

from callbus import Alert, CallOpened, CallState, Leg, Mood, Role, Transcript
from callbus.redis.bus import Bus
from callbus.redis.partition import partition_of
from callbus.redis.settings import RedisSettings
from testcall import scenario
from tests.analysis.process import Analysis, analysis, publish, whole_call
from tests.published import published, until_ended

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

SCENARIO = "turns_angry"
LATE_SECONDS = 30.0
"""On a machine that is busy with all else; on an idle one it is a second."""


async def held(bus: Bus, worker: Analysis) -> set[int]:
    """The partitions whose leases are a worker's."""
    owners = await bus.client.mget([bus.keys.lease(each) for each in range(bus.settings.partitions)])
    return {partition for partition, owner in enumerate(owners) if owner and b"-%d-" % worker.pid in owner}


async def until_shared(bus: Bus, *workers: Analysis) -> None:
    """Wait until each has as many partitions as the others."""
    async with asyncio.timeout(60):
        while {len(await held(bus, each)) for each in workers} != {bus.settings.partitions // len(workers)}:
            await asyncio.sleep(0.05)


def call_in(bus: Bus, partition: int, name: str) -> str:
    """The id of a call whose events lie there."""
    ids = (f"{name}-{number}" for number in itertools.count())
    return next(each for each in ids if partition_of(each, bus.settings.partitions) == partition)


async def now(bus: Bus) -> float:
    """Unix seconds by Redis' clock."""
    seconds, microseconds = await bus.client.time()
    return float(seconds + microseconds / 1e6)


async def until_free(bus: Bus, partition: int) -> float:
    """When, by Redis' clock, a partition's lease runs out, whose owner is dead."""
    pipeline = bus.client.pipeline(transaction=True)
    pipeline.time()
    pipeline.pttl(bus.keys.lease(partition))
    (seconds, microseconds), left_ms = await pipeline.execute()
    return float(seconds + microseconds / 1e6 + left_ms / 1000)


async def first_published(bus: Bus, call_ids: set[str]) -> dict[str, float]:
    """When, by Redis' clock, each of these calls was first told of, once all are."""
    found: dict[str, float] = {}
    async with asyncio.timeout(120):
        while found.keys() != call_ids:
            await asyncio.sleep(0.05)
            for (entry_id, _), state in zip(await bus.client.xrange(bus.keys.calls), await states(bus), strict=False):
                if state.call_id in call_ids:
                    found.setdefault(state.call_id, int(entry_id.partition(b"-")[0]) / 1000)
    return found


async def states(bus: Bus) -> list[CallState]:
    """Those published so far."""
    return [each for each in await published(bus) if isinstance(each, CallState)]


@pytest.mark.parametrize("lease_seconds", [2.0, 5.0])
async def test_a_killed_workers_calls_go_on(redis_url: str, lease_seconds: float) -> None:
    """Once its leases end another worker reads its partitions; the call is whole, and nothing in it is done twice."""
    own = {"redis__url": redis_url, "redis__lease_seconds": str(lease_seconds)}
    async with (
        Bus(RedisSettings(url=redis_url, lease_seconds=lease_seconds)) as bus,
        analysis(**own) as first,
        analysis(**own) as second,
    ):
        await until_shared(bus, first, second)
        of_first = await held(bus, first)
        call_id = call_in(bus, min(of_first), "spoken")
        events = whole_call(SCENARIO, call_id)
        middle = len(events) // 2
        await publish(bus, events[:middle])
        async with asyncio.timeout(60):
            while not any(isinstance(each, Transcript) for each in await published(bus)):
                await asyncio.sleep(0.005)
        killed_at = await now(bus)
        first.signal(signal.SIGKILL)
        await first.ended()
        free_at = {each: await until_free(bus, each) for each in of_first}
        probes = {call_in(bus, each, "probe"): each for each in of_first}
        await publish(bus, [CallOpened(each, "", killed_at, (Leg("1", Role.CUSTOMER),)) for each in probes], "probing")
        read_at = await first_published(bus, set(probes))
        after = [read_at[probe] - killed_at for probe in probes]
        to_go = [free_at[partition] - killed_at for partition in probes.values()]
        print(f"lease {lease_seconds:g} s: taken over {min(after):.2f} to {max(after):.2f} s after the kill", end="; ")
        print(f"the leases had {min(to_go):.2f} to {max(to_go):.2f} s to go")
        assert all(read_at[probe] >= free_at[partition] - 0.002 for probe, partition in probes.items())
        assert max(after) < lease_seconds + LATE_SECONDS
        assert await held(bus, second) == set(range(bus.settings.partitions))
        await publish(bus, events[middle:])
        told = [each for each in await until_ended(bus, call_id) if each.call_id == call_id]
    transcripts = [each for each in told if isinstance(each, Transcript)]
    assert [each.sequence for each in transcripts] == list(range(len(scenario.load(SCENARIO).turns)))
    assert all(each.text for each in transcripts)
    assert [each.tier for each in told if isinstance(each, Alert)] == ["mark", "interruption"]
    of_call = [each for each in told if isinstance(each, CallState)]
    assert (of_call[-1].mood, len({each.opened_at for each in of_call})) == (Mood.WORSENED, 1)
