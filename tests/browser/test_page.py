"""The page as a supervisor sees it: a real browser, a real console, a real Redis."""

from __future__ import annotations

import asyncio
import re
import signal
import time

from playwright.async_api import Browser, Page, expect

from callbus import Leg, Mood, Phase, Quote, Role, Term, Tier
from callbus.redis.bus import Bus
from callbus.redis.leases import Leases
from callbus.redis.overload import tell
from callbus.redis.settings import RedisSettings
from tests.conftest import PrivateRedis
from tests.console.made_up import alert, call_state, floor, legs, transcript
from tests.console.running import Publisher, RunningConsole
from tests.ports import held_port

MINUS = "\N{MINUS SIGN}"
HOSTILE = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>&amp;\u202e{{7*7}}'


async def live(page: Page, console: RunningConsole) -> None:
    """Open the page and wait until it is live."""
    await page.goto(console.url)
    await page.wait_for_selector("body:not(.stale)")


async def test_nothing_yet(page: Page, console: RunningConsole) -> None:
    """Without calls the page says that it is connected and what to do."""
    await live(page, console)
    await expect(page.locator("#no-calls")).to_contain_text("testcall")
    await expect(page.locator("#no-alerts")).to_be_visible()
    await expect(page.locator("#link-text")).to_have_text(re.compile(r"^Live \d\d:\d\d:\d\d$"))


async def test_a_call(page: Page, console: RunningConsole, publisher: Publisher) -> None:
    """A call appears by itself: who, in which mood, how long, each leg's last words, the curve of its scores."""
    await live(page, console)
    await publisher.publish(call_state(), transcript(text="Good morning Laura."))
    await publisher.publish(transcript(leg_id="2", role=Role.AGENT, sequence=2, text="How can I help?"))
    card = page.locator(".call")
    await expect(card).to_have_count(1)
    await expect(card.locator(".agent")).to_have_text("Laura Bennett")
    await expect(card.locator(".mood")).to_contain_text("Calm")
    await expect(card.locator(".time")).to_have_text(re.compile(r"^1:\d\d$"))
    await expect(card.locator("dd")).to_have_text(["Good morning Laura.", "How can I help?"])
    await expect(card.get_by_role("img")).to_have_attribute("aria-label", re.compile("2 customer turns"))
    await expect(page.locator("#count-live")).to_have_text("1")
    await publisher.publish(transcript(sequence=3, text="My machine is broken."))
    await expect(card.locator("dd")).to_have_text(["My machine is broken.", "How can I help?"])


async def test_an_alert(page: Page, console: RunningConsole, publisher: Publisher) -> None:
    """An alert shows its proof: quotes side by side with call times, terms that sum to the score, the state."""
    await publisher.publish(call_state())
    await live(page, console)
    await publisher.publish(call_state(mood=Mood.WORSENED), alert())
    card = page.locator(".alert")
    await expect(card.locator("h3")).to_contain_text("Worsened")
    await expect(card.locator("h3")).to_contain_text("Laura Bennett")
    await expect(card.locator(".place")).to_contain_text("2:41 into the call")
    before, after = card.locator(".before"), card.locator(".after")
    await expect(before).to_contain_text("the number is four one seven")
    await expect(after.locator("cite").last).to_have_text(f"2:36 · {MINUS}2.35")
    left, right = await before.bounding_box(), await after.bounding_box()
    assert left is not None
    assert right is not None
    assert left["y"] == right["y"]
    assert left["x"] + left["width"] <= right["x"]
    values = [float(text.replace(MINUS, "-")) for text in await card.locator(".terms .value").all_inner_texts()]
    assert round(sum(values[:-1]), 2) == values[-1] == -2.35
    bars = [await bar.bounding_box() for bar in await card.locator(".bar").all()]
    assert all(bar is not None and bar["width"] > 3 for bar in bars)
    await expect(card.locator(".stats dd")).to_have_text([f"{MINUS}1.86", "+0.52", "1.60", "87 %", "0.9 s"])
    await expect(page.locator("#noted")).to_contain_text("Nobody ever calls back.")
    await expect(page).to_have_title("(1) Callvane")


