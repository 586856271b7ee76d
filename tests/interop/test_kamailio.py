"""The balancer's configuration, as it ships: a real Kamailio in front of two real bridges."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import cast

import pytest

from callbus import CallClosed, CallOpened, Utterance
from testcall import scenario
from testcall.dialog import Dialog
from tests.conftest import PrivateRedis
from tests.interop.balancer import Balancer, balancer
from tests.sip_bridge.running import Recorder, RunningBridge, bridge, recorder

pytestmark = pytest.mark.skipif(
    shutil.which("kamailio") is None, reason="kamailio is not installed (apt-get install kamailio)"
)

ANOTHER = "did not take a fork"
"""What the balancer says of a bridge when it tries the next one."""


@contextlib.asynccontextmanager
async def call(through: Balancer, call_id: str, parameters: str = "", *headers: tuple[str, str]) -> AsyncIterator[Call]:
    """A fork of one stream that has been placed through the balancer."""
    async with recorder(cast(RunningBridge, through), call_id, "udp") as placed:
        placed.dialog.remote_uri += parameters
        placed.dialog.remote_target = placed.dialog.remote_uri
        response = await placed.invite(placed.offer(""), "application/sdp", *headers)
        yield Call(placed, response.status)
        if response.status < 300:
            assert (await placed.ask("BYE")).status == 200


class Call:
    """What became of a fork."""

    def __init__(self, placed: Recorder, status: int) -> None:
        self.placed = placed
        self.status = status

    @property
    def bridge_port(self) -> int:
        """The port of the bridge that answered, by its Contact."""
        dialog: Dialog = self.placed.dialog
        return int(dialog.remote_target.partition(";")[0].rpartition(":")[2])


async def test_a_fork_passes_whole(private_redis: PrivateRedis, tmp_path: Path) -> None:
    """Answer, audio and BYE reach their ends: the bridge tells the call as if nobody stood between."""
    with bridge(private_redis.url) as one, balancer(tmp_path, one.address) as through:
        async with recorder(cast(RunningBridge, through), "whole") as placed:
            response = await placed.invite(placed.offer("1"))
            assert response.status == 200
            await placed.play(response, scenario.load("turns_angry").payloads("agent")[:350])
            assert (await placed.ask("BYE")).status == 200
        events = one.closed("whole")
        assert isinstance(events[0], CallOpened)
        assert any(isinstance(event, Utterance) for event in events)
        assert isinstance(events[-1], CallClosed)
        assert events[-1].reason == "bye"


async def test_a_full_bridge_is_passed_over(private_redis: PrivateRedis, tmp_path: Path) -> None:
    """While a bridge refuses with 503, the same INVITE goes to the other; with both full the PBX gets the 503."""
    with (
        bridge(private_redis.url, max_calls=1) as one,
        bridge(private_redis.url, max_calls=1) as two,
        balancer(tmp_path, one.address, two.address) as through,
    ):
        async with call(through, "first") as first, call(through, "second") as second, call(through, "third") as third:
            assert (first.status, second.status, third.status) == (200, 200, 503)
            assert {first.bridge_port, second.bridge_port} == {one.address[1], two.address[1]}


async def test_a_dead_bridge_is_passed_over(private_redis: PrivateRedis, tmp_path: Path) -> None:
    """A bridge that is gone costs a fork at most the time-out, and nothing once it has missed its probes."""
    with (
        bridge(private_redis.url) as dead,
        bridge(private_redis.url) as living,
        balancer(tmp_path, dead.address, living.address) as through,
    ):
        dead.process.kill()
        dead.process.wait()
        for number in range(4):
            async with call(through, f"soon-{number}") as placed:
                assert (placed.status, placed.bridge_port) == (200, living.address[1])
        await asyncio.to_thread(through.until_given_up, dead.address)
        tried = through.log().count(ANOTHER)
        for number in range(4):
            async with call(through, f"later-{number}") as placed:
                assert (placed.status, placed.bridge_port) == (200, living.address[1])
        assert through.log().count(ANOTHER) == tried


async def test_without_any_bridge_forks_fail_fast(private_redis: PrivateRedis, tmp_path: Path) -> None:
    """With all bridges gone the PBX's fork and its probe get 503; with one there, its probe gets 200."""
    with bridge(private_redis.url) as lone, balancer(tmp_path, lone.address) as through:
        async with recorder(cast(RunningBridge, through), "probe") as placed:
            assert (await placed.ask("OPTIONS")).status == 200
        lone.process.kill()
        lone.process.wait()
        async with call(through, "nobody") as refused:
            assert refused.status == 503
        await asyncio.to_thread(through.until_given_up, lone.address)
        async with recorder(cast(RunningBridge, through), "probe-2") as placed:
            assert (await placed.ask("OPTIONS")).status == 503


@pytest.mark.parametrize("by", ["header", "parameter"])
async def test_the_legs_of_a_call_meet(private_redis: PrivateRedis, tmp_path: Path, by: str) -> None:
    """Dialogs that name the same call come to the same bridge, while calls spread over both."""
    with (
        bridge(private_redis.url) as one,
        bridge(private_redis.url) as two,
        balancer(tmp_path, one.address, two.address) as through,
    ):
        ports = set()
        for number in range(12):
            name = f"call-{number}"
            headers = (("X-Call-ID", name),) if by == "header" else ()
            parameters = "" if by == "header" else f";call-id={name}"
            async with (
                call(through, f"{name}-a", parameters, *headers) as customer,
                call(through, f"{name}-b", parameters, *headers) as agent,
            ):
                assert (customer.status, agent.status) == (200, 200)
                assert customer.bridge_port == agent.bridge_port
                ports.add(customer.bridge_port)
        assert ports == {one.address[1], two.address[1]}


async def test_a_late_leg_follows_the_first(private_redis: PrivateRedis, tmp_path: Path) -> None:
    """A leg whose first one had to go elsewhere goes there too, though its own bridge has room again."""
    with (
        bridge(private_redis.url, max_calls=1) as small,
        bridge(private_redis.url, max_calls=40) as large,
        balancer(tmp_path, small.address, large.address) as through,
    ):
        async with AsyncExitStack() as legs:
            async with AsyncExitStack() as fillers:
                for number in range(40):
                    filler = await fillers.enter_async_context(call(through, f"filler-{number}"))
                    if filler.bridge_port == small.address[1]:
                        break
                names = [f"late-{number}" for number in range(8)]
                for name in names:
                    header = ("X-Call-ID", name)
                    first = await legs.enter_async_context(call(through, f"{name}-a", "", header))
                    assert first.bridge_port == large.address[1]
            for name in names:
                async with call(through, f"{name}-b", "", ("X-Call-ID", name)) as second:
                    assert (second.status, second.bridge_port) == (200, large.address[1])
