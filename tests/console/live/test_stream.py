"""/events of a running console that follows a real Redis."""

from __future__ import annotations

import asyncio
import socket
import time

import httpx

from callbus.messages.wire import encode_publication
from tests.conftest import PrivateRedis
from tests.console.events import events
from tests.console.made_up import alert, call_state, floor, transcript
from tests.console.running import Publisher, RunningConsole


async def test_opening(console: RunningConsole, publisher: Publisher) -> None:
    """A new page gets the whole board first, and then each message as it is published, in its wire form."""
    await publisher.publish(call_state(), transcript(text="before"), alert())
    async with events(console.url) as page:
        whole = await page.next()
        while not whole.data["alerts"]:
            whole = await page.next("snapshot", "alert")
        assert whole.kind == "snapshot"
        assert whole.data["stale_since"] is None
        assert whole.data["calls"][0]["state"]["call_id"] == "call-1"
        assert whole.data["calls"][0]["words"][0]["text"] == "before"
        await publisher.publish(transcript(sequence=2, text="after"))
        said = await page.next("transcript")
        assert (said.data["type"], said.data["version"], said.data["text"]) == ("transcript", 1, "after")


async def test_seeded_at_start(redis_url: str, publisher: Publisher) -> None:
    """A console that starts in the middle of a shift shows the calls and alerts that are there."""
    await publisher.publish(*floor(30))
    async with RunningConsole(redis_url) as console, httpx.AsyncClient() as client:
        await console.ready()
        calls = (await client.get(f"{console.url}/api/calls")).json()
        alerts = (await client.get(f"{console.url}/api/alerts")).json()
    assert len(calls["calls"]) == 30
    assert all(len(call["words"]) == 2 for call in calls["calls"])
    raised = [alert["raised_at"] for alert in alerts["alerts"]]
    assert raised == sorted(raised, reverse=True)
    assert len(raised) == 3


async def test_catch_up(console: RunningConsole, publisher: Publisher) -> None:
    """A page that comes back with its last id gets what it missed, in order, once, and no board anew."""
    async with events(console.url) as page:
        await page.next("snapshot")
        await publisher.publish(call_state(), transcript(sequence=1, text="seen"))
        await page.next("transcript")
        cursor = page.cursor
    await publisher.publish(transcript(sequence=2, text="missed"), alert(), transcript(sequence=3, text="missed too"))
    await asyncio.sleep(0.5)
    async with events(console.url, cursor) as page:
        told = [await page.next() for _ in range(4)]
        assert [one.kind for one in told] == ["transcript", "transcript", "alert", "shown"]
        assert [one.data["text"] for one in told[:2]] == ["missed", "missed too"]
        assert told[3].data == {"call_ids": ["call-1"]}
        await publisher.publish(transcript(sequence=4, text="live"))
        assert (await page.next("transcript")).data["text"] == "live"


async def test_catch_up_across_a_restart(redis_url: str, publisher: Publisher) -> None:
    """The ids are Redis's own: a page catches up at another console, or at one that was restarted."""
    async with RunningConsole(redis_url) as first:
        await first.ready()
        async with events(first.url) as page:
            await publisher.publish(call_state())
            await page.next("call_state")
            cursor = page.cursor
    await publisher.publish(alert())
    async with RunningConsole(redis_url) as second:
        await second.ready()
        async with events(second.url, cursor) as page:
            assert (await page.next()).kind == "alert"


async def test_unusable_cursor(console: RunningConsole, publisher: Publisher) -> None:
    """An id that is none, lies ahead, or is older than the streams gets the whole board."""
    await publisher.publish(call_state(), transcript(), alert())
    for since in ("nonsense", "9999999999999-0_0-0_0-0", "1-0_1-0_1-0"):
        async with events(console.url, since) as page:
            assert (await page.next()).kind == "snapshot", since


async def test_too_much_missed(console: RunningConsole, publisher: Publisher) -> None:
    """A page that missed more than is worth sending one by one gets the whole board."""
    async with events(console.url) as page:
        await publisher.publish(call_state(), transcript(), alert())
        while not page.cursor or "0-0" in page.cursor.split("_"):
            await page.next()
        cursor = page.cursor
    for start in range(2, 702, 100):
        await publisher.publish(*(transcript(sequence=number) for number in range(start, start + 100)))
    await asyncio.sleep(0.5)
    async with events(console.url, cursor) as page:
        assert (await page.next()).kind == "snapshot"


async def test_unreadable_message(console: RunningConsole, publisher: Publisher) -> None:
    """A message that cannot be read is passed over: the next one comes, and the page is not stale."""
    bus = publisher.bus
    async with events(console.url) as page:
        for payload in (b"{}", b"not json", b'{"version": 99, "type": "alert"}', b"\xff"):
            await bus.client.xadd(bus.keys.alerts, {"m": payload})
            await bus.client.publish(bus.keys.alerts, payload)
        await publisher.publish(alert())
        assert (await page.next("alert")).data["call_id"] == "call-1"
        await asyncio.sleep(7)
        assert (await page.next("status")).data["stale_since"] is None


async def test_silent_subscription(console: RunningConsole, publisher: Publisher) -> None:
    """A message that reached the stream and not the subscription is noticed, and comes with the board anew."""
    bus = publisher.bus
    async with events(console.url) as page:
        await page.next("snapshot")
        await bus.client.xadd(bus.keys.alerts, {"m": encode_publication(alert())})
        assert len((await page.next("snapshot")).data["alerts"]) == 1


