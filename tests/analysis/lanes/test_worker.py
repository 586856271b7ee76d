"""A whole analysis process with Whisper base and a real Redis: calls in, alerts out, whatever dies meanwhile."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import replace

import pytest
from redis import asyncio as redis

from analysis.call.succession import RESUME_SECONDS
from callbus import Alert, CallClosed, CallOpened, CallState, Phase, ShiftKind, Transcript, Utterance
from callbus.messages.wire import ForkEvent, Publication
from callbus.redis.bus import Bus
from callbus.redis.partition import partition_of
from callbus.redis.settings import Keys
from testcall import scenario
from tests.analysis.process import LEASE_SECONDS, LEGS, Analysis, analysis, of, publish, utterances, whole_call
from tests.conftest import PrivateRedis
from tests.published import published

KEYS = Keys("callvane")


async def until_ended(bus: Bus, calls: int, seconds: float = 60) -> dict[str, list[Publication]]:
    """Wait until so many calls have ended; what was published, by call."""
    async with asyncio.timeout(seconds):
        while True:
            all_of_them = await published(bus)
            if sum(isinstance(p, CallState) and p.phase is Phase.ENDED for p in all_of_them) >= calls:
                break
            await asyncio.sleep(0.05)
    by_call: dict[str, list[Publication]] = {}
    for publication in all_of_them:
        by_call.setdefault(publication.call_id, []).append(publication)
    return by_call


def alerts(publications: list[Publication]) -> list[Alert]:
    """The alerts among them; a mark that becomes an interruption is one."""
    return [p for p in publications if isinstance(p, Alert) and not p.supersedes]


def heard(publications: list[Publication]) -> list[int]:
    """The numbers of the utterances that have transcripts with words."""
    return [p.sequence for p in publications if isinstance(p, Transcript) and not p.dropped]


async def test_calls_become_their_alerts(bus: Bus) -> None:
    """All scenarios at once give their transcripts, alerts and states; nothing of them stays behind for long."""
    async with analysis(**of(bus)) as worker:
        await publish(bus, [event for name in scenario.names() for event in whole_call(name, name)])
        calls = await until_ended(bus, 4)
        for name, publications in calls.items():
            turns = scenario.load(name).turns
            assert heard(publications) == list(range(len(turns)))
            said = [(p.text, p.score) for p in publications if isinstance(p, Transcript)]
            assert [str(a.kind) for a in alerts(publications)] == list(scenario.load(name).alerts), (name, said)
            assert [a.turn for a in alerts(publications)] == [i for i, turn in enumerate(turns) if turn.alert]
        assert await worker.metric('callvane_utterances_analysed_total{outcome="transcribed"}') == sum(
            len(scenario.load(name).turns) for name in scenario.names()
        )
        told = [p for publications in calls.values() for p in publications if isinstance(p, Alert)]
        worsened = sum(alert.kind is ShiftKind.WORSENED for alert in told)
        assert await worker.metric('callvane_shifts_total{kind="worsened"}') == worsened
        assert await worker.metric("callvane_end_of_speech_to_alert_seconds_count") == len(told)
        assert await worker.metric("callvane_analysis_calls_active") == 0
    left = await bus.client.keys(f"{KEYS.prefix}:state:*")
    assert all([0 < await bus.client.ttl(key) <= RESUME_SECONDS for key in left])
    assert await bus.client.hlen(KEYS.live) == 0


async def test_a_worker_killed_in_mid_call_loses_and_doubles_nothing(bus: Bus) -> None:
    """Another worker takes over from the last commit: each utterance has one transcript, each alert comes once."""
    calls = [whole_call(name, f"{name}-{copy}") for name in ("turns_angry", "turns_and_recovers") for copy in range(2)]
    async with analysis(**of(bus)) as first:
        await publish(bus, [event for events in calls for event in events[:6]])
        async with asyncio.timeout(60):
            while len(heard(await published(bus))) < 10:
                await asyncio.sleep(0.005)
        await publish(bus, [event for events in calls for event in events[6:]])
        first.signal(signal.SIGKILL)
        await first.ended()
    async with analysis(**of(bus)):
        for call_id, publications in (await until_ended(bus, len(calls))).items():
            name = call_id.rpartition("-")[0]
            assert heard(publications) == list(range(len(scenario.load(name).turns)))
            assert [str(a.kind) for a in alerts(publications)] == list(scenario.load(name).alerts)
    pending = [await bus.client.xlen(KEYS.forks(partition)) for partition in range(16)]
    assert pending == [0] * 16


def recorded(whole: list[ForkEvent], first: int, last: int, since: float) -> list[ForkEvent]:
    """A call's turns from `first` to before `last` as a bridge tells them that records from `since` seconds on."""
    opened, *said, closed = whole
    assert isinstance(opened, CallOpened)
    assert isinstance(closed, CallClosed)
    own = [
        replace(
            utterance,
            sequence=number,
            start_seconds=utterance.start_seconds - since,
            end_seconds=utterance.end_seconds - since,
        )
        for number, utterance in enumerate(each for each in said[first:last] if isinstance(each, Utterance))
    ]
    ended = replace(closed, duration_seconds=own[-1].end_seconds)
    return [replace(opened, opened_at=opened.opened_at + since), *own, ended]


