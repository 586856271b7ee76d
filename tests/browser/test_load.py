"""An agent's load on the call's card and in their own view: a real browser, a real console, a real Redis."""

from __future__ import annotations

import time

from playwright.async_api import Page, expect

from callbus.messages.load import AgentLoad, Suggestion
from callbus.redis.loads import Loads
from tests.browser.test_agent import link, signing
from tests.browser.test_page import live
from tests.console.made_up import call_state
from tests.console.running import Publisher, RunningConsole

__all__ = ["signing"]
AGENT = "a" * 32


async def bear(publisher: Publisher, call_id: str, load: AgentLoad) -> None:
    """As a worker tells it."""
    await Loads(publisher.bus).change(AGENT, call_id, lambda _: (b"{}", load))


async def test_one_quiet_line_on_the_card(page: Page, console: RunningConsole, publisher: Publisher) -> None:
    """On that call's alone, also on a page that is opened later; no search finds it."""
    since = time.time() - 7_800
    await publisher.publish(call_state("hard"), call_state("other"))
    await bear(publisher, "hard", AgentLoad(3, since, Suggestion.LIGHTER_WORK))
    await live(page, console)
    card = page.locator(".call", has_text="hard").locator(".load")
    await expect(card).to_contain_text("3 hard calls in a row \u00b7 2:10:", timeout=20_000)
    await expect(card).to_contain_text("a debrief and lighter work might help")
    await expect(page.locator(".call .load:visible")).to_have_count(1)
    await page.reload()
    await expect(card).to_contain_text("3 hard calls in a row")
    await page.locator("#find").fill("hard calls")
    await expect(page.locator(".call")).to_have_count(0)


async def test_the_agents_own_line(page: Page, signing: RunningConsole, publisher: Publisher) -> None:
    """Theirs, and nothing of a single hard call but the time."""
    await publisher.publish(call_state())
    await bear(publisher, "call-1", AgentLoad(1, time.time() - 60, Suggestion.NONE))
    await page.goto(link(signing))
    await expect(page.locator("#load")).to_contain_text("without a pause", timeout=20_000)
    await expect(page.locator("#load")).not_to_contain_text("hard")
