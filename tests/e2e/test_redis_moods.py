"""A bridge, a worker and a console with a Redis in every mood: real SIP, RTP, Whisper, Redis and network between.

Each story has its own Callvane and its own Redis, and lasts as long as a call. They are lived at the same time, on one
event loop, so nothing here may block it: that would cost the other stories' calls their packets.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from redis import asyncio as redis

from callbus import Alert, CallState, Mood, Phase, ShiftKind, Tier, Transcript
from callbus.messages.wire import Publication
from callbus.redis.bus import Bus
from callbus.redis.settings import RedisSettings
from callbus.redis.trouble import Trouble
from testcall import scenario
from testcall.metadata import CallFacts
from testcall.recorder import Recorder
from tests.analysis.process import Analysis, analysis
from tests.conftest import PrivateRedis
from tests.console.running import RunningConsole
from tests.network import Link, link
from tests.published import until_ended
from tests.redis_moods import MOODS
from tests.sip_bridge.recording import ANNA, recording
from tests.sip_bridge.running import RunningBridge, bridge

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

SCENARIO = "turns_angry"
SAID_SECONDS = 62.0
TIMES_SAID = 2
"""A trouble that returns within a minute is not told again."""


class Callvane:
    """One of each process, with the network between them and a Redis of their own."""

    def __init__(self, network: Link, bridge: RunningBridge, worker: Analysis, console: RunningConsole) -> None:
        self.network = network
        self.bridge = bridge
        self.worker = worker
        self.console = console

    async def until_ready(self) -> None:
        """Wait until all say so."""
        await self.until(lambda readiness: not any(readiness))

    async def until(self, right: Callable[[tuple[str, str, str]], bool]) -> None:
        """Wait until what bridge, worker and console say at /readyz is right; empty is ready."""
        readiness = ("", "", "")
        try:
            async with asyncio.timeout(60):
                while not right(readiness := await self._readiness()):
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"{readiness}; the bridge said {self.bridge.lines[-5:]}") from None

    async def _readiness(self) -> tuple[str, str, str]:
        status, page = await asyncio.to_thread(self.bridge.get, "/readyz")
        async with httpx.AsyncClient() as client:
            console = await client.get(f"http://127.0.0.1:{self.console.health_port}/readyz")
        shown = "" if console.status_code == 200 else console.text.strip()
        return "" if status == 200 else page.strip(), await self.worker.unready() or "", shown

    def said(self, line: str) -> list[int]:
        """How often the bridge and the worker have said it."""
        return [sum(line in each for each in lines) for lines in (self.bridge.lines, self.worker.lines)]


@asynccontextmanager
async def running(server: PrivateRedis) -> AsyncIterator[Callvane]:
    """All three, ready; the bridge's way to Redis is the network. Whoever ends by itself fails the test."""
    async with AsyncExitStack() as stack:
        network = await stack.enter_async_context(link(server.socket))
        worker = await stack.enter_async_context(analysis(redis__url=server.url))
        answering = await asyncio.to_thread(stack.enter_context, bridge(network.url))
        console = await stack.enter_async_context(RunningConsole(server.url))
        made = Callvane(network, answering, worker, console)
        await made.until_ready()
        yield made
        await made.until_ready()
        assert await asyncio.to_thread(answering.stop) == 0
        assert await console.stop() == 0


async def say(recorder: Recorder, begin: float = 0.0, end: float = SAID_SECONDS) -> None:
    """Play these seconds of the scenario."""
    spoken, packets = scenario.load(SCENARIO), slice(round(begin * 50), round(end * 50))
    await recorder.play({line: spoken.payloads(line.voice)[packets] for line in recorder.lines})


async def calling(server: PrivateRedis, callvane: Callvane, meanwhile: Awaitable[None]) -> list[Publication]:
    """What is published of a call that turns angry, and lasts at least as long as something else."""
    facts = CallFacts(agent_name="Anna", agent_aor=ANNA)
    async with recording(callvane.bridge, facts=facts) as recorder:
        await asyncio.gather(say(recorder), meanwhile)
        assert await asyncio.to_thread(callvane.bridge.metric, "callvane_calls_active") == 1
    async with Bus(RedisSettings(url=server.url)) as bus:
        found = await until_ended(bus, facts.session_id)
    return [each for each in found if each.call_id == facts.session_id]


def check_nothing_lost_or_doubled(publications: list[Publication]) -> None:
    """Every utterance once, in its place; its alerts once; one end, of a call that has one beginning."""
    transcripts = [each for each in publications if isinstance(each, Transcript)]
    assert [each.sequence for each in transcripts] == list(range(len(transcripts)))
    assert not [each.dropped for each in transcripts if each.dropped in ("overload", "error")]
    spoken = scenario.load_manifest().scenarios[SCENARIO].turns
    for turn in (turn for turn in spoken if turn.party == "customer"):
        assert [t for t in transcripts if t.text and t.start_seconds < turn.end_seconds < t.end_seconds + 2], turn
    alerts = [each for each in publications if isinstance(each, Alert)]
    assert [each.kind for each in alerts] == [ShiftKind.WORSENED] * len(alerts)
    # A busy machine hears the angry turn in other pieces: one alone may be worth an interruption, with no mark before.
    first = [(alerts[-1].supersedes, Tier.MARK)] if alerts[-1].supersedes else []
    assert [(each.alert_id, each.tier) for each in alerts] == [*first, (alerts[-1].alert_id, Tier.INTERRUPTION)]
    states = [each for each in publications if isinstance(each, CallState)]
    assert len({state.opened_at for state in states}) == 1
    assert states[-1].mood is Mood.WORSENED
    assert all(before.updated_at <= after.updated_at for before, after in itertools.pairwise(states))


