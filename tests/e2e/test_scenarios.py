"""The whole way: forked calls over SIP and RTP become exactly the alerts that their scenarios declare."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict

import jiwer
import pytest

from callbus import Alert, CallState, Mood, Phase, Transcript
from callbus.messages.wire import Publication
from callbus.redis.bus import Bus
from callbus.redis.settings import RedisSettings
from callbus.redis.subscription import Subscription
from testcall import scenario
from testcall.campaign import place_once
from testcall.placed_call import Outcome
from testcall.stack import Stack
from tests.published import until_followed

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

READING = {"CALLVANE_ANALYSIS__MODEL": "base", "CALLVANE_ANALYSIS__CPU_THREADS": "1"}
"""The same on every machine: other tests run beside these."""
AFTER_TURN_SECONDS = 2.5
"""An alert's words end this long after its turn at most: the pre-roll, and how the voice decays."""


class Call:
    """One placed scenario and everything that was published about it."""

    def __init__(self, outcome: Outcome, published: dict[str, list[Publication]]) -> None:
        self.outcome = outcome
        ids = {outcome.session_id, outcome.sip_session_id, outcome.sip_call_id} & published.keys()
        assert len(ids) == 1, f"{outcome.scenario} is known under {ids or 'no id'}"
        self.publications = published[ids.pop()]
        self.turns = scenario.load_manifest().scenarios[outcome.scenario].turns

    @property
    def alerts(self) -> list[Alert]:
        """Its alerts, in order; a mark that becomes an interruption is one."""
        return [p for p in self.publications if isinstance(p, Alert) and not p.supersedes]

    @property
    def transcripts(self) -> list[Transcript]:
        """Its transcripts, in order."""
        return [p for p in self.publications if isinstance(p, Transcript)]

    @property
    def states(self) -> list[CallState]:
        """Its states, in order."""
        return [p for p in self.publications if isinstance(p, CallState)]


async def place_all() -> dict[str, Call]:
    """Every scenario at once on a fresh Callvane, and what came of it."""
    published: dict[str, list[Publication]] = defaultdict(list)
    async with Stack(print, READING) as stack, Bus(RedisSettings(url=stack.redis_url)) as bus:

        async def follow() -> None:
            async for event in Subscription(bus, [bus.keys.alerts, bus.keys.transcripts, bus.keys.calls]).events():
                if event is not None:
                    published[event.message.call_id].append(event.message)

        following = asyncio.create_task(follow())
        await until_followed(bus, bus.keys.alerts, bus.keys.transcripts, bus.keys.calls)
        outcomes = await asyncio.gather(*(place_once(name, stack.target) for name in scenario.names()))
        async with asyncio.timeout(60):
            while sum(isinstance(c[-1], CallState) and c[-1].phase is Phase.ENDED for c in published.values()) < 4:
                await asyncio.sleep(0.1)
        following.cancel()
        await asyncio.wait([following])
    return {outcome.scenario: Call(outcome, published) for outcome in outcomes}


@pytest.fixture(scope="module")
def calls() -> dict[str, Call]:
    """All scenarios, placed once for this module: a call takes its minute."""
    return asyncio.run(place_all())


@pytest.mark.parametrize("name", scenario.names())
def test_scenario_raises_exactly_its_alerts(calls: dict[str, Call], name: str) -> None:
    """Each declared alert comes, in its turn, and no other does."""
    call = calls[name]
    assert call.outcome.proper, call.outcome
    expected = [turn for turn in call.turns if turn.alert]
    heard = [(t.role, t.text, t.score) for t in call.transcripts]
    assert [alert.kind for alert in call.alerts] == [turn.alert for turn in expected], heard
    for alert, turn in zip(call.alerts, expected, strict=True):
        assert turn.start_seconds <= alert.at_seconds <= turn.end_seconds + AFTER_TURN_SECONDS


def test_alerts_prove_themselves(calls: dict[str, Call]) -> None:
    """An alert quotes the customer before and after, and its terms sum to its score."""
    alerts = [alert for call in calls.values() for alert in call.alerts]
    assert alerts
    for alert in alerts:
        assert alert.before
        assert alert.after
        assert {quote.role for quote in alert.before + alert.after} == {"customer"}
        assert sum(term.value for term in alert.terms) == pytest.approx(alert.score, abs=1e-6)


def test_legs_know_their_roles(calls: dict[str, Call]) -> None:
    """Each party's words are told as that party's, in the order of the call."""
    for call in calls.values():
        for party in ("customer", "agent"):
            said = " ".join(turn.text for turn in call.turns if turn.party == party)
            heard = " ".join(t.text for t in call.transcripts if t.role == party)
            assert word_errors(said, heard) <= 0.25, (said, heard)


def test_only_the_caller_who_came_angry_arrived_upset(calls: dict[str, Call]) -> None:
    """A call that opens upset is marked so; the others are not."""
    arrived = {name for name, call in calls.items() if any(s.mood is Mood.ARRIVED_UPSET for s in call.states)}
    assert arrived == {"arrives_upset"}


def test_calls_end_with_their_reason(calls: dict[str, Call]) -> None:
    """The last state of a call says that it ended by BYE."""
    assert {(call.states[-1].phase, call.states[-1].reason) for call in calls.values()} == {(Phase.ENDED, "bye")}


def test_latency_is_told(calls: dict[str, Call]) -> None:
    """Alerts say how long after the words they were raised; the figures are printed, not judged, here."""
    latencies = [alert.raised_at - alert.spoken_at for call in calls.values() for alert in call.alerts]
    print("end of speech to alert, seconds:", json.dumps([round(latency, 3) for latency in latencies]))
    assert all(latency > 0 for latency in latencies)


def word_errors(said: str, heard: str) -> float:
    """Word error rate, letters only: edits over words said."""
    words, others = (" ".join(filter(None, map(letters, text.lower().split()))) for text in (said, heard))
    return float(jiwer.wer(words, others))


def letters(word: str) -> str:
    """A word without its punctuation."""
    return "".join(c for c in word if c.isalpha() or c == "'")