async def test_a_call_that_moves_to_another_bridge_is_one_call(bus: Bus) -> None:
    """Its time, turns and baseline go on, also in another worker; the alert comes as if it had stayed."""
    name = "turns_angry"
    turns = scenario.load_manifest().scenarios[name].turns
    whole, since = whole_call(name, "moves"), turns[3].end_seconds + 0.5
    second = recorded(whole, 4, len(turns), since)
    async with analysis(**of(bus)) as first:
        await publish(bus, recorded(whole, 0, 4, 0.0), "A")
        await until_ended(bus, 1)
        await publish(bus, second[:2], "B")
        async with asyncio.timeout(60):
            while len(heard(await published(bus))) < 5:
                await asyncio.sleep(0.02)
        assert await first.metric('callvane_recording_handovers_total{reason="resumed"}') == 1
        assert await first.metric("callvane_utterances_missing_total") == 0
        first.signal(signal.SIGKILL)
        await first.ended()
    async with analysis(**of(bus)):
        await publish(bus, second[2:], "B")
        publications = (await until_ended(bus, 2))["moves"]
    assert heard(publications) == list(range(len(turns)))
    transcripts = [p for p in publications if isinstance(p, Transcript)]
    assert [t.end_seconds for t in transcripts] == pytest.approx([turn.end_seconds for turn in turns], abs=0.002)
    assert [str(a.kind) for a in alerts(publications)] == list(scenario.load(name).alerts)
    states = [p for p in publications if isinstance(p, CallState)]
    assert len({state.opened_at for state in states}) == 1
    assert [state.phase for state in states].count(Phase.ENDED) == 2
    assert states[-1].turns == len(turns)


async def test_a_call_on_two_bridges_is_heard_once(bus: Bus) -> None:
    """The second recording is not even transcribed until the first one closes; then it is heard from there on."""
    name = "turns_angry"
    turns = scenario.load_manifest().scenarios[name].turns
    b = whole_call(name, "both")
    a = recorded(b, 0, 5, 0.0)
    async with analysis(**of(bus)) as worker:
        await publish(bus, a[:1], "A")
        await publish(bus, b[:5], "B")
        await publish(bus, a[1:], "A")
        await publish(bus, b[5:], "B")
        publications = (await until_ended(bus, 1))["both"]
        assert await worker.metric('callvane_utterances_analysed_total{outcome="duplicate"}') == 5
        assert await worker.metric('callvane_utterances_analysed_total{outcome="transcribed"}') == len(turns)
        assert await worker.metric('callvane_recording_handovers_total{reason="closed"}') == 1
        assert await worker.metric("callvane_analysis_calls_active") == 0
    assert heard(publications) == list(range(len(turns)))
    assert [str(a.kind) for a in alerts(publications)] == list(scenario.load(name).alerts)
    phases = [p.phase for p in publications if isinstance(p, CallState)]
    assert phases.index(Phase.ENDED) == len(phases) - 1


async def test_two_workers_share_and_one_leaves(bus: Bus) -> None:
    """A worker told to stop gives its partitions back at once; the other goes on with its calls."""
    async with analysis(**of(bus)) as first, analysis(**of(bus)) as second:
        async with asyncio.timeout(60):
            while await first.metric("callvane_partitions_held") != 8 or (
                await second.metric("callvane_partitions_held") != 8
            ):
                await asyncio.sleep(0.1)
        calls = [whole_call("turns_angry", f"turns_angry-{copy}") for copy in range(6)]
        await publish(bus, [event for events in calls for event in events[:8]])
        first.signal(signal.SIGTERM)
        await publish(bus, [event for events in calls for event in events[8:]])
        assert await first.ended() == 0
        for publications in (await until_ended(bus, len(calls))).values():
            assert heard(publications) == list(range(len(scenario.load("turns_angry").turns)))
            assert len(alerts(publications)) == 1


