"""The recipe for Asterisk, as it ships: a real Asterisk 22 connects two telephones and forks their call to a bridge."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from callbus import CallClosed, CallOpened, CallState, Phase, Role, Transcript, Utterance
from callbus.messages.wire import ForkEvent, Publication
from callbus.redis.bus import Bus
from callbus.redis.settings import RedisSettings
from callbus.redis.subscription import Subscription
from testcall import scenario
from tests.analysis.process import analysis
from tests.conftest import PrivateRedis
from tests.e2e.test_scenarios import word_errors
from tests.interop.pbx import asterisk
from tests.ports import held_port
from tests.sip_bridge.running import RunningBridge, bridge, until

pytestmark = pytest.mark.timeout(1_200)

SCENARIO = "turns_angry"
PHONES = Path(__file__).parent / "phones.py"
CONNECTING_SECONDS = 60.0
RETURN_SECONDS = 58.0
"""A crash is noticed at the session's refresh, 45 s after the answer, and the bridge called again 5 s later."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What Callvane made of the call."""

    events: list[ForkEvent]
    """All that the bridge published."""
    transcripts: list[Transcript]

    @property
    def utterances(self) -> list[Utterance]:
        """What was said."""
        return [event for event in self.events if isinstance(event, Utterance)]


@pytest.fixture(scope="module")
def heard(asterisk_system: Path, tmp_path_factory: pytest.TempPathFactory) -> Heard:
    """The one call that all tests look at: it takes its minute."""
    folder = tmp_path_factory.mktemp("pbx")
    store = PrivateRedis(tmp_path_factory.mktemp("redis"))
    store.start()
    try:
        with bridge(store.url) as running, asterisk(asterisk_system, folder, running.address) as pbx:
            with _talking(pbx.address):
                pass
            events = _closed(running)
        return Heard(events, asyncio.run(_transcripts(store.url)))
    finally:
        store.stop()


@contextmanager
def _talking(pbx: str, *options: str, third: bool = False) -> Iterator[None]:
    """The phones' call, which must come to its end by itself once the caller is done."""
    recorded = scenario.load(SCENARIO)
    phones = [f"1001={recorded.audio_path('customer')}", f"2001={recorded.audio_path('agent')}"]
    if third:
        phones.append(f"2002={recorded.audio_path('agent')}")
    seconds = scenario.load_manifest().scenarios[SCENARIO].seconds
    with subprocess.Popen([sys.executable, str(PHONES), pbx, *phones, *options]) as talking:
        try:
            yield
            assert talking.wait(seconds + CONNECTING_SECONDS) == 0
        finally:
            talking.kill()


async def _transcripts(redis_url: str) -> list[Transcript]:
    """What analysis reads in the utterances that wait in Redis."""
    async with Bus(RedisSettings(url=redis_url)) as bus, analysis(redis__url=redis_url), asyncio.timeout(300):
        subscription = Subscription(bus, [])
        while not any(_ended(event.message) for event in await subscription.recent(bus.keys.calls, 100)):
            await asyncio.sleep(0.5)
        found = [event.message for event in await subscription.recent(bus.keys.transcripts, 1_000)]
    return [message for message in found if isinstance(message, Transcript)]


def _ended(message: Publication) -> bool:
    return isinstance(message, CallState) and message.phase is Phase.ENDED


def test_two_dialogs_are_one_call(heard: Heard) -> None:
    """Asterisk forks each direction in a SIP call of its own; they are told as one call, under Asterisk's id."""
    assert {event.call_id.split("-")[0] for event in heard.events} == {"pbx1"}
    assert len({event.call_id for event in heard.events}) == 1
    assert sum(isinstance(event, CallClosed) for event in heard.events) == 1


def test_both_legs_know_their_roles(heard: Heard) -> None:
    """The phone that called is the customer, the one that answered the agent."""
    opened = [event for event in heard.events if isinstance(event, CallOpened)]
    assert {leg.role for leg in opened[-1].legs} == {Role.CUSTOMER, Role.AGENT}


