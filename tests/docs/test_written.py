"""docs/integration/written.md: what it shows is run as it stands there, on a real Redis."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

from callbus import CallState, Channel, Phase, Role, Transcript, WrittenTurn
from callbus.messages.wire import ForkEvent, decode_fork_event
from callbus.redis.bus import Bus
from callbus.redis.partition import partition_of
from callbus.redis.settings import RedisSettings
from tests.analysis.stage import Told, stage
from tests.published import published
from tests.written.running import TOKEN, RunningWritten
from written.request import BODY_BYTES, FIELDS

PAGE = (Path(__file__).parents[2] / "docs/integration/written.md").read_text("utf-8")
RUN_SECONDS = 60


def blocks(kind: str) -> list[str]:
    """The page's blocks of one kind."""
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.M | re.S)


async def output(*program: str, script: str, **environment: str) -> str:
    """What a script prints; it must end well."""
    process = await asyncio.create_subprocess_exec(*program, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment)
    async with asyncio.timeout(RUN_SECONDS):
        out, error = await process.communicate(script.encode())
    assert process.returncode == 0, error.decode()
    return out.decode()


async def test_the_calls_over_http_work(redis_url: str) -> None:
    """The two of curl: a message is taken, and its conversation closed."""
    (script,) = [block for block in blocks("sh") if "curl" in block]
    async with RunningWritten(redis_url) as running:
        await running.ready()
        script = script.replace("http://127.0.0.1:8090", running.url)
        out = await output("bash", "-e", script=script, TOKEN=TOKEN, PATH="/usr/bin:/bin")
    answers = [json.loads(answer) for answer in out.replace("}{", "}\n{").splitlines()]
    assert [answer["conversation"] for answer in answers] == ["chat-4711"] * 2
    async with Bus(RedisSettings(url=redis_url)) as bus:
        entries = await bus.client.xrange(bus.keys.forks(partition_of("chat-4711", 16)))
    events: list[ForkEvent] = [decode_fork_event(fields[b"m"]) for _, fields in entries]
    assert isinstance(events[1], WrittenTurn)
    assert (len(events), events[1].text) == (3, "Where is my parcel? It should have come on Monday.")


async def test_the_script_for_redis_works(redis_url: str) -> None:
    """A worker reads what it appends: the words without quote and signature, the channel, the end."""
    (script,) = blocks("python")
    async with stage(redis_url) as on_stage:
        await output(sys.executable, "-", script=script.replace("redis://127.0.0.1:6379/0", redis_url))
        await on_stage.until_told("mail-4711", Told(WORDS))
        told = await published(on_stage.bus)
        assert on_stage.faults == {}
    state = [each for each in told if isinstance(each, CallState)][-1]
    assert (state.phase, state.channel, state.legs[1].name) == (Phase.ENDED, Channel.EMAIL, "Anna")
    assert [each.role for each in told if isinstance(each, Transcript)] == [Role.CUSTOMER, Role.AGENT]


WORDS = ("Where is my parcel?", "It is on its way.")


def test_the_bytes_are_those_of_a_turn() -> None:
    """As they stand there, a reader takes them; the stream is that of their conversation."""
    (shown,) = blocks("text")
    turn = decode_fork_event(bytes.fromhex(shown))
    assert turn == WrittenTurn("c1", "customer", Role.CUSTOMER, 0, "hello", 1.8e9, Channel.CHAT)
    assert f"`callvane:forks:{partition_of('c1', 16)}`" in PAGE


def test_the_page_lists_every_field() -> None:
    """Those of a message; the figures are those of the code."""
    listed = re.findall(r"^\| `(\w+)` \| (?:required)? ?\|", PAGE, re.M)
    assert set(listed) == FIELDS
    assert f"{BODY_BYTES:,} bytes" in PAGE