async def test_metrics(console: RunningConsole, publisher: Publisher) -> None:
    """Open pages, sent events and the way from alert to page are measured."""
    async with events(console.url) as page:
        await page.next("snapshot")
        assert await console.metric("callvane_console_browsers") == 1
        await publisher.publish(alert())
        await page.next("alert")
        await page.next("status")
        assert await console.metric('callvane_console_events_sent_total{type="alert"}') == 1
        assert await console.metric("callvane_console_alert_delivery_seconds_count") == 1
        assert 0 < await console.metric("callvane_console_alert_delivery_seconds_sum") < 5
        assert 0.9 < await console.metric("callvane_console_speech_to_page_seconds_sum") < 6
    for _ in range(100):
        if await console.metric("callvane_console_browsers") == 0:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("a page that left is still counted")


async def test_full(redis_url: str) -> None:
    """One page more than `max_browsers` is told to come later; the others stay."""
    async with RunningConsole(redis_url, max_browsers=1) as console, events(console.url) as page:
        await page.next()
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"{console.url}/events")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        await page.next("status")


async def test_slow_page(redis_url: str, publisher: Publisher) -> None:
    """A page that reads nothing is disconnected and counted, and delays nobody."""
    async with RunningConsole(redis_url, queue_events=16) as console:
        await console.ready()
        narrow = socket.socket()
        narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        narrow.connect(("127.0.0.1", console.port))
        reader, writer = await asyncio.open_connection(sock=narrow, limit=1_024)
        writer.write(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.3)
        await publisher.publish(call_state())
        async with events(console.url) as page:
            sequence = 0
            while not await console.metric('callvane_console_browsers_dropped_total{reason="slow"}'):
                for _ in range(20):
                    sequence += 1
                    await publisher.publish(transcript(sequence=sequence, text="word " * 1_900))
                    while (await page.next("transcript")).data["sequence"] != sequence:
                        pass
                assert sequence < 5_000, "the slow page was not cut"
        received = await reader.read(-1)  # what the kernels still held, then the end, in the middle of an event
        assert not received.endswith(b"0\r\n\r\n")
        writer.close()


async def test_sigterm(redis_url: str, publisher: Publisher) -> None:
    """SIGTERM ends open streams in order, none cut off when the patience is over, and the process with 0."""
    async with RunningConsole(redis_url) as console:
        await console.ready()
        async with events(console.url) as one, events(console.url) as two:
            await one.next()
            await two.next()
            stopping = asyncio.create_task(console.stop())
            await asyncio.gather(one.until_end(), two.until_end())
            assert await stopping == 0
    assert "graceful" not in console.log, console.log
    assert "Traceback" not in console.log, console.log


async def test_ended_call_goes(redis_url: str, publisher: Publisher) -> None:
    """Pages are told when a call leaves the board."""
    async with RunningConsole(redis_url, ended_seconds=1) as console:
        await console.ready()
        async with events(console.url) as page:
            now = time.time()
            await publisher.publish(call_state(phase="ended", updated_at=now, closed_at=now, reason="bye"))
            assert (await page.next("gone")).data == {"call_ids": ["call-1"]}


async def test_redis_away_at_start(private_redis: PrivateRedis) -> None:
    """Without Redis the page is served and says since when it is stale, /readyz says why; it heals by itself."""
    private_redis.stop()
    async with RunningConsole(private_redis.url, heartbeat_seconds=0.3) as console, httpx.AsyncClient() as client:
        assert (await client.get(console.url)).status_code == 200
        answer = await client.get(f"http://127.0.0.1:{console.health_port}/readyz")
        assert answer.status_code == 503
        assert "redis" in answer.text
        async with events(console.url) as page:
            whole = await page.next()
            assert whole.data["stale_since"] <= time.time()
            private_redis.start()
            while (await page.next("snapshot", "status")).data["stale_since"] is not None:
                pass
        await console.ready()
        assert await console.stop() == 0


async def test_redis_lost_and_back(private_redis: PrivateRedis) -> None:
    """A lost Redis is told to every page at once; when it is back, with nothing in it, publications come again."""
    async with RunningConsole(private_redis.url) as console, Publisher(private_redis.url) as publisher:
        await console.ready()
        async with events(console.url) as page:
            await publisher.publish(call_state(), alert())
            await page.next("alert")
            private_redis.stop()
            while (await page.next("status")).data["stale_since"] is None:
                pass
            assert await console.metric("callvane_console_stale") == 1
            private_redis.start()
            again = await page.next("snapshot")
            assert again.data["stale_since"] is None
            assert len(again.data["alerts"]) == 1
            await publisher.publish(alert(alert_id="second"))
            await page.alert("second")


async def test_redis_frozen(private_redis: PrivateRedis) -> None:
    """A Redis that holds its connections but answers nothing is stale too."""
    async with RunningConsole(private_redis.url) as console, Publisher(private_redis.url) as publisher:
        await console.ready()
        async with events(console.url) as page:
            await page.next("snapshot")
            private_redis.freeze()
            try:
                while (await page.next("status")).data["stale_since"] is None:
                    pass
            finally:
                private_redis.thaw()
            while (await page.next("snapshot", "status")).data["stale_since"] is not None:
                pass
            await publisher.publish(alert())
            await page.next("alert")
