"""What happens to a recorded call between its INVITE and its BYE, over real SIP and RTP."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import msgspec
import pytest

from callbus import CallClosed, Leg, Role
from callbus.wire import ForkEvent
from testcall.campaign import line_to
from testcall.dialect import Dialect
from testcall.endpoint import Endpoint
from testcall.metadata import CallFacts, load_dialect, new_id
from testcall.recorder import Line, Recorder
from testcall.target import parse_target
from tests.conftest import PrivateRedis
from tests.sip_bridge.running import RunningBridge, bridge, opened, until, utterances
from tests.sip_bridge.speaking import likeness, of_leg, sentence

WORDS = {party: sentence(party, 1.2) for party in ("customer", "agent")}
"""Under two seconds, with a silence at the end that closes the utterance."""
ALIKE = 0.5
ANNA, BEN = "sip:anna@example.com", "sip:ben@example.com"


@pytest.fixture(scope="module")
def running(shared_redis: PrivateRedis) -> Iterator[RunningBridge]:
    """One bridge for all these calls."""
    with bridge(shared_redis.url, shutdown_seconds=1) as started:
        yield started


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
        assert (await recorder.ask()).status == 200
        try:
            yield recorder
            assert (await recorder.hang_up()).status == 200
        finally:
            recorder.close()


async def talk(recorder: Recorder, *lines: Line) -> None:
    """Both parties say their words, or those of the given lines."""
    await recorder.play(
        {line: WORDS["agent" if line.voice == "agent" else "customer"] for line in lines or recorder.lines}
    )


def agent_changes(recorder: Recorder) -> None:
    """Ben takes over from Anna: another participant sends the agent's stream."""
    recorder.facts = dataclasses.replace(recorder.facts, agent_name="Ben", agent_aor=BEN, agent=new_id())


def heard(running: RunningBridge, recorder: Recorder) -> list[ForkEvent]:
    """All that was published of the ended call, which must be one call."""
    events = running.closed(recorder.facts.session_id)
    assert len([event for event in events if isinstance(event, CallClosed)]) == 1
    assert events[-1].reason == "bye"  # type: ignore[union-attr] # the last one closes
    return events


def words_of(events: list[ForkEvent], leg_id: str, party: str = "") -> int:
    """How many utterances of a leg carry its party's words."""
    said = WORDS[party or ("agent" if leg_id == "2" else "customer")]
    return sum(likeness([utterance], said) > ALIKE for utterance in of_leg(utterances(events), leg_id))


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
async def test_another_agent_takes_the_call(running: RunningBridge, method: str) -> None:
    """New metadata names the new agent under the same call and leg; what is said before and after is one call."""
    async with recording(running) as recorder:
        await talk(recorder)
        agent_changes(recorder)
        assert (await recorder.ask(method)).status == 200
        await talk(recorder)
    events = heard(running, recorder)
    names = [[leg.name for leg in message.legs] for message in opened(events)]
    assert names == [["", "Anna"], ["", "Ben"]]
    assert [leg.leg_id for leg in opened(events)[-1].legs] == ["1", "2"]
    assert (words_of(events, "1"), words_of(events, "2")) == (2, 2)


async def test_an_update_may_bring_metadata_alone(running: RunningBridge) -> None:
    """Without SDP the streams go on as they are, and the new names count."""
    async with recording(running) as recorder:
        agent_changes(recorder)
        assert (await recorder.ask("UPDATE", without=("sdp",))).status == 200
        await talk(recorder)
    events = heard(running, recorder)
    assert [message.legs[1].name for message in opened(events)] == ["Anna", "Ben"]
    assert (words_of(events, "1"), words_of(events, "2")) == (1, 1)


async def test_metadata_that_says_nothing_new_is_not_told_again(running: RunningBridge) -> None:
    """A re-INVITE with the same metadata opens nothing anew."""
    async with recording(running) as recorder:
        assert (await recorder.ask()).status == 200
    assert len(opened(heard(running, recorder))) == 1


