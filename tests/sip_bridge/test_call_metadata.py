"""Recording metadata that comes, or does not come, in mid-call, over real SIP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from callbus import Leg, Role
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
