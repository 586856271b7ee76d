"""The HTTP server beside a process's work, asked by clients of every kind on real sockets."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from service import web_thread
from service.web_thread import CONNECTIONS, HEAD_BYTES, WebThread

WAIT_SECONDS = 60.0
"""A busy machine is no failure."""
REQUEST = b"GET /page?q=1 HTTP/1.1\r\nHost: x\r\n\r\n"


def application(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    """Says what it was told; one path breaks."""
    if environ["PATH_INFO"] == "/broken":
        raise RuntimeError("broken")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{environ['PATH_INFO']} {environ['QUERY_STRING']} {environ.get('HTTP_ACCEPT', '-')}\n".encode()]


@contextmanager
def serving(host: str = "127.0.0.1") -> Iterator[WebThread]:
    """A running server."""
    server = WebThread(host, 0, application)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def connected(server: WebThread, host: str = "127.0.0.1") -> socket.socket:
    """A client that has said nothing yet."""
    return socket.create_connection((host, server.port), WAIT_SECONDS)


def rest(client: socket.socket) -> bytes:
    """All that comes until the server closes."""
    found = b""
    with contextlib.suppress(ConnectionError):  # it closed on bytes that it had not read
        while received := client.recv(65_536):
            found += received
    return found


def ask(server: WebThread, request: bytes = REQUEST, host: str = "127.0.0.1") -> bytes:
    """The whole answer."""
    with connected(server, host) as client:
        client.sendall(request)
        return rest(client)


def test_an_answer_is_whole() -> None:
    """Status, length, the body, and the end of the connection."""
    with serving() as server:
        head, _, body = ask(server, REQUEST.replace(b"Host: x", b"accept: text/x")).partition(b"\r\n\r\n")
    assert body == b"/page q=1 text/x\n"
    assert head.split(b"\r\n") == [
        b"HTTP/1.1 200 OK", b"Content-Type: text/plain", b"Content-Length: 17", b"Connection: close"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("request_bytes", "answer"),
    [
        (b"HEAD /page HTTP/1.1\r\n\r\n", rb"HTTP/1.1 200 OK"),
        (b"GET /page HTTP/1.0\n\n", rb"HTTP/1.1 200 OK"),
        (b"GET /broken HTTP/1.1\r\n\r\n", rb"HTTP/1.1 500 Internal Server Error"),
        (b"GET /page\r\n\r\n", rb"HTTP/1.1 400 Bad Request"),
        (b"GET / RTSP/1.0\r\n\r\n", rb"HTTP/1.1 400 Bad Request"),
        (b"\x16\x03\x01\x00\xff\r\n\r\n", rb"HTTP/1.1 400 Bad Request"),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n", rb"HTTP/1.1 400 Bad Request"),
        (b"GET /" + b"x" * HEAD_BYTES, rb"HTTP/1.1 431 Request Header Fields Too Large"),
        (b"GET / HTTP/1.1\r\nx: " + b"x" * HEAD_BYTES, rb"HTTP/1.1 431 Request Header Fields Too Large"),
    ],
    ids=["head", "old", "broken", "no version", "another protocol", "tls", "many headers", "long line", "long header"],
)
def test_what_is_asked_oddly_is_answered(request_bytes: bytes, answer: bytes) -> None:
    """A bare line end is taken; what is no request, or longer than one, ends with its status."""
    with serving() as server:
        assert ask(server, request_bytes).split(b"\r\n")[0] == answer
        assert ask(server).endswith(b"/page q=1 -\n")


def test_a_head_request_brings_no_body() -> None:
    """Its length is told all the same."""
    with serving() as server:
        answer = ask(server, b"HEAD /page HTTP/1.1\r\n\r\n")
    assert answer.endswith(b"\r\n\r\n")
    assert b"Content-Length: 9\r\n" in answer


def test_silent_clients_delay_nobody() -> None:
    """With one that says nothing, one in mid-request and one that reads nothing, others are answered all the same."""
    with serving() as server, connected(server) as silent, connected(server) as slow, connected(server) as deaf:
        slow.sendall(REQUEST[:9])
        deaf.sendall(REQUEST)
        for _ in range(20):
            assert ask(server).endswith(b"/page q=1 -\n")
        slow.sendall(REQUEST[9:])
        assert rest(slow).endswith(b"/page q=1 -\n")
        silent.sendall(REQUEST)
        assert rest(silent).endswith(b"/page q=1 -\n")


def test_a_flood_of_silent_clients_starves_nobody() -> None:
    """A thousand from one address: each probe is answered, the oldest are closed, no more than the bound stay open."""
    with serving() as server, ExitStack() as held:
        flood = []
        for number in range(1_000):
            flood.append(held.enter_context(connected(server)))
            if number % 100 == 0:
                assert ask(server).endswith(b"/page q=1 -\n")
        assert ask(server).endswith(b"/page q=1 -\n")
        for client in flood[:-CONNECTIONS]:
            assert rest(client) == b""
        assert len(server._open) <= CONNECTIONS


def test_a_flood_ends_its_own_connections() -> None:
    """A client elsewhere that is slow to ask is answered, however many come after it."""
    with serving() as server, ExitStack() as held:
        client = held.enter_context(
            socket.create_connection(("127.0.0.1", server.port), WAIT_SECONDS, ("127.0.0.2", 0))
        )
        client.sendall(REQUEST[:9])
        flood = [held.enter_context(connected(server)) for _ in range(500)]
        assert rest(flood[0]) == b""
        client.sendall(REQUEST[9:])
        assert rest(client).endswith(b"/page q=1 -\n")


def test_an_answered_client_outlives_idle_ones() -> None:
    """A client whose answer is under way is not the one that gives way, though it came first."""
    sent = threading.Event()

    def large(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
        start_response("200 OK", [])
        sent.set()
        return [b"x" * 10_000_000]  # more than the kernel buffers

    server = WebThread("127.0.0.1", 0, large)
    server.start()
    with connected(server) as reader, ExitStack() as held:
        reader.sendall(REQUEST)
        assert sent.wait(WAIT_SECONDS)
        idle = [held.enter_context(connected(server)) for _ in range(CONNECTIONS + 10)]
        assert rest(idle[0]) == b""
        assert len(rest(reader)) > 10_000_000
    server.stop()


def test_time_is_over_for_a_client_that_drips(monkeypatch: pytest.MonkeyPatch) -> None:
    """One byte after the other does not begin its time anew: it is closed without an answer."""
    monkeypatch.setattr(web_thread, "EXCHANGE_SECONDS", 0.5)
    with serving() as server, connected(server) as client:
        closed = threading.Event()

        def drip() -> None:
            with contextlib.suppress(OSError):
                while not closed.wait(0.02):
                    client.sendall(b"y")

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            assert rest(client) == b""
        finally:
            closed.set()
            dripping.join()


def test_nothing_is_left_at_the_end() -> None:
    """With clients of all kinds connected, the stop ends the thread and closes them and the port."""
    before = threading.active_count()
    with ExitStack() as held:
        with serving() as server:
            clients = [held.enter_context(connected(server)) for _ in range(10)]
            for client in clients[:5]:
                client.sendall(REQUEST[:9])
            ask(server)
        assert [rest(client) for client in clients] == [b""] * 10
    assert threading.active_count() == before
    with pytest.raises(ConnectionRefusedError):
        connected(server)


def test_a_server_stops_before_it_has_served() -> None:
    """A start and a stop at once leave nothing behind."""
    before = threading.active_count()
    for _ in range(50):
        with serving():
            pass
    assert threading.active_count() == before


def test_it_is_asked_over_ipv6() -> None:
    """A host with colons is an IPv6 address."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    with serving("::1") as server:
        assert ask(server, host="::1").endswith(b"/page q=1 -\n")