async def test_tiers(page: Page, console: RunningConsole, publisher: Publisher) -> None:
    """An interruption is said at once and stays on top until it is seen, in place of its mark; a mark waits."""
    now = time.time()
    await publisher.publish(call_state("one"), call_state("two"))
    await live(page, console)
    await publisher.publish(alert("one", alert_id="mark", raised_at=now - 9))
    await expect(page.locator(".alert.mark")).to_have_count(1)
    await expect(page.locator(".alert .tier")).to_have_count(0)
    await expect(page.locator("#spoken")).to_be_empty()
    louder = alert("one", alert_id="louder", raised_at=now - 6, tier=Tier.INTERRUPTION, supersedes="mark")
    await publisher.publish(louder, alert("two", alert_id="newer", raised_at=now - 1))
    await expect(page.locator(".alert .id")).to_have_text(["one", "two"])
    first = page.locator(".alert").first
    await expect(first.locator(".tier")).to_have_text("Look now")
    await expect(page.locator("#spoken")).to_contain_text("Nobody ever calls back.")
    await first.get_by_role("button", name="Seen").click()
    await expect(page.locator(".alert .id")).to_have_text(["two", "one"])
    await expect(page.locator(".alert.unseen")).to_have_count(0)
    await page.reload()
    await expect(page.locator(".alert")).to_have_count(2)
    await expect(page.locator("#spoken")).to_be_empty()


async def test_hostile_text(page: Page, console: RunningConsole, publisher: Publisher) -> None:
    """Markup in anything that a call brings stays text."""
    call_id = HOSTILE[:120]
    named = (Leg("<b>1", Role.CUSTOMER), Leg("2", Role.AGENT, HOSTILE[:120]))
    quote = Quote(Role.CUSTOMER, HOSTILE, 1.0, 2.0, -1.0)
    await publisher.publish(call_state(call_id, legs=named, reason="<i>x"), transcript(call_id, text=HOSTILE))
    await live(page, console)
    await publisher.publish(
        transcript(call_id, sequence=2, leg_id="<b>1", text=HOSTILE),
        alert(
            call_id, alert_id=HOSTILE[:60], legs=named, before=(quote,), after=(quote,), terms=(Term("<b>t</b>", -2),)
        ),
        call_state(call_id, legs=named, phase=Phase.ENDED, closed_at=time.time(), reason="<i>x"),
    )
    await expect(page.locator(".call dd").first).to_have_text(HOSTILE)
    await expect(page.locator(".before blockquote p")).to_have_text(HOSTILE)
    await expect(page.locator(".terms th").first).to_have_text("<b>t</b>")
    assert await page.locator("main img, main script, main b, main i").count() == 0
    assert await page.evaluate("window.pwned") is None


async def test_long_text(page: Page, console: RunningConsole, publisher: Publisher) -> None:
    """Very long words and names neither widen the page nor bury it."""
    await publisher.publish(
        call_state("c" * 128, legs=legs("A" * 128), scores=tuple([-9.0, 9.0] * 30)),
        transcript("c" * 128, text="W" * 9_000),
        alert("c" * 128, alert_id="a", after=(Quote(Role.CUSTOMER, "x" * 2_000, 1.0, 2.0, -99.0),) * 4),
    )
    for width in (390, 1280):
        await page.set_viewport_size({"width": width, "height": 800})
        await live(page, console)
        await expect(page.locator(".call")).to_have_count(1)
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        box = await page.locator(".call").bounding_box()
        assert box is not None
        assert box["height"] < 300