async def every_mood(server: PrivateRedis, callvane: Callvane) -> None:
    """One after the other, each until it is told, and then until it is over."""
    for trouble, mood in MOODS.items():
        async with mood(server):
            known = {trouble.said, Trouble.AWAY.said}
            who = slice(1, 2) if trouble is Trouble.REFUSED else slice(2)  # a key that the worker alone uses
            await callvane.until(lambda said, who=who, known=known: known.issuperset(said[who]))  # type: ignore[misc]
        await callvane.until_ready()


async def bad_network(_: PrivateRedis, callvane: Callvane) -> None:
    """Late, then answers are swallowed, then cut until the bridge says so."""
    network = callvane.network
    await asyncio.sleep(5)
    network.delay_seconds = 0.7
    await asyncio.sleep(5)
    network.delay_seconds = 0.0
    network.swallow(5)
    async with asyncio.timeout(60):
        while network.swallowed < 5:
            await asyncio.sleep(0.05)
    network.cut()
    await callvane.until(lambda said: said[0] == Trouble.AWAY.said)
    network.mend()
    await callvane.until_ready()


async def emptied(server: PrivateRedis, callvane: Callvane) -> None:
    """Twice in mid-call: by somebody's command, and because it starts anew with nothing kept."""
    await asyncio.sleep(20)
    async with redis.Redis.from_url(server.url) as client:
        await client.flushall()
    await asyncio.sleep(10)
    await asyncio.to_thread(server.stop)
    await asyncio.to_thread(server.start)
    await callvane.until_ready()


async def long_cut(_: PrivateRedis, callvane: Callvane) -> None:
    """The bridge reaches no Redis for longer than it may be silent."""
    await asyncio.sleep(12)
    callvane.network.cut()
    await asyncio.sleep(40)
    callvane.network.mend()
    await callvane.until_ready()


@dataclass(frozen=True)
class Lived:
    """What came of a story."""

    publications: list[Publication]
    """Of its call."""
    said: dict[Trouble, int]
    """How often the bridge or the worker, whichever said it more often, has told each trouble."""

    @property
    def states(self) -> list[CallState]:
        """The call's states, in order."""
        return [each for each in self.publications if isinstance(each, CallState)]

    @property
    def ends(self) -> list[str]:
        """Why it ended for the board, each time that it did."""
        return [state.reason for state in self.states if state.phase is Phase.ENDED]


Story = Callable[[PrivateRedis, Callvane], Awaitable[None]]
STORIES: tuple[Story, ...] = (every_mood, bad_network, emptied, long_cut)
FORGETFUL = {emptied}
"""Their Redis keeps nothing when it is started again."""


async def live(story: Story, folder: Path) -> Lived:
    """A call during which the story happens, on a Callvane of its own."""
    server = PrivateRedis(folder, append_only=story not in FORGETFUL)
    try:
        await asyncio.to_thread(server.start)
        async with running(server) as callvane:
            publications = await calling(server, callvane, story(server, callvane))
            return Lived(publications, {trouble: max(callvane.said(trouble.said)) for trouble in Trouble})
    finally:
        await asyncio.to_thread(server.stop)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> dict[Story, Lived | BaseException]:
    """What came of each, all lived at once; or why one of them broke off, which concerns its own test alone."""
    folders = [tmp_path_factory.mktemp(story.__name__) for story in STORIES]

    async def all_at_once() -> list[Lived | BaseException]:
        lives = (live(story, folder) for story, folder in zip(STORIES, folders, strict=True))
        return await asyncio.gather(*lives, return_exceptions=True)

    return dict(zip(STORIES, asyncio.run(all_at_once()), strict=True))


def told(lived: dict[Story, Lived | BaseException], story: Story) -> Lived:
    """What came of one; raises what broke it off."""
    if isinstance(outcome := lived[story], BaseException):
        raise outcome
    return outcome


def test_a_call_outlives_every_mood(lived: dict[Story, Lived | BaseException]) -> None:
    """Each is told at /readyz, by a line and no more, and over when it is over; the call is whole in the end."""
    story = told(lived, every_mood)
    for trouble in MOODS:
        assert story.said[trouble] <= TIMES_SAID, trouble
    # A bridge that could say nothing for 20 s, mood after mood, is taken for dead, until it can.
    assert set(story.ends[:-1]) <= {"bridge_lost"}
    check_nothing_lost_or_doubled(story.publications)


def test_a_call_outlives_its_network(lived: dict[Story, Lived | BaseException]) -> None:
    """Late, cut for a while, answers swallowed: nothing is lost or doubled."""
    check_nothing_lost_or_doubled(told(lived, bad_network).publications)


def test_a_redis_that_comes_back_empty_takes_no_baseline(lived: dict[Story, Lived | BaseException]) -> None:
    """Emptied in mid-call, twice: the caller is compared with their own beginning, and the board is right again."""
    story = told(lived, emptied)
    assert Tier.INTERRUPTION in [each.tier for each in story.publications if isinstance(each, Alert)]
    assert len({state.opened_at for state in story.states}) == 1
    assert {state.baseline for state in story.states} == {story.states[-1].baseline}
    assert story.states[-1].turns > 10


def test_a_bridge_cut_off_for_long_gets_its_call_back(lived: dict[Story, Lived | BaseException]) -> None:
    """Its call ends for the board as `bridge_lost` while nothing is heard of it, and then goes on as it was."""
    story = told(lived, long_cut)
    assert story.ends[0] == "bridge_lost"
    assert len(story.ends) == 2
    check_nothing_lost_or_doubled(story.publications)