async def test_a_re_invite_without_metadata_keeps_the_roles(running: RunningBridge) -> None:
    """SDP alone in mid-call takes no name and no role away."""
    async with recording(running) as recorder:
        assert (await recorder.ask(without=("metadata",))).status == 200
        await talk(recorder)
    events = heard(running, recorder)
    assert [message.legs for message in opened(events)][-1] == (
        Leg("1", Role.CUSTOMER),
        Leg("2", Role.AGENT, "Anna"),
    )
    assert (words_of(events, "1"), words_of(events, "2")) == (1, 1)


async def test_a_third_stream_joins(running: RunningBridge) -> None:
    """A stream that is added in mid-call is answered, told as a leg, and heard."""
    async with recording(running) as recorder:
        await talk(recorder)
        third = recorder.add_line("customer", "3")
        response = await recorder.ask()
        assert third.answer is not None
        assert (third.answer.direction, third.answer.label) == ("recvonly", "3"), response.body
        await talk(recorder)
    events = heard(running, recorder)
    assert [leg.leg_id for leg in opened(events)[-1].legs] == ["1", "2", "3"]
    assert (words_of(events, "1"), words_of(events, "2"), words_of(events, "3")) == (2, 2, 1)


async def test_a_stream_goes(running: RunningBridge) -> None:
    """A stream whose port becomes 0 is let go; the other one is heard on, and the call with it."""
    async with recording(running) as recorder:
        await talk(recorder)
        customer, agent = recorder.lines
        agent.ended = True
        assert (await recorder.ask()).status == 200
        await talk(recorder, customer)
    events = heard(running, recorder)
    assert (words_of(events, "1"), words_of(events, "2")) == (2, 1)


async def test_one_m_line_after_a_transfer(running: RunningBridge) -> None:
    """A re-INVITE with fewer m-lines than before, which RFC 3264 forbids and PBXes send, keeps the call and its leg."""
    async with recording(running) as recorder:
        await talk(recorder)
        gone = recorder.lines.pop()
        gone.socket.close()
        assert (await recorder.ask()).status == 200
        await talk(recorder)
    events = heard(running, recorder)
    assert (words_of(events, "1"), words_of(events, "2")) == (2, 1)


@pytest.mark.parametrize("codec", ["8 PCMA/8000", "9 G722/8000", "107 opus/48000/2"])
async def test_the_codec_changes(running: RunningBridge, codec: str) -> None:
    """From µ-law to another one in mid-call: both legs are heard before and after."""
    async with recording(running) as recorder:
        await talk(recorder)
        for line in recorder.lines:
            line.codecs = (codec,)
        response = await recorder.ask()
        assert f"RTP/AVP {codec.split()[0]}".encode() in response.body
        await talk(recorder)
    events = heard(running, recorder)
    after = [utterance for utterance in utterances(events) if utterance.start_seconds > 1.5]
    if codec.startswith("8 "):
        assert (words_of(events, "1"), words_of(events, "2")) == (2, 2)
    assert {utterance.leg_id for utterance in after} == {"1", "2"}


async def test_one_side_is_on_hold(running: RunningBridge) -> None:
    """While one stream is inactive the other is heard; nothing of the held one; both again afterwards."""
    async with recording(running) as recorder:
        customer, agent = recorder.lines
        customer.direction = "inactive"
        await recorder.ask()
        assert customer.answer is not None
        assert customer.answer.direction == "inactive"
        await talk(recorder)
        customer.direction = ""
        assert (await recorder.ask()).status == 200
        await talk(recorder)
    events = heard(running, recorder)
    assert (words_of(events, "1"), words_of(events, "2")) == (1, 2)


