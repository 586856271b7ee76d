"""Recording sessions that a test steers, and what was heard of them."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from callbus import CallClosed
from callbus.messages.wire import ForkEvent
from testcall.campaign import line_to
from testcall.dialect import Dialect
from testcall.metadata import CallFacts, Party, load_dialect, new_id
from testcall.recorder import Line, Recorder
from testcall.rtp import Stream
from testcall.target import parse_target
from tests.sip_bridge.running import RunningBridge, utterances
from tests.sip_bridge.speaking import likeness, of_leg, sentence

PARTIES: tuple[Party, ...] = ("customer", "agent")
WORDS = {party: sentence(party, 0.9, quiet_seconds=0.5) for party in PARTIES}
"""Less than two seconds; the silence between two of them closes an utterance."""
ALIKE = 0.5
ANNA, BEN = "sip:anna@example.com", "sip:ben@example.com"


@asynccontextmanager
async def recording(
    running: RunningBridge, dialect: Dialect | None = None, facts: CallFacts | None = None
) -> AsyncIterator[Recorder]:
    """A recording session that is up; its BYE is sent at the end."""
    facts = facts or CallFacts(agent_name="Anna", agent_aor=ANNA)
    facts = dataclasses.replace(facts, sip_call_id=f"{new_id()}@life.example.com")
    target = parse_target(f"sip:callvane@127.0.0.1:{running.address[1]}")
    async with line_to(target, "tcp") as (endpoint, sender):
        await endpoint.transport.connect()
        recorder = Recorder(endpoint, sender, dialect or load_dialect("rfc7865"), facts, target)
        try:
            answered = await recorder.ask()
            assert answered.status == 200, (answered.reason, running.lines)
            yield recorder
            hung_up = await recorder.hang_up()
            assert hung_up.status == 200, (hung_up.status, hung_up.reason, running.lines)
        finally:
            recorder.close()


async def talk(recorder: Recorder, *lines: Line) -> None:
    """Both parties say their words, or those of the given lines."""
    await recorder.play(
        {line: WORDS["agent" if line.voice == "agent" else "customer"] for line in lines or recorder.lines}
    )


async def send(packets: Iterable[tuple[Stream, int, int]]) -> None:
    """Send packets by their numbers in their streams, each in its slot of 20 ms, in order."""
    begun = asyncio.get_running_loop().time()
    for stream, number, slot in packets:
        await asyncio.sleep(max(0.0, begun + 0.02 * slot - asyncio.get_running_loop().time()))
        stream.send(stream.packet(number))


def agent_changes(recorder: Recorder) -> None:
    """Ben takes over from Anna: another participant sends the agent's stream."""
    recorder.facts = dataclasses.replace(recorder.facts, agent_name="Ben", agent_aor=BEN, agent=new_id())


async def heard(running: RunningBridge, recorder: Recorder) -> list[ForkEvent]:
    """All that was published of the ended call, which must be one call."""
    events = await asyncio.to_thread(running.closed, recorder.facts.session_id)
    assert len([event for event in events if isinstance(event, CallClosed)]) == 1
    assert events[-1].reason == "bye"  # type: ignore[union-attr] # the last one closes
    return events


def words_of(events: list[ForkEvent], leg_id: str) -> int:
    """How many utterances of a leg carry its party's words."""
    said = WORDS["agent" if leg_id == "2" else "customer"]
    return sum(likeness([utterance], said) > ALIKE for utterance in of_leg(utterances(events), leg_id))
