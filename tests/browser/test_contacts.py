"""What the page says of a caller's earlier contacts: a real browser, a real console, a real Redis."""

from __future__ import annotations

import time

import pytest
from playwright.async_api import Page, expect

from callbus import Contact, CrmRecord, Tier
from tests.browser.test_page import HOSTILE, live
from tests.console.made_up import alert, call_state, floor
from tests.console.running import Publisher, RunningConsole

DAY = 86_400


@pytest.mark.parametrize(
    ("contact", "lines"),
    [
        (None, []),
        (Contact(1, 0, 7.0), []),
        (Contact(2, 1, 7.0, time.time() - 3 * DAY), ["2nd contact in 7 days, the last one 3 days ago"]),
        (Contact(13, 12, 1.0, time.time() - 2 * 3_600), ["13th contact in a day, the last one 2 h ago"]),
        (Contact(3, 0, 7.0, said="This is the third time."), ["Says so: “This is the third time.”"]),
        (
            Contact(1, 0, 7.0, crm=CrmRecord(12, "Dr Weber", "short answers")),
            ["Address as Dr Weber", "short answers", "12 earlier in the CRM"],
        ),
        (Contact(crm=CrmRecord(0)), []),
        (Contact(1, 0, 7.0, crm=CrmRecord(notes=HOSTILE)), [HOSTILE]),
    ],
)
async def test_a_card_says_what_is_known_of_the_caller(
    page: Page, console: RunningConsole, publisher: Publisher, contact: Contact | None, lines: list[str]
) -> None:
    """Each source in a line of its own, as text; nothing about a caller who is new."""
    await publisher.publish(call_state(contact=contact))
    await live(page, console)
    await expect(page.locator(".call .mood")).to_be_visible()
    await expect(page.locator(".call .contact li > span:last-child")).to_have_text(lines)
    await expect(page.locator(".call .contact")).to_be_visible(visible=bool(lines))
    assert await page.evaluate("window.pwned") is None


async def test_a_third_contact_stands_out(page: Page, console: RunningConsole, publisher: Publisher) -> None:
    """A second one does not, unless the caller speaks of it."""
    for call_id, contact in {
        "second": Contact(2, 1, 7.0, 1.0),
        "third": Contact(3, 2, 7.0, 1.0),
        "says": Contact(2, said="I called yesterday."),
    }.items():
        await publisher.publish(call_state(call_id, contact=contact))
    await live(page, console)
    await expect(page.locator(".call")).to_have_count(3)
    found = {each: await page.locator(".call", has_text=each).locator(".repeat").count() for each in ("2nd", "3rd")}
    assert found == {"2nd": 0, "3rd": 1}
    await expect(page.locator(".call .repeat", has_text="I called yesterday.")).to_have_count(1)


async def test_an_alert_of_who_had_to_call_again_comes_first(
    page: Page, console: RunningConsole, publisher: Publisher
) -> None:
    """It says which contact it is; among interruptions nobody has seen it stays on top, and no mark rises by it."""
    await live(page, console)
    now = time.time()
    for index, (call_id, tier, repeat) in enumerate(
        [
            ("again", Tier.INTERRUPTION, 3),
            ("once", Tier.INTERRUPTION, 0),
            ("marked", Tier.MARK, 4),
            ("calm", Tier.MARK, 0),
        ]
    ):
        await publisher.publish(
            call_state(call_id), alert(call_id, raised_at=now + index, tier=tier, repeat_contact=repeat)
        )
    ids = page.locator(".alert footer .id")
    await expect(ids).to_have_text(["again", "once", "calm", "marked"])
    await expect(page.locator(".alert .repeat")).to_have_text(["3rd contact", "4th contact"])
    await expect(page.locator("#spoken")).to_contain_text("3rd contact")


async def test_in_a_long_list_it_stands_in_the_row(page: Page, console: RunningConsole, publisher: Publisher) -> None:
    """Where each call is a row, it lies within its row, and the search finds it."""
    await publisher.publish(*floor(40), call_state("again", contact=Contact(3, 2, 7.0, 1.0)))
    await live(page, console)
    row = page.locator(".rows .call", has_text="3rd contact")
    inside, box = await row.locator(".contact").bounding_box(), await row.bounding_box()
    assert inside is not None
    assert box is not None
    assert box["y"] < inside["y"] < inside["y"] + inside["height"] <= box["y"] + box["height"]
    await page.keyboard.press("/")
    await page.keyboard.type("3rd contact")
    await expect(page.locator(".call:visible")).to_have_count(1)