@pytest.mark.parametrize("how", ["inactive", "0.0.0.0"])
async def test_a_pause_is_a_pause(running: RunningBridge, how: str) -> None:
    """What was said before comes at once, nothing of the pause is kept, and the call's time goes on meanwhile."""
    async with recording(running) as recorder:
        await recorder.play(dict.fromkeys(recorder.lines, WORDS["customer"][:55]))  # in the middle of a word
        running_form = recorder.dialect
        if how == "inactive":
            for line in recorder.lines:
                line.direction = "inactive"
        else:  # BroadWorks, Metaswitch: no address to send to, and no direction said
            form = written(running_form, address="0.0.0.0", direction="")
            recorder.dialect = form
        response = await recorder.ask()
        assert response.body.count(b"a=inactive") == 2, response.body
        before = until(lambda: len(utterances(running.events(recorder.facts.session_id))) == 2, running.lines)
        assert before
        await talk(recorder)
        await asyncio.sleep(0.5)
        assert len(utterances(running.events(recorder.facts.session_id))) == 2
        recorder.dialect = running_form
        for line in recorder.lines:
            line.direction = ""
        assert (await recorder.ask()).status == 200
        await talk(recorder)
    events = heard(running, recorder)
    said = [(u.leg_id, u.start_seconds, u.end_seconds) for u in utterances(events)]
    assert len(said) == 4, said
    assert all(start > 2.5 for _, start, _ in said[2:]), said  # 1.1 s of words, a pause of over 2 s
    assert events[-1].duration_seconds > 4.5  # type: ignore[union-attr]


def written(dialect: Dialect, **form: str) -> Dialect:
    """The dialect with another form of its SDP."""
    return msgspec.structs.replace(dialect, sdp=msgspec.structs.replace(dialect.sdp, **form))


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
async def test_session_refreshes_change_nothing(running: RunningBridge, method: str) -> None:
    """Refreshes (RFC 4028) in the middle of a sentence are answered at once and cut nothing."""
    timer = (("Supported", "timer"), ("Session-Expires", "90;refresher=uac"))
    async with recording(running) as recorder:
        talking = asyncio.create_task(talk(recorder))
        await asyncio.sleep(0.7)
        without = ("sdp", "metadata") if method == "UPDATE" else ("metadata",)
        response = await recorder.ask(method, *timer, without=without)
        assert response.first("Session-Expires") == "90;refresher=uac"
        await talking
    events = heard(running, recorder)
    assert len(opened(events)) == 1
    assert (words_of(events, "1"), words_of(events, "2")) == (1, 1)


async def test_a_standby_takes_over(running: RunningBridge) -> None:
    """A re-INVITE of the same dialog from another address moves signalling and media there."""
    async with Endpoint(running.address, "tcp", "127.0.0.2") as standby, recording(running) as recorder:
        await standby.transport.connect()
        await talk(recorder)
        await recorder.move(standby)
        assert (await recorder.ask()).status == 200
        await talk(recorder)
    events = heard(running, recorder)
    assert (words_of(events, "1"), words_of(events, "2")) == (2, 2)
    assert len(opened(events)) == 1


async def test_streams_change_places(running: RunningBridge) -> None:
    """When the labels of the two streams are exchanged, so are the voices: a leg follows its label."""
    async with recording(running) as recorder:
        await talk(recorder)
        first, second = recorder.lines
        first.label, second.label = second.label, first.label
        first.voice, second.voice = second.voice, first.voice
        assert (await recorder.ask()).status == 200
        await talk(recorder)
    events = heard(running, recorder)
    assert (words_of(events, "1"), words_of(events, "2")) == (2, 2)
    assert {u.role for u in of_leg(utterances(events), "2")} == {Role.AGENT}


async def test_a_call_recorded_twice_is_one_call(running: RunningBridge) -> None:
    """A second dialog of the same session and parties is answered and adds nothing while the first lives."""
    async with recording(running) as first:
        async with recording(running, facts=first.facts) as second:
            await asyncio.gather(talk(first), talk(second))
        await talk(first)
    events = heard(running, first)
    assert (words_of(events, "1"), words_of(events, "2")) == (2, 2)
    assert not [event for event in running.events() if event.call_id.startswith(first.facts.session_id + "~")]
