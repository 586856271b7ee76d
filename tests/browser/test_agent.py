"""An agent's own view of their call: a real browser, a real console, a real Redis."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, expect

from callbus import Core, Evidence, Intake, Mood, Phase, Practice, Wish
from console.agent.link import path
from tests.browser.test_page import HOSTILE, MINUS
from tests.console.made_up import alert, call_state
from tests.console.practised import practice
from tests.console.running import Publisher, RunningConsole

KEY = "a key of sixteen bytes or more"
CREDENTIAL = "correct horse"


@pytest.fixture
async def signing(redis_url: str) -> AsyncIterator[RunningConsole]:
    """A console with a password for supervisors and a key for agents' links."""
    settings = {"agent_key": KEY, "password": CREDENTIAL, "heartbeat_seconds": 0.3}
    async with RunningConsole(redis_url, **settings) as console:
        await console.ready()
        yield console


def link(console: RunningConsole, call_id: str = "call-1", seconds: int = 600) -> str:
    """What a desktop opens."""
    return console.url + path(KEY.encode(), call_id, int(time.time()) + seconds)


async def test_a_nudge_in_one_line(page: Page, signing: RunningConsole, publisher: Publisher) -> None:
    """From waiting over the intake to the shift and the end, without a sign-in; no act, finding or score is on it."""
    await page.goto(link(signing))
    nudge = page.get_by_role("status")
    await expect(nudge).to_have_text("Waiting for the call.")
    await publisher.publish(call_state(practice=practice()))
    await expect(nudge).to_have_text("! Urgent · worry or frustration · wants a plan · formal")
    await expect(page.locator("#says")).to_have_text("“The wedding is on Friday.”")
    await expect(page.locator("#when")).to_have_text(re.compile(r"^1:\d\d into the call$"))
    await publisher.publish(call_state(mood=Mood.WORSENED, practice=practice()), alert())
    await expect(nudge).to_have_text("▼ Customer worsened · ! Urgent · worry or frustration · wants a plan · formal")
    await expect(page.locator("#when")).to_contain_text("shift just now")
    shown = await page.locator("body").inner_text()
    assert not re.search(rf"Interrupted|hint|step|Laura|\d %|{MINUS}", shown)
    await publisher.publish(call_state(phase=Phase.ENDED, closed_at=time.time(), practice=practice()))
    await expect(page.locator("#when")).to_contain_text("ended just now")


async def test_it_ends(page: Page, signing: RunningConsole, publisher: Publisher) -> None:
    """When its link expires the view says so and shows nothing more."""
    await publisher.publish(call_state(practice=practice()))
    await page.goto(link(signing, seconds=4))
    await expect(page.locator("#says")).to_have_text("“The wedding is on Friday.”")
    await expect(page.get_by_role("status")).to_have_text("This link has expired.")
    await expect(page.locator("#says")).to_be_empty()
    await expect(page.locator("#when")).to_be_empty()


async def test_not_judged(page: Page, signing: RunningConsole, publisher: Publisher) -> None:
    """A call that is not judged says that alone."""
    await publisher.publish(call_state(is_judged=False, mood=Mood.WORSENED, practice=Practice(is_judged=False)))
    await page.goto(link(signing))
    await expect(page.get_by_role("status")).to_have_text("This call is not judged.")


async def test_hostile_words_stay_words(page: Page, signing: RunningConsole, publisher: Publisher) -> None:
    """Markup in an id and in the customer's words is text; nothing widens a narrow window."""
    await page.set_viewport_size({"width": 260, "height": 200})
    call_id = HOSTILE[:128]
    for quote in ("W" * 160, HOSTILE):
        told = Intake((Core.ANGER,), Evidence(quote, 1, 1.0, "<b>", 1.0), 0.0, None, Wish.HEARD)
        await publisher.publish(call_state(call_id, practice=practice(intake=told)))
        await page.goto(link(signing, call_id))
        await expect(page.locator("#says")).to_have_text(f"“{quote}”")
        assert await page.evaluate("document.documentElement.scrollWidth") <= 260
    assert await page.locator("main img, main script, main b").count() == 0
    assert await page.evaluate("window.pwned") is None


async def test_the_console_restarts(page: Page, redis_url: str, publisher: Publisher) -> None:
    """A view says that it is not live, and comes back by itself."""
    await publisher.publish(call_state(practice=practice()))
    async with RunningConsole(redis_url, agent_key=KEY, heartbeat_seconds=0.3) as console:
        await console.ready()
        port = console.port
        await page.goto(link(console))
        await expect(page.get_by_role("status")).to_contain_text("Urgent")
    await expect(page.locator("#when")).to_contain_text("Not live; trying again")
    async with RunningConsole(redis_url, agent_key=KEY, heartbeat_seconds=0.3, port=port):
        await expect(page.locator("#when")).not_to_contain_text("Not live")
        await expect(page.locator("#when")).to_contain_text("into the call")
        await page.close()
