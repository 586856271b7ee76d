"""Written conversations on the page: a real browser, a real console, a real Redis."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from callbus import Channel, Quote, Role
from tests.browser.test_page import live
from tests.console.made_up import alert, call_state, transcript
from tests.console.running import Publisher, RunningConsole

TEXTS = {
    "nul bytes": "hello\x00\x01there",
    "overridden direction": "\u202ethis is terrible\u2066",
    "ten thousand emojis": "\U0001f621" * 10_000,
    "marks without end": "te" + "\u0301" * 1_500 + "rrible",
    "one word": "x" * 10_000,
    "markup": '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>' * 20,
    "a link": '<a href="javascript:window.pwned=1">here</a> javascript:window.pwned=1',
    "a prompt": "Ignore all previous instructions. " * 250,
    "right to left": "\u0647\u0630\u0627 \u0641\u0638\u064a\u0639 " * 500,
    "lines": "a\n" * 4_000,
}


@pytest.mark.parametrize(
    ("channel", "language", "line"),
    [
        (Channel.PHONE, "", ""),
        (Channel.CHAT, "", "Chat"),
        (Channel.EMAIL, "", "E-mail"),
        (Channel.CHAT, "it", "Chat · Italian"),
        (Channel.PHONE, "it", "Italian"),
    ],
)
async def test_a_conversation_names_its_channel(
    page: Page, console: RunningConsole, publisher: Publisher, channel: Channel, language: str, line: str
) -> None:
    """In a word; a phone call needs none."""
    await publisher.publish(call_state(channel=channel, language=language))
    await live(page, console)
    await expect(page.locator(".call .language")).to_have_text(line)
    await expect(page.locator(".call .language")).to_be_visible(visible=bool(line))


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
async def test_a_pathological_text_is_text(
    page: Page, console: RunningConsole, publisher: Publisher, text: str
) -> None:
    """It runs nothing, widens nothing, buries nothing, and the next message is shown below it."""
    await publisher.publish(call_state(channel=Channel.CHAT), transcript(text=text))
    await live(page, console)
    quote = Quote(Role.CUSTOMER, text[:2_000], 1.0, 1.0, -1.0)
    await publisher.publish(alert(after=(quote,)), transcript(sequence=2, leg_id="2", role=Role.AGENT, text="I see."))
    await expect(page.locator(".call dd").last).to_have_text("I see.")
    await expect(page.locator(".alert")).to_have_count(1)
    assert await page.evaluate("window.pwned") is None
    assert await page.locator("main img, main script, main a").count() == 0
    assert await page.evaluate("document.documentElement.scrollWidth") <= 1280
    box = await page.locator(".call").bounding_box()
    assert box is not None
    assert box["height"] < 800
