"""Where requests may lead. What is taken from an answer is tested with the servers that are asked."""

from __future__ import annotations

import logging

import pytest

from service import remote_server
from service.remote_server import Failure, RemoteServer, ServerError, far_address, host_of, is_header_value
from tests.analysis.chat import always, http, model


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://127.0.0.1:8000/v1", "127.0.0.1"),
        ("https://CRM.internal/callers/{caller}?by={number}", "crm.internal"),
        ("http://[::1]:80", "::1"),
        *((url, "") for url in ("", "crm.internal/x", "ftp://crm.internal", "http://", "http://a b/", "http://a\n/")),
        *((url, "") for url in ("http://[::1", "http://a:x/", "http://m\u00fcller/")),
    ],
)
def test_the_host_of_a_url(url: str, host: str) -> None:
    """None of what is no URL for HTTP."""
    assert host_of(url) == host


def test_a_far_address_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first that is neither local nor private; a name that cannot be resolved has none yet."""
    found = {"near": ("10.0.0.1", "::1"), "mixed": ("10.0.0.1", "203.0.113.7"), "nobody": ()}
    monkeypatch.setattr(remote_server, "addresses", lambda host: found[host])
    assert [far_address(host) for host in found] == ["", "203.0.113.7", ""]


@pytest.mark.parametrize(("value", "is_one"), [("Bearer x", True), ("", True), ("a\r\nb", False), ("\u00e9", False)])
def test_what_a_header_may_hold(value: str, is_one: bool) -> None:
    """Nothing can be smuggled into a request by it."""
    assert is_header_value(value) is is_one


async def test_a_get_leads_to_its_url_alone(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """With the headers, without the environment's proxy, and without a line in the log."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    caplog.set_level(logging.DEBUG)
    async with model(always(http(b"{}"))) as served:
        server = RemoteServer({"X-Key": "geheim"}, anywhere=False, connections=1, answer_bytes=10)
        assert await server.get(f"{served.url}/a?b=%2Bc") == b"{}"
        await server.close()
    (request,) = served.requests
    assert request.line == "GET /v1/a?b=%2Bc HTTP/1.1"
    assert request.headers["x-key"] == "geheim"
    assert [each for each in caplog.messages if "%2Bc" in each or "geheim" in each] == []


async def test_a_name_that_leads_far_away_is_asked_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The address at the other end of the connection counts."""
    monkeypatch.setattr(remote_server, "NEAR", ())
    async with model(always(http(b"{}"))) as served:
        server = RemoteServer({}, anywhere=False, connections=1, answer_bytes=10)
        with pytest.raises(ServerError) as fault:
            await server.get(served.url.replace("127.0.0.1", "localhost"))
        await server.close()
    assert (fault.value.failure, served.requests) == (Failure.REFUSED, [])