@pytest.mark.parametrize("party", scenario.PARTIES)
def test_every_turn_is_heard_on_its_leg(heard: Heard, party: str) -> None:
    """Each turn of a party lies in utterances of that party's leg, and nothing of the other's does."""
    said = scenario.load_manifest().scenarios[SCENARIO].turns
    spoken = [utterance for utterance in heard.utterances if utterance.role == party]
    begun_at = min(u.ended_at for u in heard.utterances) - said[0].end_seconds  # both legs' clock: the first turn's end
    for turn in said:
        start, end = begun_at + turn.start_seconds, begun_at + turn.end_seconds
        covered = sum(max(0.0, min(end, u.ended_at) - max(start, _began_at(u))) for u in spoken)
        share = covered / (end - start)
        assert (share > 0.8) if turn.party == party else (share < 0.2), (turn, share)


def test_words_of_both_legs(heard: Heard) -> None:
    """What analysis reads on each leg is what that phone said."""
    turns = scenario.load_manifest().scenarios[SCENARIO].turns
    for party in scenario.PARTIES:
        said = " ".join(turn.text for turn in turns if turn.party == party)
        read = " ".join(t.text for t in heard.transcripts if t.role == party)
        errors = word_errors(said, read)
        print(f"{party}: {errors:.0%} of the words wrong")
        assert errors <= 0.25, (said, read)


def _began_at(utterance: Utterance) -> float:
    return utterance.ended_at - (utterance.end_seconds - utterance.start_seconds)


@pytest.mark.parametrize(
    ("dialled", "first_speaker"),
    [("3000", Role.AGENT), ("92001", Role.CUSTOMER)],
    ids=["queue", "outgoing"],
)
def test_other_ways_to_put_a_call_through(
    asterisk_system: Path, private_redis: PrivateRedis, tmp_path: Path, dialled: str, first_speaker: Role
) -> None:
    """A queue's member is the agent; on a line for outgoing calls the one who is called is the customer."""
    with bridge(private_redis.url) as running, asterisk(asterisk_system, tmp_path, running.address) as pbx:
        with _talking(pbx.address, "--dial", dialled, "--seconds", "8"):
            pass
        events = _closed(running)
    assert _both_legs(events)
    assert next(event.role for event in events if isinstance(event, Utterance)) is first_speaker


def test_a_transferred_call_goes_on(asterisk_system: Path, private_redis: PrivateRedis, tmp_path: Path) -> None:
    """After a blind transfer the next agent's words come on the agent's leg of the same call."""
    with bridge(private_redis.url) as running, asterisk(asterisk_system, tmp_path, running.address) as pbx:
        with _talking(pbx.address, "--transfer-after", "8", "--seconds", "18", third=True):
            pass
        events = _closed(running)
        assert running.metric('callvane_legs_joined_total{kind="taken_over"}') == 1
    assert len({event.call_id for event in events}) == 1
    assert max(len(event.legs) for event in events if isinstance(event, CallOpened)) == 2
    by_agent = [u.start_seconds for u in events if isinstance(u, Utterance) and u.role is Role.AGENT]
    assert by_agent[0] < 6 < 8 < by_agent[-1]


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "crashed"])
def test_the_call_outlives_the_bridge(
    asterisk_system: Path, private_redis: PrivateRedis, tmp_path: Path, ending: signal.Signals
) -> None:
    """A bridge that goes in mid-call leaves the call as it is; the rest is forked to the bridge that comes after it."""
    with (
        held_port() as port,
        bridge(private_redis.url, bridge_id="first", port=port) as first,
        asterisk(asterisk_system, tmp_path, first.address) as pbx,
        _talking(pbx.address),
    ):
        until(lambda: _both_legs(first.events(), "first"), first.lines)
        first.process.send_signal(ending)
        first.process.wait()
        with bridge(private_redis.url, bridge_id="second", port=port) as second:
            deadline = time.monotonic() + RETURN_SECONDS
            while not _both_legs(second.events(), "second"):
                assert time.monotonic() < deadline, pbx.log()
                time.sleep(0.5)


def _closed(running: RunningBridge) -> list[ForkEvent]:
    """All events, once a call has been closed."""
    until(lambda: any(isinstance(event, CallClosed) for event in running.events()), running.lines)
    return running.events()


def _both_legs(events: list[ForkEvent], bridge_id: str = "") -> bool:
    """Whether one bridge, or any, has both legs of the call."""
    found = [event for event in events if isinstance(event, CallOpened) and event.bridge_id.startswith(bridge_id)]
    return any({leg.role for leg in event.legs} == {Role.CUSTOMER, Role.AGENT} for event in found)
