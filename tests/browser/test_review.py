"""Debriefs, their list and a week's technique as a team lead sees them: a real browser, console and Redis."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import Browser, Page, Route, expect

from callbus import (
    Act,
    Answer,
    Core,
    Counts,
    CoursePoint,
    DoneAct,
    Evidence,
    Finding,
    FindingKind,
    Intake,
    Landed,
    Question,
    Reply,
    ShiftKind,
    Side,
    TurningPoint,
    Verdict,
    Wish,
)
from tests.browser.test_page import HOSTILE, MINUS
from tests.console.practised import answer, debrief
from tests.console.running import Publisher, RunningConsole


async def test_a_debrief(page: Page, console: RunningConsole, publisher: Publisher) -> None:
    """Course with its text, turning points, the four questions with quotes, strengths before gaps, what followed."""
    await publisher.publish(debrief())
    await page.goto(f"{console.url}/calls/call-1/debrief")
    await expect(page.locator(".part h3")).to_have_text(
        [
            "Intake",
            "The customer's course",
            "Four questions",
            "Strengths",
            "Gaps",
            "Worth knowing, held against nobody",
            "Distress, and what was done about it",
            "Counts",
        ]
    )
    await expect(page.locator("#about")).to_contain_text("call-1 · queue orders")
    await expect(page.locator("#about")).to_contain_text("4:00 long")
    spoken = f"Opens at +0.50, lowest {MINUS}1.60 at 0:40, worsened at 0:40, recovered at 1:20, ends at +0.90"
    await expect(page.get_by_role("img", name=spoken)).to_be_visible()
    await page.get_by_text("As a table").click()
    await expect(page.locator("figure td").nth(2)).to_have_text(f"{MINUS}1.60")
    verdicts = page.locator(".verdict")
    await expect(verdicts).to_have_text([re.compile(word) for word in ("Yes", "No", "Yes", "Not seen")])
    await expect(page.locator(".questions dd").first).to_contain_text("“That is close, with the wedding on Friday.”")
    await expect(page.locator(".finding.gap.hint")).to_contain_text("hint")
    await expect(page.locator(".answered .landed").first).to_have_text(
        f"What followed: calmer since ({MINUS}1.60 to +0.40)"
    )
    await expect(page.locator(".counted dd")).to_have_text(["1", "3.5 s", "4", "1", "1", "2"])


async def test_no_debrief(chromium: Browser, console: RunningConsole) -> None:
    """The page says that there is none, as an alert, and nothing else."""
    page = await chromium.new_page()
    await page.goto(f"{console.url}/calls/call-1/debrief")
    await expect(page.get_by_role("alert")).to_have_text("no debrief of this call: looked at all 0")
    await expect(page.locator("#about")).to_be_hidden()
    await page.close()


async def test_hostile_words_stay_words(page: Page, console: RunningConsole, publisher: Publisher) -> None:
    """Markup in every field that a call fills is text, and nothing is wider than a telephone."""
    bad, long = Evidence(HOSTILE, 1, 1.0, "<b>r</b>", 0.5), Evidence("W" * 160, 2, 1e7, "r" * 64, 1.0)
    found = tuple(Finding(FindingKind.DEFENSIVE, Side.GAP, each, True) for each in (bad, long))
    call_id = HOSTILE[:128]
    await publisher.publish(
        debrief(
            call_id,
            queue="<b>queue</b>",
            intake=Intake((Core.ANGER,), bad, 1.0, long, Wish.HEARD),
            course=(CoursePoint(1.0, -100.0), CoursePoint(1e7, 100.0)),
            turning_points=(TurningPoint(ShiftKind.WORSENED, bad), TurningPoint(ShiftKind.RECOVERED, long)),
            replies=(Reply(Question.CORE_MET, Verdict.NO, (bad, long)),),
            strengths=found,
            gaps=found,
            notes=found,
            answers=(Answer(bad, (DoneAct(Act.ACK, long),), Landed.WORSE, -100.0, 100.0),),
            counts=Counts(10**9, 1e7, 10**9, 10**9, 10**9, 10**9),
        )
    )
    await page.set_viewport_size({"width": 390, "height": 800})
    await page.goto(f"{console.url}/debriefs")
    await expect(page.locator("#list li")).to_have_count(1)
    await expect(page.locator("#list .says")).to_have_text(f"“{HOSTILE}”")
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    await page.locator("#list a").click()
    await expect(page.locator(".part")).to_have_count(8)
    await expect(page.locator("#about")).to_contain_text(f"{HOSTILE} · queue <b>queue</b>")
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    assert await page.locator("main img, main script, main b").count() == 0
    assert await page.evaluate("window.pwned") is None


async def test_the_list(page: Page, console: RunningConsole, publisher: Publisher) -> None:
    """Newest first, more on demand with the focus on the first of them, by queue; nobody is named or ranked."""
    await publisher.publish(*(debrief(f"call-{n}", queue="orders" if n else "support") for n in range(60)))
    await page.goto(f"{console.url}/debriefs")
    await expect(page.locator("#list li")).to_have_count(50)
    await expect(page.locator("#list .id").first).to_have_text("call-59")
    await expect(page.locator("#list .told").first).to_have_text(
        "queue orders · 4:00 long · worry or frustration · worsened · recovered"
    )
    await page.get_by_role("button", name="Earlier ones").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#list li")).to_have_count(60)
    await expect(page.locator("#list li:nth-child(51) a:focus")).to_have_count(1)
    await expect(page.locator("#state")).to_have_text("60 debriefs.")
    await expect(page.locator("#earlier")).to_be_hidden()
    await page.get_by_label("Queue").fill("support")
    await page.keyboard.press("Enter")
    await expect(page.locator("#list .id")).to_have_text("call-0")
    await page.get_by_label("Ended by").fill("2001-02-03")
    await expect(page.locator("#state")).to_have_text("0 debriefs.")


@pytest.mark.parametrize(
    ("moments", "used", "followed"),
    [
        (3, "3 of 6: too few to say", "3 of 3: too few to say"),
        (12, "12 of 24: 50 % (31 % to 69 %)", "12 of 12: 100 % (76 % to 100 %)"),
    ],
)
async def test_a_technique(
    page: Page, console: RunningConsole, publisher: Publisher, moments: int, used: str, followed: str
) -> None:
    """How often it was used and what followed, with intervals, or that there are too few to say."""
    told = [debrief(f"a{n}", answers=(answer(Act.ACK),)) for n in range(moments)]
    told += [debrief(f"b{n}", queue="<b>", answers=(answer(landed=Landed.WORSE),)) for n in range(moments)]
    await publisher.publish(*told)
    await page.goto(f"{console.url}/technique")
    await expect(page.locator(".large")).to_have_text(used)
    await expect(page.locator("#state")).to_have_text(f"{2 * moments} calls, {2 * moments} of them with distress.")
    better = page.get_by_role("row", name="Landed better")
    await expect(better.locator("td").first).to_have_text(followed)
    await page.get_by_label("Queue").select_option("<b>")
    await expect(page.locator("#state")).to_have_text(f"{moments} calls, {moments} of them with distress.")
    await page.get_by_label("Technique").select_option("honest_limit")
    await expect(page).to_have_url(re.compile(r"technique=honest_limit&queue=%3Cb%3E&days=7$"))
    await page.reload()
    await expect(page.get_by_label("Technique")).to_have_value("honest_limit")
    await expect(page.get_by_label("Queue")).to_have_value("<b>")
    await page.get_by_label("Days").fill("31")
    await page.keyboard.press("Tab")
    await expect(page.locator("#state")).to_have_text("Days are a number from 1 to 30.")


async def test_a_late_answer_overwrites_nothing(page: Page, console: RunningConsole) -> None:
    """What the page says of a wrong number of days stays, even if an answer to the question before comes after it."""
    asked, may_answer = asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        asked.set()
        await may_answer.wait()
        await route.continue_()

    await page.goto(f"{console.url}/technique")
    await expect(page.locator("#state")).to_have_text("0 calls, 0 of them with distress.")
    await page.route("**/api/technique?*", hold)
    await page.get_by_label("Technique").select_option("honest_limit")
    await asked.wait()
    await page.get_by_label("Days").fill("31")
    await page.keyboard.press("Tab")
    told = page.locator("#state")
    await expect(told).to_have_text("Days are a number from 1 to 30.")
    async with page.expect_response("**/api/technique?*") as answered:
        may_answer.set()
    await (await answered.value).finished()
    await page.evaluate("fetch('/page/icon.svg').then((icon) => icon.text())")  # the page has read the answer by then
    await expect(told).to_have_text("Days are a number from 1 to 30.")
    await expect(page.locator("main")).to_have_attribute("aria-busy", "false")
