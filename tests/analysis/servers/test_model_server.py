"""The HTTP of a model's server: where it may be, and what is taken from it."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket
import struct

import pytest

from analysis.scorers.choice import ANSWER_BYTES, SETTINGS
from analysis.servers.model_server import ModelServer
from service import remote_server
from service.remote_server import Failure, ServerError, near
from service.settings import ConfigError
from tests.analysis.chat import Request, always, http, model

KEY = "sk-very-secret"


def server(url: str, key: str = "", *, anywhere: bool = False) -> ModelServer:
    """With four connections."""
    return ModelServer(
        url, "/chat/completions", key, SETTINGS, anywhere=anywhere, connections=4, answer_bytes=ANSWER_BYTES
    )


async def failure(chat: ModelServer) -> ServerError:
    """Why a question has no answer."""
    with pytest.raises(ServerError) as fault:
        async with asyncio.timeout(60):
            await chat.ask(b'{"model": "m"}')
    await chat.close()
    return fault.value


async def test_a_question_is_posted_and_its_answer_comes_back() -> None:
    """To chat/completions below the URL, as JSON, with the key, on a connection of its own."""
    async with model(always(http(b'{"choices": []}'))) as served:
        chat = server(f"{served.url}/", KEY)
        assert await chat.ask(b'{"model": "m"}') == b'{"choices": []}'
        assert await chat.ask(b'{"model": "n"}') == b'{"choices": []}'
        await chat.close()
    first, second = served.requests
    assert first.line == "POST /v1/chat/completions HTTP/1.1"
    assert (first.body, second.body) == ({"model": "m"}, {"model": "n"})
    assert first.headers["authorization"] == f"Bearer {KEY}"
    assert first.headers["content-type"] == "application/json"
    assert served.connections == 2


async def test_without_a_key_none_is_sent() -> None:
    """Most local servers ask for none."""
    async with model(always(http(b"{}"))) as served:
        chat = server(served.url)
        await chat.ask(b"{}")
        await chat.close()
    assert "authorization" not in served.requests[0].headers


@pytest.mark.parametrize(
    "status",
    ["201 Created", "302 Found", "400 Bad Request", "401 Unauthorized", "404 Not Found", "429 Too Many", "500"],
)
async def test_another_status_is_a_refusal(status: str) -> None:
    """Nothing of what came with it is read, and no redirect is followed."""
    answer = http(b"x" * 100_000, f"{status} x", "Location: /v1/elsewhere\r\nSet-Cookie: a=b\r\n")
    async with model(always(answer)) as served:
        fault = await failure(server(served.url))
        assert fault.failure is Failure.REFUSED
        assert status[:3] in str(fault)
        assert len(served.requests) == 1


async def test_a_huge_answer_is_none() -> None:
    """It is not read to its end, whether it tells its length or comes in endless pieces."""

    async def endless(_request: Request, writer) -> None:  # type: ignore[no-untyped-def]
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not writer.transport.is_closing():
            writer.write(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
            await writer.drain()

    for answer in (endless, always(http(b"x" * (ANSWER_BYTES + 1)))):
        async with model(answer) as served:
            assert (await failure(server(served.url))).failure is Failure.INVALID


async def test_a_compressed_answer_is_none() -> None:
    """A small body cannot become a large one."""
    async with model(always(http(gzip.compress(b" " * 10_000_000), headers="Content-Encoding: gzip\r\n"))) as served:
        assert (await failure(server(served.url))).failure is Failure.INVALID


async def reset(_request: Request, writer: asyncio.StreamWriter) -> None:
    """Break the connection off."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@pytest.mark.parametrize(
    "answer",
    [
        reset,
        always(b"garbage that is no HTTP\r\n\r\n"),
        always(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000),
        always(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n"),
    ],
    ids=["reset", "garbage", "endless head", "negative length"],
)
async def test_what_breaks_the_connection_is_unreachable(answer) -> None:  # type: ignore[no-untyped-def]
    """A reset, no HTTP, heads without end."""
    async with model(answer) as served:
        assert (await failure(server(served.url))).failure is Failure.UNREACHABLE