async def test_order(page: Page, console: RunningConsole, publisher: Publisher) -> None:
    """Calls that turned come first, the latest on top, then those that arrived upset; the rest below, oldest first."""
    now = time.time()
    told = [("calm-new", Mood.CALM, 10), ("calm-old", Mood.CALM, 500), ("recovered", Mood.RECOVERED, 50)]
    told += [("upset", Mood.ARRIVED_UPSET, 60), ("turned-first", Mood.WORSENED, 70), ("turned-last", Mood.WORSENED, 80)]
    for call_id, mood, age in told:
        await publisher.publish(call_state(call_id, mood=mood, opened_at=now - age))
    await publisher.publish(alert("turned-first", raised_at=now - 20), alert("turned-last", raised_at=now - 5))
    await live(page, console)
    await expect(page.locator(".call .id")).to_have_text(
        ["turned-last", "turned-first", "upset", "recovered", "calm-old", "calm-new"]
    )


async def test_find(page: Page, console: RunningConsole, publisher: Publisher) -> None:
    """`/` goes to the search, which keeps calls that say the words; Escape shows all again."""
    await publisher.publish(
        call_state("one", legs=legs("Tom")), call_state("two", legs=legs("Ines")), transcript("two", text="my parcel")
    )
    await live(page, console)
    await expect(page.locator(".call")).to_have_count(2)
    await page.keyboard.press("/")
    await page.keyboard.type("PARCEL")
    await expect(page.locator(".call .agent")).to_have_text(["Ines"])
    await page.keyboard.type("zz")
    await expect(page.locator("#none-found")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator(".call")).to_have_count(2)


async def test_show_call(page: Page, console: RunningConsole, publisher: Publisher) -> None:
    """From an alert one comes to its call by the keyboard."""
    await publisher.publish(*floor(40))
    await live(page, console)
    button = page.locator(".alert.recovered .show").first
    await button.focus()
    await page.keyboard.press("Enter")
    await expect(page.locator(".call:focus .mood")).to_contain_text("Recovered")


async def test_ended_call_fades(page: Page, redis_url: str, publisher: Publisher) -> None:
    """An ended call says so, and leaves a while later."""
    async with RunningConsole(redis_url, ended_seconds=3) as console:
        await console.ready()
        await publisher.publish(call_state())
        await live(page, console)
        now = time.time()
        await publisher.publish(call_state(phase=Phase.ENDED, updated_at=now, closed_at=now, reason="bye"))
        await expect(page.locator(".call.ended .time")).to_contain_text("Ended just now")
        await expect(page.locator("#count-live")).to_have_text("0")
        await expect(page.locator(".call")).to_have_count(0)


async def test_a_call_ends_by_a_clock_that_is_behind(page: Page, console: RunningConsole, publisher: Publisher) -> None:
    """The end is shown, though the worker that wrote the state before had a clock that was ahead."""
    now = time.time()
    await publisher.publish(call_state(updated_at=now + 120))
    await live(page, console)
    await expect(page.locator("#count-live")).to_have_text("1")
    await publisher.publish(call_state(phase=Phase.ENDED, updated_at=now, closed_at=now, reason="bye"))
    await expect(page.locator(".call.ended .time")).to_contain_text("Ended just now")


async def test_redis_stops(page: Page, private_redis: PrivateRedis) -> None:
    """When the console loses Redis the page says so and stands still; when it is back all is live, nothing doubled."""
    async with RunningConsole(private_redis.url) as console, Publisher(private_redis.url) as publisher:
        await console.ready()
        await live(page, console)
        await publisher.publish(call_state(), alert())
        await expect(page.locator(".alert")).to_have_count(1)
        private_redis.stop()
        await expect(page.locator("#banner")).to_contain_text("Stale since")
        await expect(page.locator("body.stale")).to_have_count(1)
        await expect(page).to_have_title(re.compile("^Stale .* Callvane$"))
        shown = await page.locator(".call .time").inner_text()
        await asyncio.sleep(2.5)
        assert await page.locator(".call .time").inner_text() == shown
        private_redis.start()
        await page.wait_for_selector("body:not(.stale)")
        await expect(page.locator("#banner")).to_be_hidden()
        await publisher.publish(alert(), alert(alert_id="second"), call_state(), transcript(text="And again."))
        await expect(page.locator(".alert")).to_have_count(2)
        await expect(page.locator(".call")).to_have_count(1)
        await expect(page.locator(".call dd")).to_have_text("And again.")


