"""What the page says of a call's language: a real browser, a real console, a real Redis."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from callbus import Mood, Role
from tests.browser.test_page import live
from tests.console.made_up import call_state, floor, transcript
from tests.console.running import Publisher, RunningConsole


@pytest.mark.parametrize(
    ("language", "is_judged", "mood", "line"),
    [
        ("es", False, "Not judged", "Spanish: words shown, feeling not judged"),
        ("", False, "Not judged", "Words shown, feeling not judged"),
        ("it", True, "Calm", "Italian"),
        ("<b>", True, "Calm", "<b>"),
        ("en", True, "Calm", ""),
        ("", True, "Calm", ""),
    ],
)
async def test_a_call_says_its_language(
    page: Page, console: RunningConsole, publisher: Publisher, language: str, is_judged: bool, mood: str, line: str
) -> None:
    """A call that is not judged says so in place of a mood; a judged one names a language other than English."""
    await publisher.publish(
        call_state(language=language, is_judged=is_judged, scores=()), transcript(role=Role.CUSTOMER, text="Hola.")
    )
    await live(page, console)
    card = page.locator(".call")
    await expect(card.locator(".mood .name")).to_have_text(mood)
    await expect(card.locator(".language")).to_have_text(line)
    await expect(card.locator(".language")).to_be_visible(visible=bool(line))
    await expect(card.locator("dd")).to_have_text("Hola.")


async def test_a_call_that_is_found_to_be_foreign(page: Page, console: RunningConsole, publisher: Publisher) -> None:
    """What seemed a mood before is taken back: the call leaves those that want attention."""
    await live(page, console)
    await publisher.publish(call_state(mood=Mood.WORSENED))
    await expect(page.locator("#attention .call")).to_have_count(1)
    await publisher.publish(call_state(language="fr", is_judged=False, scores=()))
    await expect(page.locator("#steady .call .language")).to_contain_text("French")
    await expect(page.locator("#attention .call")).to_have_count(0)
    await expect(page.locator(".call svg")).to_have_count(0)


async def test_found_in_a_long_list(page: Page, console: RunningConsole, publisher: Publisher) -> None:
    """Among many calls, where each is a row, the language stands in its row and the search finds it."""
    await publisher.publish(*floor(40), call_state("foreign", language="es", is_judged=False, scores=()))
    await live(page, console)
    row = page.locator(".rows .call", has_text="Spanish")
    await expect(row.locator(".language")).to_be_visible()
    inside, box = await row.locator(".language").bounding_box(), await row.bounding_box()
    assert inside is not None
    assert box is not None
    assert box["y"] < inside["y"] < inside["y"] + inside["height"] <= box["y"] + box["height"]
    await page.keyboard.press("/")
    await page.keyboard.type("not judged")
    await expect(page.locator(".call:visible")).to_have_count(1)
