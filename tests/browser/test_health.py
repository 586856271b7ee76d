"""What the page says of a call's audio: a real browser, a real console, a real Redis."""

from __future__ import annotations

from playwright.async_api import Page, expect

from callbus import ConditionKind, Gap, Leg, Phase, Role
from tests.browser.test_page import HOSTILE, MINUS, live
from tests.console.made_up import call_state, condition, floor, transcript
from tests.console.running import Publisher, RunningConsole

KIND = ConditionKind


SAID = [
    (condition(KIND.ONE_WAY, 31.7), "The customer's leg has been silent while the agent talked for 32 s"),
    (condition(KIND.NEAR_SILENT, -53.3, "2", Role.AGENT), f"The agent's leg is nearly silent ({MINUS}53 dB)"),
    (condition(KIND.CLIPPED, 0.08), "The customer's leg is overdriven: 8 % of it is clipped"),
    (condition(KIND.LOSS, 0.12), "The customer's leg loses 12 % of its packets"),
    (condition(KIND.JITTER, 0.0804), "The customer's leg arrives unevenly: jitter 80 ms"),
    (condition(KIND.LATE, 0.1, "7", Role.UNKNOWN), "Leg 7: 10 % of it arrives too late to be heard"),
    (condition(KIND.UNDECODABLE, 18), "The customer's leg: its audio cannot be decoded (G.729)"),
    (
        condition(KIND.UNDECODABLE, 97, "2", Role.AGENT),
        "The agent's leg: its audio cannot be decoded (payload type 97)",
    ),
    (condition(KIND.PAUSED, leg_id=""), "Recording paused"),
    (condition(KIND.PAUSED, 0.0, "2", Role.AGENT), "The agent's leg is not sent: on hold or gone"),
    (condition(KIND.PARTIES_SWAPPED, 3, ""), "The parties may be swapped: 3 phrases fit the other side"),
]


async def test_each_condition_in_words(page: Page, console: RunningConsole, publisher: Publisher) -> None:
    """It comes by itself, says what and since when, and goes when it is over."""
    assert {stands.kind for stands, _ in SAID} == {*KIND}
    await live(page, console)
    mark = page.locator(".call .health li")
    for stands, text in SAID:
        await publisher.publish(call_state(health=(stands,)))
        await expect(mark.locator("span").last).to_have_text(text)
        await expect(mark).to_have_attribute("title", "Since 4:10 into the call")
    await expect(page.get_by_role("list", name="Health of the audio")).to_be_visible()
    await publisher.publish(call_state())
    await expect(mark).to_have_count(0)
    await expect(page.locator(".call .health")).to_be_hidden()


async def test_a_pause_leaves_its_gap(page: Page, console: RunningConsole, publisher: Publisher) -> None:
    """While it lasts the recording is paused; then the call says from when to when, to its end and after a reload."""
    await live(page, console)
    await publisher.publish(call_state(health=(condition(KIND.PAUSED, leg_id=""),)))
    marks = page.locator(".call .health li span:last-child")
    await expect(marks).to_have_text(["Recording paused"])
    gaps = (Gap(60.0, 62.5), Gap(250.0, 272.4), Gap(300.0, 310.0), Gap(400.0, 3_725.0))
    await publisher.publish(call_state(gaps=gaps[:2]))
    await expect(marks).to_have_text(["Not recorded: 1:00 to 1:02, 4:10 to 4:32"])
    await publisher.publish(call_state(gaps=gaps, phase=Phase.ENDED, reason="bye"))
    await expect(marks).to_have_text(["Not recorded: 4:10 to 4:32, 5:00 to 5:10, 6:40 to 1:02:05 and 1 earlier"])
    await live(page, console)
    await expect(marks).to_have_count(1)


async def test_hostile_legs(page: Page, console: RunningConsole, publisher: Publisher) -> None:
    """A leg's id is text, and many conditions neither widen the page nor bury the call."""
    hostile = tuple(condition(KIND.LOSS, 0.5, f"{number}{HOSTILE}"[:60], Role.UNKNOWN) for number in range(30))
    await publisher.publish(call_state(legs=(Leg("1", Role.UNKNOWN),), health=hostile), transcript())
    for width in (390, 1280):
        await page.set_viewport_size({"width": width, "height": 800})
        await live(page, console)
        await expect(page.locator(".health li")).to_have_count(5)
        await expect(page.locator(".health .more")).to_have_text("and 26 more")
        await expect(page.locator(".health li").first).to_contain_text("Leg 0<img src=x")
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
    assert await page.locator("main img").count() == 0
    assert await page.evaluate("window.pwned") is None


async def test_found_in_a_long_list(page: Page, console: RunningConsole, publisher: Publisher) -> None:
    """Among many calls, where each is a row, a mark stands in its row and the search finds it."""
    await publisher.publish(*floor(40), call_state("lossy", health=(condition(KIND.LOSS, 0.12),)))
    await live(page, console)
    row = page.locator(".rows .call", has_text="loses 12 %")
    await expect(row.locator(".health li")).to_be_visible()
    inside, box = await row.locator(".health").bounding_box(), await row.bounding_box()
    assert inside is not None
    assert box is not None
    assert box["y"] < inside["y"] < inside["y"] + inside["height"] <= box["y"] + box["height"]
    await page.keyboard.press("/")
    await page.keyboard.type("packets")
    await expect(page.locator(".call:visible")).to_have_count(1)