async def test_broken_messages_hurt_nobody(bus: Bus) -> None:
    """What cannot be read goes to the dead letters; broken call state begins anew; the call goes on."""
    events = whole_call("turns_angry", "call")
    stream = KEYS.forks(partition_of("call", bus.settings.partitions))
    await bus.client.set(KEYS.state("call"), b"of another time")
    for payload in (b"", b"\xc1", b"\x80", b"\x81\xa7version\x63"):
        await bus.client.xadd(stream, {"m": payload})
    await bus.client.xadd(stream, {"other": "field"})
    async with analysis(**of(bus)) as worker:
        await publish(bus, events)
        publications = (await until_ended(bus, 1))["call"]
        assert await worker.metric("callvane_call_states_unreadable_total") == 1
    assert len(alerts(publications)) == 1
    assert await bus.client.xlen(KEYS.dead_letters) == 5


async def test_repeats_gaps_and_noise(bus: Bus) -> None:
    """A repeated utterance is worked on once, a gap is counted, silence has a transcript that says so."""
    said = utterances("turns_angry", "call", 1_000_000.0)
    quiet = type(said[0])("call", "2", LEGS[1].role, 5, 50.0, 52.0, 1_000_000.0, 8_000, bytes(32_000))
    async with analysis(**of(bus)) as worker:
        # Without an opening message, and joined in its middle.
        await publish(bus, [said[1], said[1], said[2], quiet])
        async with asyncio.timeout(60):
            while not any(isinstance(p, Transcript) and p.sequence == 5 for p in await published(bus)):
                await asyncio.sleep(0.05)
        transcripts = [p for p in await published(bus) if isinstance(p, Transcript)]
        assert [(t.sequence, t.dropped) for t in transcripts] == [(1, ""), (2, ""), (5, "silence")]
        assert await worker.metric("callvane_utterances_missing_total") == 2
        assert await worker.metric('callvane_utterances_analysed_total{outcome="repeated"}') == 1


async def test_redis_absent_at_start(private_redis: PrivateRedis) -> None:
    """Without Redis a worker says why it is not ready, and begins when Redis is there; SIGTERM ends it meanwhile."""
    private_redis.stop()
    worker = await Analysis.start(redis__url=private_redis.url, redis__lease_seconds=str(LEASE_SECONDS))
    try:
        async with asyncio.timeout(60):
            while "redis" not in (await worker.unready() or ""):
                await asyncio.sleep(0.1)
        private_redis.start()
        await worker.until_ready()
        async with redis.Redis.from_url(private_redis.url) as client:
            assert await client.zcard(KEYS.workers) == 1
        private_redis.stop()
        async with asyncio.timeout(60):
            while not await worker.unready():
                await asyncio.sleep(0.1)
        worker.signal(signal.SIGTERM)
        assert await worker.ended() == 0
    finally:
        await worker.stop()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("analysis__model", "/nowhere/at/all", "analysis: analysis.model: /nowhere/at/all is not a folder"),
        ("analysis__invented_phrases", "/nowhere/at/all", "analysis: analysis.invented_phrases: /nowhere/at/all"),
        ("analysis__practice_phrases", "/nowhere/at/all", "analysis: analysis.practice_phrases: /nowhere/at/all"),
        ("analysis__device", "tpu", "analysis: CALLVANE_ANALYSIS__DEVICE: analysis.device:"),
        ("analysis__colour", "red", "analysis: CALLVANE_ANALYSIS__COLOUR: analysis.colour: unknown key"),
    ],
)
async def test_bad_settings_end_it_with_one_line(name: str, value: str, said: str) -> None:
    """A setting that cannot be used is named in the last line, with the cure, and the exit status is 2."""
    worker = await Analysis.start(**{name: value})
    assert await worker.ended(60) == 2
    assert worker.lines[-1].startswith(said)
    assert not any("Traceback" in line for line in worker.lines)
