"""Who may look, asked of the running server."""

from __future__ import annotations

import httpx

from tests.console.running import RunningConsole

CREDENTIAL = "correct horse"
PATHS = ["/", "/page/main.js", "/events", "/api/calls", "/api/alerts", "/nothing"]


FOREIGN = ["evil.example", "evil.example:8080", "", "127.0.0.1.evil.example", "[::2]:80"]
OWN = ["localhost", "LOCALHOST:1", "127.0.0.1:8080", "[::1]:8080"]


async def test_foreign_host(console: RunningConsole) -> None:
    """A request by a name that is not loopback's is refused: no foreign page reads calls by DNS rebinding."""
    async with httpx.AsyncClient() as client:
        for host in FOREIGN:
            for path in PATHS:
                answer = await client.get(console.url + path, headers={"Host": host})
                assert answer.status_code == 421, (host, path)
    refused = await console.metric('callvane_console_requests_refused_total{reason="host"}')
    assert refused == len(FOREIGN) * len(PATHS)


async def test_own_host(console: RunningConsole) -> None:
    """Loopback's own names are served, whatever port a tunnel gives them."""
    async with httpx.AsyncClient() as client:
        for host in OWN:
            assert (await client.get(console.url, headers={"Host": host})).status_code == 200, host


async def test_headers(console: RunningConsole) -> None:
    """Every answer, errors included, carries the policy that lets no foreign or inline script run."""
    async with httpx.AsyncClient() as client:
        for path in ("/", "/page/main.js", "/api/calls", "/nothing"):
            headers = (await client.get(console.url + path)).headers
            assert "script-src 'self'" in headers["content-security-policy"]
            assert "unsafe" not in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["x-frame-options"] == "DENY"
            assert "server" not in headers


async def test_only_the_page(console: RunningConsole) -> None:
    """No path leads out of the page's folder."""
    async with httpx.AsyncClient() as client:
        for path in ("/page/../settings.py", "/page/%2e%2e/settings.py", "/page/..%2fsettings.py"):
            answer = await client.get(httpx.URL(console.url).copy_with(raw_path=path.encode()))
            assert answer.status_code == 404, path


async def test_read_only(console: RunningConsole) -> None:
    """Nothing but reading is allowed."""
    async with httpx.AsyncClient() as client:
        for path in ("/", "/events", "/api/calls"):
            assert (await client.post(console.url + path)).status_code == 405
        assert (await client.head(console.url + "/events")).status_code == 405


async def test_password(redis_url: str) -> None:
    """With a password nothing is served without it; a wrong one is counted; any name in the address bar is fine."""
    async with RunningConsole(redis_url, password=CREDENTIAL) as console, httpx.AsyncClient() as client:
        for path in PATHS:
            answer = await client.get(console.url + path)
            assert answer.status_code == 401, path
            assert answer.headers["www-authenticate"].startswith("Basic ")
        for wrong in (("supervisor", "wrong"), ("root", CREDENTIAL), ("supervisor", "")):
            assert (await client.get(console.url, auth=wrong)).status_code == 401
        for nonsense in ("Basic", "Basic %%%", "Bearer abc", "Basic " + "A" * 5_000, "Basic \xff\xfe"):
            assert (
                await client.get(console.url, headers={b"Authorization": nonsense.encode("latin-1")})
            ).status_code == 401
        assert await console.metric('callvane_console_requests_refused_total{reason="password"}') == 8
        answer = await client.get(console.url, auth=("supervisor", CREDENTIAL), headers={"Host": "console.example"})
        assert answer.status_code == 200
        assert await console.stop() == 0
    assert CREDENTIAL not in console.log