async def test_console_restarts(page: Page, redis_url: str, publisher: Publisher) -> None:
    """When the console goes the page is stale; when it is back the page catches up with what it missed, once each."""
    with held_port() as port:
        async with RunningConsole(redis_url, port=port) as console:
            await console.ready()
            await live(page, console)
            await publisher.publish(call_state(), transcript(), alert())
            await expect(page.locator(".alert")).to_have_count(1)
        await expect(page.locator("#banner")).to_contain_text("connection to the console was lost")
        await publisher.publish(alert(alert_id="missed"), transcript(sequence=2, text="missed words"))
        async with RunningConsole(redis_url, port=port):
            await page.wait_for_selector("body:not(.stale)")
            await expect(page.locator(".alert")).to_have_count(2)
            await expect(page.locator(".call dd")).to_have_text("missed words")
            await publisher.publish(alert(alert_id="third"))
            await expect(page.locator(".alert")).to_have_count(3)
        await page.close()


async def test_console_hangs(page: Page, redis_url: str) -> None:
    """A console that holds the connection but sends nothing is noticed after three heartbeats."""
    async with RunningConsole(redis_url, heartbeat_seconds=0.4) as console:
        await console.ready()
        await live(page, console)
        assert console.process is not None
        console.process.send_signal(signal.SIGSTOP)
        try:
            await expect(page.locator("#banner")).to_contain_text("Stale since", timeout=5_000)
        finally:
            console.process.send_signal(signal.SIGCONT)
        await page.wait_for_selector("body:not(.stale)")
        await page.close()


async def test_password(chromium: Browser, redis_url: str, publisher: Publisher) -> None:
    """Signed in by the browser's own dialog, the page and its events both work."""
    words = "correct horse"
    await publisher.publish(call_state())
    async with RunningConsole(redis_url, password=words) as console:
        context = await chromium.new_context(http_credentials={"username": "supervisor", "password": words})
        page = await context.new_page()
        await live(page, console)
        await expect(page.locator(".call")).to_have_count(1)
        await context.close()


async def test_many_calls(page: Page, console: RunningConsole, publisher: Publisher) -> None:
    """A burst of two hundred talking calls reaches the page whole, and the alert after it."""
    calls = [message for message in floor(200) if not hasattr(message, "alert_id")]
    await publisher.publish(*calls)
    await live(page, console)
    await expect(page.locator(".call")).to_have_count(200)
    ids = [message.call_id for message in calls[::3]]
    for sequence in range(10, 14):
        await publisher.publish(*(transcript(call_id, sequence=sequence, text=f"words {sequence}") for call_id in ids))
    await publisher.publish(alert(ids[-1]))
    await expect(page.locator(".alert")).to_have_count(1)
    await expect(page.locator(".call dd", has_text="words 13")).to_have_count(200)
    assert await console.metric('callvane_console_browsers_dropped_total{reason="slow"}') == 0


async def test_an_overload_of_analysis_is_noticed(page: Page, console: RunningConsole, redis_url: str) -> None:
    """Some workers leave words out; if most do, new calls are refused; the notice goes by itself."""
    await live(page, console)
    notice = page.locator("#notice")
    await expect(notice).to_be_hidden()
    async with Bus(RedisSettings(url=redis_url)) as bus:
        workers = [Leases(bus, name) for name in ("a", "b")]
        for worker in workers:
            await worker.balance()
        await tell(bus, "a", True)
        await expect(notice).to_contain_text("agents' words are being left out of some calls")
        for worker in workers:
            await worker.balance()
        await tell(bus, "b", True)
        await expect(notice).to_contain_text("new calls are refused")
        for name in ("a", "b"):
            await tell(bus, name, False)
        await expect(notice).to_be_hidden()
