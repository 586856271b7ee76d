"""The running process, over real sockets and with a real Redis."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from callbus import CallClosed, CallOpened, WrittenTurn
from callbus.messages.wire import ForkEvent, decode_fork_event
from callbus.redis.bus import Bus
from callbus.redis.partition import partition_of
from callbus.redis.settings import RedisSettings
from tests.conftest import PrivateRedis
from tests.written.running import HELLO, TOKEN, RunningWritten
from written.request import BODY_BYTES

WAIT_SECONDS = 60.0


@pytest.fixture
async def written(redis_url: str) -> AsyncIterator[RunningWritten]:
    """On an empty Redis; it must end in order."""
    async with RunningWritten(redis_url) as running:
        await running.ready()
        yield running
        assert await running.stop() == 0, running.log
    assert "Traceback" not in running.log


async def waiting(redis_url: str, call_id: str = "c1") -> list[ForkEvent]:
    """What waits for analysis in the partition of a conversation."""
    async with Bus(RedisSettings(url=redis_url)) as bus:
        stream = bus.keys.forks(partition_of(call_id, bus.settings.partitions))
        return [decode_fork_event(fields[b"m"]) for _, fields in await bus.client.xrange(stream)]


def hello(**changes: Any) -> dict[str, Any]:
    """A message with other fields."""
    return {**HELLO, **changes}


async def test_a_message_is_taken_once(written: RunningWritten, redis_url: str) -> None:
    """202 once it is in Redis; repeated, the same number and no second turn; closed, closed."""
    async with written.client() as client:
        first = await client.post("/v1/turns", json=hello())
        again = await client.post("/v1/turns", json=hello())
        second = await client.post("/v1/turns", json=hello(message_id="m2", party="agent", agent="Anna"))
        closed = [(await client.post("/v1/conversations/c1/close")).status_code for _ in range(2)]
    assert (first.status_code, first.json()) == (
        202,
        {"conversation": "c1", "sequence": 0, "repeated": False, "characters": 5},
    )
    assert (again.status_code, again.json()["sequence"], again.json()["repeated"]) == (202, 0, True)
    assert second.json()["sequence"] == 1
    assert closed == [202, 202]
    kinds = [type(event) for event in await waiting(redis_url)]
    assert kinds == [CallOpened, WrittenTurn, CallOpened, WrittenTurn, CallClosed]
    assert await written.metric('callvane_written_requests_total{outcome="taken"}') == 2
    assert await written.metric('callvane_written_requests_total{outcome="repeated"}') == 1


@pytest.mark.parametrize("conversation", ["a/b", "100 %", "<1@b.example>", "\u00fc?#", "...", "x/close"])
async def test_an_id_may_have_any_sign(written: RunningWritten, redis_url: str, conversation: str) -> None:
    """Percent-encoded in the path it is the same conversation."""
    async with written.client() as client:
        assert (await client.post("/v1/turns", json=hello(conversation=conversation))).status_code == 202
        path = "".join(f"%{byte:02x}" for byte in conversation.encode())
        closed = await client.post(f"/v1/conversations/{path}/close")
    assert (closed.status_code, closed.json()) == (202, {"conversation": conversation})


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        f"Basic {TOKEN}",
        "Bearer wrong-token-of-somebody",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
    ],
)
async def test_without_a_token_nothing_is_taken(written: RunningWritten, redis_url: str, header: str | None) -> None:
    """401 with a challenge (RFC 6750), on every path, and the body is not read."""
    headers = {} if header is None else {"Authorization": header}
    async with httpx.AsyncClient(base_url=written.url, headers=headers) as client:
        for path in ("/v1/turns", "/v1/conversations/c1/close", "/"):
            answer = await client.post(path, json=hello())
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert ("invalid_token" in answer.headers["www-authenticate"]) == bool(header)
            assert {"error", "cure"} == set(answer.json())
    assert await waiting(redis_url) == []


async def test_any_of_the_tokens_will_do(written: RunningWritten) -> None:
    """So one can be replaced without a pause."""
    for token in (TOKEN, "another-token-of-somebody"):
        async with written.client(token) as client:
            assert (await client.post("/v1/turns", json=hello())).status_code == 202


async def test_what_cannot_be_used_is_refused_with_its_cure(written: RunningWritten, redis_url: str) -> None:
    """A bad field, a body that is no JSON or too long, another path or method, an unknown conversation."""
    async with written.client() as client:
        bad = await client.post("/v1/turns", json=hello(channel="fax"))
        assert (bad.status_code, bad.json()) == (
            400,
            {"error": "channel: not known", "cure": "give one of chat, email"},
        )
        assert (await client.post("/v1/turns", content=b"\x00")).status_code == 400
        for content in (b"x" * (BODY_BYTES + 1), b"x" * 1_000_000, parts()):
            large = await client.post("/v1/turns", content=content)
            assert large.status_code == 413, large
            assert str(BODY_BYTES) in large.json()["cure"]
        assert (await client.get("/v1/turns")).status_code == 405
        assert (await client.post("/v2/turns", json=hello())).status_code == 404
        unknown = await client.post("/v1/conversations/nobody/close")
        assert (unknown.status_code, unknown.json()["error"]) == (404, "no such conversation")
        assert (await client.post("/v1/turns", json=hello())).status_code == 202
    assert len(await waiting(redis_url)) == 2
    assert await written.metric('callvane_faults_total{type="written"}') == 0


async def parts() -> AsyncIterator[bytes]:
    """A megabyte, in chunks that do not say how many there will be."""
    for _ in range(250):
        yield b"x" * 4_000


async def test_a_body_that_does_not_come_is_given_up(written: RunningWritten) -> None:
    """Nobody holds a place with half a body, token or not."""
    head = (
        f"POST /v1/turns HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 99\r\n\r\n{{"
    ).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", written.port)
    writer.write(head)
    async with asyncio.timeout(WAIT_SECONDS):
        assert (await reader.read()).startswith(b"HTTP/1.1 408")
    writer.close()


async def test_too_many_requests_wait(redis_url: str) -> None:
    """Above the rate of a token 429, which says when to come again; another token is not affected."""
    async with (
        RunningWritten(redis_url, requests_per_second=5) as running,
        running.client() as client,
        running.client("another-token-of-somebody") as other,
    ):
        sent = [client.post("/v1/turns", json=hello(message_id=str(number))) for number in range(30)]
        answers = await asyncio.gather(*sent)
        assert {answer.status_code for answer in answers} == {202, 429}
        assert all(answer.headers["retry-after"] == "1" for answer in answers if answer.status_code == 429)
        assert (await other.post("/v1/turns", json=hello())).status_code == 202


async def test_a_phone_call_is_not_written_in(redis_url: str) -> None:
    """A message under the id of a phone call that goes on gets 409 and the cure."""
    async with Bus(RedisSettings(url=redis_url)) as bus:
        await bus.client.hset(bus.keys.live, "c1", "{}")
    async with RunningWritten(redis_url) as running, running.client() as client:
        answer = await client.post("/v1/turns", json=hello())
    assert answer.status_code == 409
    assert answer.json()["cure"] == "give it an id of its own"


async def test_no_more_are_worked_on_than_there_are_places(redis_url: str) -> None:
    """While one request holds the only place the next one gets 503, at once, and is taken afterwards."""
    async with RunningWritten(redis_url, max_requests=1) as running, running.client() as client:
        _, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(
            f"POST /v1/turns HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 9\r\n\r\n".encode()
        )
        async with asyncio.timeout(WAIT_SECONDS):
            while (busy := await client.post("/v1/turns", json=hello())).status_code == 202:
                await asyncio.sleep(0.01)
        assert (busy.status_code, busy.headers["retry-after"]) == (503, "1")
        assert busy.json()["error"] == "too many requests at once"
        writer.close()
        await answered(client, hello(message_id="m2"))


async def test_without_redis_nothing_is_lost(private_redis: PrivateRedis) -> None:
    """503 with Retry-After while Redis hangs or is gone; the client repeats, and each message is there once."""
    async with RunningWritten(private_redis.url) as running, running.client() as client:
        await running.ready()
        assert (await client.post("/v1/turns", json=hello())).status_code == 202
        private_redis.freeze()
        hung = await client.post("/v1/turns", json=hello(message_id="m2"))
        assert (hung.status_code, hung.headers["retry-after"]) == (503, "2")
        private_redis.thaw()
        await answered(client, hello(message_id="m2"))
        assert len(await waiting(private_redis.url)) == 3
        private_redis.stop()
        await running.ready(503)
        gone = await client.post("/v1/turns", json=hello(message_id="m3"))
        assert (gone.status_code, gone.headers["retry-after"]) == (503, "2")
        assert "redis" in gone.json()["error"]
        assert (await client.post("/v1/conversations/c1/close")).status_code == 503
        assert (await running.health("/healthz")).status_code == 200
        private_redis.start()
        await running.ready()
        assert (await answered(client, hello(message_id="m3")))["sequence"] == 0, "Redis has come back empty"
        assert [type(event) for event in await waiting(private_redis.url)] == [CallOpened, WrittenTurn]
        assert await running.stop() == 0, running.log


async def answered(client: httpx.AsyncClient, message: dict[str, Any]) -> dict[str, Any]:
    """Repeat a message until it is taken, as a client does."""
    async with asyncio.timeout(WAIT_SECONDS):
        while (answer := await client.post("/v1/turns", json=message)).status_code == 503:
            await asyncio.sleep(0.1)
    found: dict[str, Any] = answer.json()
    return found


async def test_no_words_in_the_log(redis_url: str) -> None:
    """Nor names, ids or tokens, whatever is sent."""
    async with RunningWritten(redis_url) as running, running.client() as client:
        word = "telltale"
        for message in (hello(text=word, conversation=word, agent=word), hello(channel=word), {word: 1}):
            await client.post("/v1/turns", content=json.dumps(message).encode())
        await client.post(f"/v1/{word}")
        assert await running.stop() == 0
        assert word not in running.log
        assert TOKEN not in running.log


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"tokens": "[]"}, "written.tokens: no token is set"),
        ({"tokens": '["short"]'}, "written.tokens: a token has fewer"),
        ({"port": 99_999}, "written.port"),
        ({"host": "192.0.2.1"}, "written.host: 192.0.2.1:0"),
        ({"idle_minutes": 0}, "written.idle_minutes"),
    ],
)
async def test_bad_settings_end_it_with_one_line(redis_url: str, settings: dict[str, Any], told: str) -> None:
    """Status 2; the line names the setting, and no token."""
    running = RunningWritten(redis_url, **settings)
    with pytest.raises(AssertionError):
        await running.start()
    assert await running.stop() == 2
    assert told in running.log.splitlines()[-1]
    assert "short" not in running.log
