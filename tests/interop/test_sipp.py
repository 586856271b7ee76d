"""What PBXes do beside calling and hanging up, and floods of it: sipp plays them, the bridge tells the same story."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from callbus import CallClosed, CallEvent, CallOpened
from tests.conftest import PrivateRedis
from tests.interop.scripted import play
from tests.sip_bridge.running import RunningBridge, bridge, recorder, until

pytestmark = pytest.mark.timeout(600)

BOTH = ("udp", "tcp")
UDP = ("udp",)
CALLS = {
    "hold": BOTH,
    "update": BOTH,
    "session_timer": BOTH,
    "session_refreshed_by_us": UDP,  # 45 s
    "reliable_supported": BOTH,
    "reliable_required": BOTH,
    "late_offer": BOTH,
    "cancel_overtakes": UDP,
    "cancel_after_answer": BOTH,
    "ack_lost": UDP,
    "bye_twice": UDP,
    "bye_anew": BOTH,
}
"""The scripts of one answered call each, and over what: packets are doubled, overtaken and lost over UDP alone."""
FLOOD_CALLS, FLOOD_A_SECOND = 2_000, 200
"""Ten seconds of calls, each a second long."""


@pytest.fixture
def running(private_redis: PrivateRedis) -> Iterator[RunningBridge]:
    """A bridge of the test's own, whose calls send no audio."""
    with bridge(
        private_redis.url, rtp_timeout_seconds=0, shutdown_seconds=1, max_calls=450, new_forks_per_second=0
    ) as started:
        yield started


def counts(running: RunningBridge, metric: str, label: str) -> dict[str, int]:
    """A counter's samples that are not 0, by their label."""
    start = f'{metric}{{{label}="'
    lines = [line for line in running.get("/metrics")[1].splitlines() if line.startswith(start)]
    read = [line.removeprefix(start).split('"} ') for line in lines]
    return {name: round(float(value)) for name, value in read if float(value)}


def forks(running: RunningBridge) -> dict[str, int]:
    """INVITEs by outcome."""
    return counts(running, "callvane_forks_total", "outcome")


def ended(running: RunningBridge, *, by: str, calls: int) -> None:
    """Wait until none is held; all have ended by this reason, and each was published from its opening to its end."""
    until(lambda: running.metric("callvane_calls_active") == 0, running.lines[-50:])
    assert counts(running, "callvane_calls_ended_total", "reason") == ({by: calls} if calls else {})
    until(lambda: sum(isinstance(event, CallClosed) for event in running.events()) == calls, running.lines[-50:])
    events = running.events()
    closings = {event.call_id: event.reason for event in events if isinstance(event, CallClosed)}
    openings = Counter(event.call_id for event in events if isinstance(event, CallOpened))
    assert openings == Counter(closings.keys())
    assert set(closings.values()) <= {by}


@pytest.mark.parametrize(("script", "transport"), [(name, each) for name, kinds in CALLS.items() for each in kinds])
def test_a_call_goes_its_way(running: RunningBridge, tmp_path: Path, script: str, transport: str) -> None:
    """The bridge answers as the script wants, and has had one call, which ended by its BYE."""
    play(script, running, tmp_path, transport)
    assert forks(running) == {"answered": 1}
    ended(running, by="bye", calls=1)


def test_a_network_that_loses_packets(running: RunningBridge, tmp_path: Path) -> None:
    """Whatever is lost and comes again, an INVITE, its 200, the ACK or the BYE, each call is one and goes well."""
    play("short_call", running, tmp_path, "udp", 30, 10, "-lost", "10", "-max_retrans", "10")
    assert forks(running) == {"answered": 30}
    ended(running, by="bye", calls=30)


@pytest.mark.parametrize("script", ["hold", "update"])
def test_a_pause_is_told(running: RunningBridge, tmp_path: Path, script: str) -> None:
    """A recording that is paused and goes on is told with the pause's beginning and end."""
    play(script, running, tmp_path)
    events = [event for event in running.closed(f"{script}-1") if isinstance(event, CallEvent)]
    assert [(event.condition.kind, event.began) for event in events] == [("paused", True), ("paused", False)]
    assert 2 < events[-1].condition.value < 10


