"""What the page says of how a call is met: a real browser, a real console, a real Redis."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from playwright.async_api import Page, expect

from callbus import Act, Core, DoneAct, Evidence, Finding, FindingKind, Intake, Landed, Phase, Practice, Side, Wish
from callbus.messages.practice import MOST_FINDINGS
from tests.browser.test_page import HOSTILE, live
from tests.console.made_up import alert, call_state, floor, transcript
from tests.console.practised import answer, finding, intake, practice, proof
from tests.console.running import Publisher, RunningConsole

SHIFTS = """() => new Promise((done) => {
    const sum = (list) => done(list.getEntries().reduce((all, entry) => all + entry.value, 0));
    new PerformanceObserver(sum).observe({ type: "layout-shift", buffered: true });
    setTimeout(done, 500, 0);
})"""
"""How far what stood on the page has moved without a hand: Chromium's cumulative layout shift."""


async def test_a_card_says_how_the_call_is_met(page: Page, console: RunningConsole, publisher: Publisher) -> None:
    """Feelings, wish, register and urgency with its words; the answer and how it landed; strengths before gaps."""
    await live(page, console)
    await publisher.publish(call_state(practice=practice()), transcript())
    block = page.get_by_role("group", name="How the call is met")
    await expect(block.locator(".intake summary")).to_contain_text(
        "! Urgent worry or frustration · wants a plan · formal"
    )
    await expect(block.locator(".intake .says")).to_have_text("“The wedding is on Friday.”")
    await expect(block.locator(".answer summary")).to_have_text("Answer, calmer since: feeling acknowledged, next step")
    shown = await block.locator(".found summary .finding").all_inner_texts()
    assert [" ".join(text.split()) for text in shown] == [
        "✓ Strength: Heard out",
        "△ Gap: Interrupted",
        "△ Gap: Empathy without help hint",
    ]
    await expect(block.locator(".found summary .hint")).to_have_count(1)


async def test_quotes_come_on_demand_by_the_keyboard(page: Page, console: RunningConsole, publisher: Publisher) -> None:
    """Each line opens to its quotes with their times, and stays open and focused while the call goes on."""
    await live(page, console)
    await publisher.publish(call_state(practice=practice()))
    found = page.locator(".practice .found")
    await found.locator("summary").focus()
    await expect(found.locator("blockquote").first).to_be_hidden()
    await page.keyboard.press("Enter")
    await expect(found.locator("blockquote p").first).to_have_text("“Since it is for Friday.”")
    await expect(found.locator("cite").first).to_have_text("0:31 · 87 % sure · network")
    later = (*practice().findings, finding(FindingKind.RESET_QUESTION, Side.STRENGTH, "What would help most?"))
    await publisher.publish(call_state(practice=practice(findings=later), turns=9))
    await expect(found.locator("blockquote")).to_have_count(4)
    await expect(page.locator(".found summary:focus")).to_have_count(1)
    await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator(".answer[open] cite").first).to_contain_text("distress · 0:24")


async def test_what_is_not_known_is_said(page: Page, console: RunningConsole, publisher: Publisher) -> None:
    """A call that is not judged says so; one that has hardly begun says that too; without practice there is nothing."""
    await publisher.publish(call_state("none"), call_state("new", practice=Practice()))
    await publisher.publish(call_state("foreign", is_judged=False, language="cy", practice=Practice(is_judged=False)))
    await live(page, console)
    card = {name: page.locator(".call", has_text=name) for name in ("none", "new", "foreign")}
    await expect(card["none"].locator(".practice")).to_be_hidden()
    await expect(card["new"].locator(".intake .told")).to_have_text("so far: no feeling named · wish unclear")
    await expect(card["new"].locator(".answer")).to_have_text("No distress so far")
    await expect(card["foreign"].locator(".practice")).to_have_text(
        "How the call is met: not judged", use_inner_text=True
    )


async def test_urgency_is_said_once(page: Page, console: RunningConsole, publisher: Publisher) -> None:
    """A screen reader hears of an urgency politely when it is found, and not again with every turn."""
    await publisher.publish(call_state(practice=practice(intake=Intake())))
    await live(page, console)
    for turns in (5, 6):
        await publisher.publish(call_state(practice=practice(), turns=turns))
    await publisher.publish(transcript(text="And then?"))
    await expect(page.locator(".call dd")).to_have_text("And then?")
    await expect(page.locator("#noted")).to_have_text("Urgent: Laura Bennett. The wedding is on Friday.")
    await expect(page.locator("#spoken")).to_be_empty()


