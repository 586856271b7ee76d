"""Recording metadata that comes, or does not come, in mid-call, over real SIP."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from callbus import Leg, Role
from testcall.dialect import Dialect
from testcall.metadata import load_dialect
from tests.conftest import PrivateRedis
from tests.sip_bridge.recording import agent_changes, heard, recording, talk, words_of
from tests.sip_bridge.running import RunningBridge, bridge, opened


@pytest.fixture(scope="module")
def running(shared_redis: PrivateRedis) -> Iterator[RunningBridge]:
    """One bridge for all these calls."""
    with bridge(shared_redis.url, shutdown_seconds=1) as started:
        yield started


async def test_metadata_that_says_nothing_new_is_not_told_again(running: RunningBridge) -> None:
    """A re-INVITE with the same metadata opens nothing anew."""
    async with recording(running) as recorder:
        assert (await recorder.ask()).status == 200
    assert len(opened(await heard(running, recorder))) == 1


async def test_a_re_invite_without_metadata_keeps_the_roles(running: RunningBridge) -> None:
    """SDP alone in mid-call takes no name and no role away."""
    async with recording(running) as recorder:
        assert (await recorder.ask(without=("metadata",))).status == 200
        await talk(recorder)
    events = await heard(running, recorder)
    assert [message.legs for message in opened(events)][-1] == (
        Leg("1", Role.CUSTOMER),
        Leg("2", Role.AGENT, "Anna"),
    )
    assert (words_of(events, "1"), words_of(events, "2")) == (1, 1)


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
async def test_another_agent_takes_the_call(running: RunningBridge, method: str) -> None:
    """New metadata names the new agent under the same call and leg; what is said before and after is one call."""
    async with recording(running) as recorder:
        await talk(recorder)
        agent_changes(recorder)
        assert (await recorder.ask(method)).status == 200
        await talk(recorder)
    events = await heard(running, recorder)
    names = [[leg.name for leg in message.legs] for message in opened(events)]
    assert names == [["", "Anna"], ["", "Ben"]]
    assert [leg.leg_id for leg in opened(events)[-1].legs] == ["1", "2"]
    assert (words_of(events, "1"), words_of(events, "2")) == (2, 2)


def says(dialect: Dialect, text: str) -> Dialect:
    """The dialect with this for its metadata."""
    parts = {**dialect.parts, "metadata": msgspec.structs.replace(dialect.parts["metadata"], text=text)}
    return msgspec.structs.replace(dialect, parts=parts)


CHANGE = """
<recording xmlns="urn:ietf:params:xml:ns:recording:1">
  <datamode>partial</datamode>
  <participant participant_id="$agent_id"><nameID aor="$agent_aor"><name>$agent_name</name></nameID></participant>
  <participantstreamassoc participant_id="$agent_id"><send>$agent_stream_id</send></participantstreamassoc>
</recording>
"""


async def test_metadata_may_tell_only_what_has_changed(running: RunningBridge) -> None:
    """A partial document (RFC 7865 section 5.2.1) with the new agent alone is enough."""
    async with recording(running) as recorder:
        agent_changes(recorder)
        recorder.dialect = says(recorder.dialect, CHANGE)
        assert (await recorder.ask()).status == 200
        await talk(recorder)
    events = await heard(running, recorder)
    assert [message.legs for message in opened(events)][-1] == (Leg("1", Role.CUSTOMER), Leg("2", Role.AGENT, "Ben"))
    assert (words_of(events, "1"), words_of(events, "2")) == (1, 1)


@pytest.mark.parametrize("text", ["<recording><broken", "<recording><datamode>complete</datamode></recording>"])
async def test_metadata_that_cannot_be_used_takes_nothing_away(running: RunningBridge, text: str) -> None:
    """Known roles and names stay when later metadata is broken or empty."""
    async with recording(running) as recorder:
        recorder.dialect = says(recorder.dialect, text)
        assert (await recorder.ask()).status == 200
    events = await heard(running, recorder)
    assert [message.legs[1].name for message in opened(events)] == ["Anna"]


async def test_one_wrong_character_costs_no_role(running: RunningBridge) -> None:
    """An unescaped & in the agent's name: roles, name and the session's id are read, and the repair is counted."""
    book = load_dialect("rfc7865")
    damaged = says(book, book.parts["metadata"].text.replace("$agent_name", "Sales & Service"))
    before = running.metric('callvane_fork_metadata_total{result="repaired"}')
    async with recording(running, damaged) as recorder:
        await talk(recorder)
    events = await heard(running, recorder)
    assert opened(events)[0].legs == (Leg("1", Role.CUSTOMER), Leg("2", Role.AGENT, "Sales & Service"))
    assert running.metric('callvane_fork_metadata_total{result="repaired"}') == before + 1


LEFT = """
  <participant participant_id="gone"><nameID aor="$agent_aor"><name>Anna</name></nameID></participant>
  <participantstreamassoc participant_id="gone">
    <send>$agent_stream_id</send>
    <disassociate-time>$started_at</disassociate-time>
  </participantstreamassoc>
</recording>
"""


async def test_a_snapshot_may_list_who_has_left(running: RunningBridge) -> None:
    """The agent before a transfer, whose association is over, does not make the new one's stream a mixed one."""
    async with recording(running) as recorder:
        agent_changes(recorder)
        text = recorder.dialect.parts["metadata"].text
        recorder.dialect = says(recorder.dialect, text.replace("</recording>", LEFT.strip()))
        assert (await recorder.ask()).status == 200
    events = await heard(running, recorder)
    assert [message.legs[1].name for message in opened(events)] == ["Anna", "Ben"]


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
async def test_a_request_may_bring_metadata_alone(running: RunningBridge, method: str) -> None:
    """Without SDP the streams go on as they are, and the new names count."""
    async with recording(running) as recorder:
        agent_changes(recorder)
        assert (await recorder.ask(method, without=("sdp",))).status == 200
        await talk(recorder)
    events = await heard(running, recorder)
    assert [message.legs[1].name for message in opened(events)] == ["Anna", "Ben"]
    assert (words_of(events, "1"), words_of(events, "2")) == (1, 1)
