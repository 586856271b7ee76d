"""Every vendor's way of forking, as a live call: what the bridge answers, captures and publishes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from callbus import CallClosed, CallOpened, Leg, Role
from callbus.messages.wire import ForkEvent
from testcall import sdp
from testcall.campaign import line_to
from testcall.dialect import Dialect
from testcall.metadata import dialect_names, fill, load_dialect
from testcall.placed_call import Ending, PlacedCall
from testcall.scenario import Scenario
from testcall.target import parse_target
from tests.conftest import PrivateRedis
from tests.sip_bridge.running import RunningBridge, bridge, opened, until, utterances
from tests.sip_bridge.speaking import likeness, of_leg, short_scenario

ALIKE = 0.5
"""Its own voice has 0.8 and more: pieces around a frame that the jitter buffer moved differ. Another voice has none."""


@dataclass
class Recorded:
    """One dialect's call and what became of it."""

    dialect: Dialect
    call: PlacedCall
    events: list[ForkEvent]


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    """What is said in each call."""
    return short_scenario(tmp_path_factory.mktemp("scenario"))


@pytest.fixture(scope="module")
def recorded(shared_redis: PrivateRedis, spoken: Scenario) -> Iterator[dict[str, Recorded]]:
    """A call in each dialect, all at once on one bridge."""
    with bridge(shared_redis.url, shutdown_seconds=1) as running:
        yield asyncio.run(place_all(running, spoken))


async def place_all(running: RunningBridge, spoken: Scenario) -> dict[str, Recorded]:
    """Place the calls, over TCP, and gather what was published of each."""
    target = parse_target(f"sip:callvane@127.0.0.1:{running.address[1]}")
    dialects = {name: load_dialect(name) for name in dialect_names()}
    before = closed(running.events())  # of other modules' calls: they share the Redis
    async with line_to(target, "tcp") as (endpoint, sender):
        calls = {
            name: PlacedCall(spoken, target, endpoint, sender, dialect, number)
            for number, (name, dialect) in enumerate(dialects.items())
        }
        await asyncio.gather(*(call.run() for call in calls.values()))
    answered = sum(bool(call.answer) for call in calls.values())
    events = until(lambda: all_closed(running.events(), before + answered), running.lines)
    return {
        name: Recorded(dialects[name], call, [e for e in events if e.call_id == call.outcome.expected_call_id])
        for name, call in calls.items()
    }


def all_closed(events: list[ForkEvent], calls: int) -> list[ForkEvent]:
    """The events, once so many calls have ended."""
    return events if closed(events) >= calls else []


def closed(events: list[ForkEvent]) -> int:
    """How many calls have ended."""
    return sum(isinstance(event, CallClosed) for event in events)


@pytest.mark.parametrize("name", dialect_names())
def test_it_is_answered(recorded: dict[str, Recorded], name: str) -> None:
    """200 with plain SDP that only listens, every label echoed, and the call ends by our BYE."""
    call, dialect = recorded[name].call, recorded[name].dialect
    assert call.outcome.ending is Ending.COMPLETED, call.outcome
    streams = sdp.parse_answer(call.answer)
    assert [stream.direction for stream in streams] == ["recvonly"] * len(dialect.legs)
    assert [stream.label for stream in streams] == [dialect.labels.get(voice, "") for voice in dialect.legs]


@pytest.mark.parametrize("name", dialect_names())
def test_it_is_published_as_its_vendor_means_it(recorded: dict[str, Recorded], name: str) -> None:
    """Under the declared id, with the declared legs, roles and names, from opening to end."""
    facts = recorded[name].call.facts.fields(recorded[name].dialect)
    expected = recorded[name].dialect.expected.legs
    events = recorded[name].events
    assert [(type(events[0]), type(events[-1]))] == [(CallOpened, CallClosed)]
    assert opened(events)[0].legs == tuple(Leg(leg.id, Role(leg.role), fill(leg.name, facts)) for leg in expected)
    assert events[-1].reason == "bye"  # type: ignore[union-attr] # the last one closes


@pytest.mark.parametrize("name", dialect_names())
def test_each_leg_carries_its_own_voice(recorded: dict[str, Recorded], spoken: Scenario, name: str) -> None:
    """What arrives on a leg are the words of the party that the vendor put there."""
    said = utterances(recorded[name].events)
    for voice, leg in zip(recorded[name].dialect.legs, recorded[name].dialect.expected.legs, strict=True):
        assert {utterance.role for utterance in of_leg(said, leg.id)} == {leg.role}
        assert likeness(of_leg(said, leg.id), spoken.payloads(voice)) > ALIKE