async def test_hostile_words_stay_words(page: Page, console: RunningConsole, publisher: Publisher) -> None:
    """Markup in quotes and rules is shown as it is; a quote or rule that is very long is cut."""
    bad = Evidence(HOSTILE, 1, 1.0, "<b>rule</b>", 0.5)
    long = Evidence("W" * 160, 1, 1e7, "r" * 64, 1.0)
    told = Practice(
        intake=Intake((Core.ANGER,), bad, 1.0, long, Wish.HEARD, ready=True),
        answer=replace(answer(), distress=bad, acts=(DoneAct(Act.ACK, long),) * 16),
        findings=tuple(Finding(FindingKind.DEFENSIVE, Side.GAP, each, True) for each in (bad, long) * 3),
    )
    for width in (390, 1280):
        await page.set_viewport_size({"width": width, "height": 800})
        await publisher.publish(call_state(practice=told))
        await live(page, console)
        for summary in await page.locator(".practice summary").all():
            await summary.click()
        await expect(page.locator(".intake blockquote p").last).to_have_text(f"“{HOSTILE}”")
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
    assert await page.locator("main img, main script, main b").count() == 0
    assert await page.evaluate("window.pwned") is None


async def test_nothing_moves_while_it_fills(page: Page, console: RunningConsole, publisher: Publisher) -> None:
    """From the first word to urgency, an answer and six findings, nothing else on the page moves."""
    opened = time.time() - 60

    async def publish(turns: int, told: Practice) -> None:
        states = [call_state(f"call-{n}", opened_at=opened + n, turns=turns, practice=told) for n in range(6)]
        await publisher.publish(*states)
        await page.wait_for_timeout(300)

    await publish(0, Practice())
    await publisher.publish(*(transcript(f"call-{n}") for n in range(6)))
    await live(page, console)
    await expect(page.locator(".call")).to_have_count(6)
    await page.wait_for_timeout(400)
    before = await page.evaluate(SHIFTS)
    steps: list[dict[str, Any]] = [
        {"answer": None, "findings": (), "intake": intake(urgency=None, ready=False)},
        {"answer": answer(), "findings": ()},
        {"answer": answer(*Act, landed=Landed.WORSE), "findings": practice().findings * 2},
    ]
    for turns, changes in enumerate(steps, 1):
        await publish(turns, practice(**changes))
    await expect(page.locator(".worse")).to_have_count(6)
    assert len(steps[-1]["findings"]) == MOST_FINDINGS
    assert await page.evaluate(SHIFTS) - before < 0.001


async def test_an_ended_call_leads_to_its_debrief(page: Page, console: RunningConsole, publisher: Publisher) -> None:
    """Whatever its id holds, the link names it whole."""
    now = time.time()
    ended = {"phase": Phase.ENDED, "closed_at": now, "reason": "bye"}
    await publisher.publish(
        call_state("a/b?c#d%2f", practice=practice(), **ended), call_state("live", practice=practice())
    )
    await publisher.publish(call_state("plain", **ended))
    await live(page, console)
    await expect(page.locator(".debrief a")).to_have_count(1)
    await expect(page.locator(".debrief a")).to_have_attribute("href", "/calls/a%2Fb%3Fc%23d%252f/debrief")


async def test_rows_show_the_intake_alone(page: Page, console: RunningConsole, publisher: Publisher) -> None:
    """Among many calls a steady one keeps its row: intake in one line, inside its row."""
    await publisher.publish(*floor(40), call_state("steady", practice=practice(intake=intake(about=proof("x")))))
    await publisher.publish(alert("steady"))
    await live(page, console)
    row = page.locator(".rows .call", has_text="worry or frustration")
    await expect(row.locator(".intake summary")).to_be_visible()
    await expect(row.locator(".answer")).to_be_hidden()
    inside, box = await row.locator(".practice").bounding_box(), await row.bounding_box()
    assert inside is not None
    assert box is not None
    assert box["y"] < inside["y"] < inside["y"] + inside["height"] <= box["y"] + box["height"]