def test_a_session_that_is_too_short(running: RunningBridge, tmp_path: Path) -> None:
    """It is refused with the shortest one, counted once, and answered when it comes again with that."""
    play("session_too_short", running, tmp_path)
    assert forks(running) == {"answered": 1, "refused_unacceptable": 1}
    ended(running, by="bye", calls=1)


@pytest.mark.parametrize("transport", BOTH)
def test_a_fork_without_sdp_is_refused(running: RunningBridge, tmp_path: Path, transport: str) -> None:
    """Where the vendor is not known to leave the offer to us it is 488, and no call."""
    play("late_offer_unknown", running, tmp_path, transport)
    assert forks(running) == {"refused_no_audio": 1}
    ended(running, by="", calls=0)


@pytest.mark.parametrize("transport", BOTH)
def test_a_flood_of_short_calls(running: RunningBridge, tmp_path: Path, transport: str) -> None:
    """Each INVITE is answered or refused with 503, each call ends by its own BYE, and nothing is left of them."""
    play("short_call", running, tmp_path, transport, FLOOD_CALLS, FLOOD_A_SECOND)
    outcomes = forks(running)
    assert sum(outcomes.values()) == FLOOD_CALLS
    assert outcomes.keys() <= {"answered", "refused_capacity", "refused_overloaded", "refused_peer_half_open"}
    ended(running, by="bye", calls=outcomes["answered"])
    assert running.get("/healthz")[0] == 200


def test_a_flood_beyond_capacity(private_redis: PrivateRedis, tmp_path: Path) -> None:
    """With room for a fourth of what comes the rest is refused with 503, never 486, and no call that runs is harmed."""
    limits = {"max_calls": 50, "new_forks_per_second": 0}
    with bridge(private_redis.url, rtp_timeout_seconds=0, shutdown_seconds=1, **limits) as small:
        play("short_call", small, tmp_path, "udp", FLOOD_CALLS, FLOOD_A_SECOND)
        outcomes = forks(small)
        assert sum(outcomes.values()) == FLOOD_CALLS
        assert outcomes["answered"] >= 50
        assert outcomes.keys() <= {"answered", "refused_capacity", "refused_peer_half_open"}
        ended(small, by="bye", calls=outcomes["answered"])


@pytest.mark.parametrize("transport", BOTH)
async def test_a_flood_of_probes(running: RunningBridge, tmp_path: Path, transport: str) -> None:
    """Five hundred OPTIONS a second are answered, most with 503; a call that comes meanwhile is taken all the same."""
    flood = asyncio.create_task(asyncio.to_thread(play, "options", running, tmp_path, transport, 5_000, 500))
    async with recorder(running, "meanwhile", transport) as placed:
        while not flood.done():
            assert (await placed.invite(placed.offer(""))).status == 200
            await asyncio.sleep(0.5)
        await flood
        assert (await placed.ask("BYE")).status == 200
    assert forks(running) == {"answered": 1}
    ended(running, by="bye", calls=1)


@pytest.mark.parametrize("transport", BOTH)
async def test_calls_that_nobody_acknowledges(private_redis: PrivateRedis, tmp_path: Path, transport: str) -> None:
    """They hold a fourth of the places, and those for half a minute; the rest gets 503, and then all is free."""
    with bridge(private_redis.url, rtp_timeout_seconds=0, shutdown_seconds=1, max_calls=20) as small:
        await asyncio.to_thread(play, "never_acknowledged", small, tmp_path, transport, 200, 40)
        assert forks(small) == {"answered": 5, "refused_peer_half_open": 195}
        ended(small, by="not_acknowledged", calls=5)
        async with recorder(small, "after") as placed:
            assert (await placed.invite(placed.offer(""))).status == 200
            assert (await placed.ask("BYE")).status == 200
