"""The review's paths, asked of a running console over a real Redis."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from callbus import Act, Evidence, Landed
from console.review.pages import LISTED
from tests.conftest import PrivateRedis
from tests.console.made_up import legs
from tests.console.practised import answer, debrief, intake
from tests.console.running import Publisher, RunningConsole

CREDENTIAL = "correct horse"
IDS = [
    "call-1",
    "a/b",
    "x?y#z",
    "50%2f",
    "\u00fc \u202e",
    "a\nb",
    "a\x00b",
    "<script>",
    "W" * 128,
    "debrief",
    "a/debrief",
]


async def ask(console: RunningConsole, path: str, **query: Any) -> Any:
    """The JSON of a path, and that nobody may keep it."""
    async with httpx.AsyncClient(timeout=30) as client:
        answered = await client.get(console.url + path, params=query)
    assert answered.status_code == 200, answered.text
    assert answered.headers["cache-control"] == "no-store"
    return answered.json()


def quoted(call_id: str) -> str:
    """As a browser writes it into a path."""
    return "".join(f"%{byte:02x}" for byte in call_id.encode())


@pytest.mark.parametrize("call_id", IDS)
async def test_a_calls_debrief_by_its_id(console: RunningConsole, publisher: Publisher, call_id: str) -> None:
    """Whatever the id holds; in the wire form, and of several the last."""
    await publisher.publish(debrief(call_id, ended_ago=90), debrief("other"), debrief(call_id, ended_ago=5, queue="q"))
    found = await ask(console, f"/api/calls/{quoted(call_id)}/debrief")
    assert (found["debrief"]["type"], found["debrief"]["call_id"]) == ("debrief", call_id)
    assert found["debrief"]["queue"] == "q"
    async with httpx.AsyncClient() as client:
        page = await client.get(f"{console.url}/calls/{quoted(call_id)}/debrief")
    assert page.headers["content-type"].startswith("text/html")


async def test_no_debrief(redis_url: str, publisher: Publisher) -> None:
    """It is said whether all were looked at; a quote with the call's id in it is no debrief of the call."""
    async with RunningConsole(redis_url, debriefs_read=100) as console, httpx.AsyncClient() as client:
        await publisher.publish(debrief("other", intake=intake(about=Evidence('"call-1"', 1, 1.0, "r", 1.0))))
        answered = await client.get(f"{console.url}/api/calls/call-1/debrief")
        assert (answered.status_code, answered.text) == (404, "no debrief of this call: looked at all 1\n")
        await publisher.publish(debrief("call-1"), *(debrief(str(n)) for n in range(100)))
        answered = await client.get(f"{console.url}/api/calls/call-1/debrief")
        assert (answered.status_code, answered.text) == (404, "no debrief of this call: looked at the latest 100\n")


async def test_list(console: RunningConsole, publisher: Publisher) -> None:
    """Newest first, by queue, page by page; no agent, no verdict and no count by which calls could be ranked."""
    calls = [debrief(f"call-{n}", queue="orders" if n % 2 else "") for n in range(2 * LISTED + 20)]
    await publisher.publish(*calls)
    first = await ask(console, "/api/debriefs")
    assert [each["call_id"] for each in first["debriefs"]] == [f"call-{n}" for n in range(119, 69, -1)]
    assert set(first["debriefs"][0]) == {
        *("call_id", "queue", "opened_at", "closed_at", "cores", "about", "turning_points"),
    }
    second = await ask(console, "/api/debriefs", before=first["earlier"])
    assert second["debriefs"][0]["call_id"] == "call-69"
    third = await ask(console, "/api/debriefs", before=second["earlier"])
    assert (len(third["debriefs"]), third["earlier"], third["is_cut"]) == (20, None, False)
    orders = await ask(console, "/api/debriefs", queue="orders")
    assert {each["queue"] for each in orders["debriefs"]} == {"orders"}
    assert (await ask(console, "/api/debriefs", queue="<nobody's>"))["debriefs"] == []
    assert (await ask(console, "/api/debriefs", before="1000"))["debriefs"] == []
    assert legs()[1].name not in str(first)


async def test_technique(console: RunningConsole, publisher: Publisher) -> None:
    """Counts of a queue over some days, with intervals from ten on, the queues there are, and whether it was cut."""
    told = [debrief(f"o{n}", answers=(answer(Act.ACK, Act.NEXT),)) for n in range(12)]
    told += [debrief(f"s{n}", queue="support", answers=(answer(landed=Landed.WORSE),)) for n in range(3)]
    await publisher.publish(*told)
    found = await ask(console, "/api/technique", technique="next_step", days=7, queue="orders")
    use = found["use"]
    assert (use["technique"], use["calls"], use["calls_with_distress"]) == ("next_step", 12, 12)
    assert (use["used"]["count"], use["used"]["of"], use["used"]["share"]) == (12, 12, 1.0)
    assert use["used"]["low"] == pytest.approx(0.7575, abs=1e-4)
    assert use["with_it"]["better"]["count"] == 12
    assert found["queues"] == ["orders", "support"]
    assert (found["looked"], found["is_cut"]) == (15, False)
    whole = await ask(console, "/api/technique", technique="next_step")
    assert whole["use"]["without_it"]["worse"] == {"count": 3, "of": 3, "share": None, "low": None, "high": None}


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/api/technique", {"technique": "smile"}),
        ("/api/technique", {"days": "31"}),
        ("/api/technique", {"days": "0"}),
        ("/api/technique", {"days": "-1"}),
        ("/api/technique", {"days": "\u0663"}),
        ("/api/technique", {"days": "1e1"}),
        ("/api/debriefs", {"before": "now"}),
        ("/api/debriefs", {"before": "9" * 16}),
        ("/api/debriefs", {"before": "1-1-1"}),
    ],
)
async def test_nonsense_is_refused_in_one_line(console: RunningConsole, path: str, query: dict[str, str]) -> None:
    """With the parameter and what it may be, and without repeating it."""
    async with httpx.AsyncClient() as client:
        answered = await client.get(console.url + path, params=query)
    (name,) = query
    assert answered.status_code == 400
    assert answered.text.startswith(f"{name}: ")
    assert answered.text.count("\n") == 1


@pytest.mark.parametrize("path", ["/debriefs", "/technique", "/api/debriefs", "/api/technique", "/api/calls/x/debrief"])
async def test_access_is_the_pages(redis_url: str, path: str) -> None:
    """The same password and the same headers; reading alone is allowed."""
    async with RunningConsole(redis_url, password=CREDENTIAL) as console, httpx.AsyncClient() as client:
        assert (await client.get(console.url + path)).status_code == 401
        signed_in = ("supervisor", CREDENTIAL)
        answered = await client.get(console.url + path, auth=signed_in)
        assert answered.status_code == (404 if path.endswith("x/debrief") else 200)
        assert "script-src 'self'" in answered.headers["content-security-policy"]
        assert (await client.post(console.url + path, auth=signed_in)).status_code == 405


async def test_without_redis(private_redis: PrivateRedis) -> None:
    """The answer is 503 in one line while Redis is away, and comes again when it is back."""
    async with RunningConsole(private_redis.url) as console, httpx.AsyncClient(timeout=60) as client:
        await console.ready()
        private_redis.stop()
        answered = await client.get(f"{console.url}/api/debriefs")
        assert (answered.status_code, answered.headers["retry-after"]) == (503, "5")
        private_redis.start()
        assert (await ask(console, "/api/debriefs"))["debriefs"] == []