async def test_a_body_cut_short_is_unreachable() -> None:
    """A connection that ends in mid-answer gives none."""

    async def short(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        await writer.drain()
        writer.close()

    async with model(short) as served:
        assert (await failure(server(served.url))).failure is Failure.UNREACHABLE


async def test_nobody_there_is_unreachable() -> None:
    """So is a name that nobody knows."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        assert (await failure(server(f"http://127.0.0.1:{unused.getsockname()[1]}/v1"))).failure is Failure.UNREACHABLE
    assert (await failure(server("http://nobody.invalid/v1"))).failure is Failure.UNREACHABLE


async def test_a_cancelled_question_leaves_no_connection_behind() -> None:
    """Who gives up in mid-answer closes the connection; the next question has one of its own."""
    gone = asyncio.Event()

    async def drip(request: Request, writer: asyncio.StreamWriter) -> None:
        if request.body["model"] == "slow":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            with contextlib.suppress(ConnectionError):
                while not writer.transport.is_closing():
                    writer.write(b" ")
                    await writer.drain()
                    await asyncio.sleep(0.01)
            gone.set()
        else:
            writer.write(http(b"{}"))

    async with model(drip) as served:
        chat = server(served.url)
        asking = asyncio.create_task(chat.ask(b'{"model": "slow"}'))
        async with asyncio.timeout(60):
            while not served.requests:
                await asyncio.sleep(0.01)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert await chat.ask(b'{"model": "quick"}') == b"{}"
        async with asyncio.timeout(60):
            await gone.wait()
        assert served.connections == 2
        await chat.close()


@pytest.mark.parametrize(
    ("address", "is_near"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("10.1.2.3", True),
        ("172.16.0.1", True),
        ("172.31.255.255", True),
        ("172.32.0.1", False),
        ("192.168.7.7", True),
        ("192.0.2.1", False),
        ("169.254.169.254", False),
        ("0.0.0.0", False),
        ("100.64.0.1", False),
        ("8.8.8.8", False),
        ("::1", True),
        ("fd00::1", True),
        ("fe80::1%eth0", False),
        ("2001:db8::1", False),
        ("::ffff:127.0.0.1", True),
        ("::ffff:8.8.8.8", False),
        ("::", False),
    ],
)
def test_near_is_loopback_and_private(address: str, is_near: bool) -> None:
    """Nothing else, link-local and shared addresses not either."""
    assert near(address) is is_near


@pytest.mark.parametrize("url", ["http://203.0.113.7/v1", "https://[2001:db8::1]:8000/v1", "http://169.254.169.254/v1"])
def test_a_public_address_is_refused_unless_allowed(url: str) -> None:
    """The setting that allows it is named."""
    with pytest.raises(ConfigError, match="language_model_anywhere = true"):
        server(url)
    server(url, anywhere=True)


async def test_a_name_that_moves_away_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The address at the other end of the connection counts: nothing is sent to one that is not allowed."""
    monkeypatch.setattr(remote_server, "NEAR", ())
    monkeypatch.setattr(remote_server, "addresses", lambda host: ())
    async with model(always(http(b"{}"))) as served:
        url = served.url.replace("127.0.0.1", "localhost")
        fault = await failure(server(url))
        assert (fault.failure, served.requests) == (Failure.REFUSED, [])
        chat = server(url, anywhere=True)
        assert await chat.ask(b"{}") == b"{}"
        await chat.close()


async def test_the_environments_proxy_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Callers' words do not pass through it."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with model(always(http(b"{}"))) as served:
        chat = server(served.url)
        assert await chat.ask(b"{}") == b"{}"
        await chat.close()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:8000",
        "ftp://127.0.0.1/v1",
        "http:///v1",
        "http://[::1/v1",
        "http://127.0.0.1:x/v1",
        "http://a b/v1",
    ],
)
def test_what_is_no_url_is_refused(url: str) -> None:
    """In one line with an example."""
    with pytest.raises(ConfigError, match=r"not a URL such as http://127\.0\.0\.1:8000/v1"):
        server(url)


@pytest.mark.parametrize("url", [f"http://user:{KEY}@127.0.0.1/v1", f"http://127.0.0.1/v1?key={KEY}"])
def test_secrets_in_a_url_are_refused_and_not_told(url: str) -> None:
    """A key has its own setting."""
    with pytest.raises(ConfigError) as fault:
        server(url)
    assert KEY not in str(fault.value)


@pytest.mark.parametrize("key", [f"{KEY}\r\nX: y", f"{KEY} x", f"{KEY}\u00e9"])
def test_a_key_that_no_header_holds_is_refused_and_not_told(key: str) -> None:
    """Nothing can be smuggled into a request by it."""
    with pytest.raises(ConfigError) as fault:
        server("http://127.0.0.1/v1", key)
    assert KEY not in str(fault.value)


async def test_an_answer_too_many_answers_nothing() -> None:
    """A broken server that writes a second answer on a connection gives no other question that answer."""
    answers = iter((b"mine" + http(b"not yours"), b"yours"))

    async def answer(_request: Request, writer: asyncio.StreamWriter) -> None:
        body = next(answers)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body.split(b"HTTP")[0]), body))

    async with model(answer) as there:
        chat = server(there.url)
        try:
            assert [await chat.ask(b"{}"), await chat.ask(b"{}")] == [b"mine", b"yours"]
        finally:
            await chat.close()
