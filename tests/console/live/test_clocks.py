"""A running console, and workers whose clocks are far apart."""

from __future__ import annotations

import time

from callbus import Phase
from tests.console.events import events
from tests.console.made_up import call_state
from tests.console.running import Publisher, RunningConsole

AHEAD_SECONDS = 120.0


async def test_a_call_ends_though_an_earlier_workers_clock_was_ahead(
    redis_url: str, publisher: Publisher, console: RunningConsole
) -> None:
    """The end shows live, to a page that opens later, to one that returns, and on a console that starts later."""
    now = time.time()
    async with events(console.url) as page:
        await page.next("snapshot")
        await publisher.publish(call_state(updated_at=now + AHEAD_SECONDS, turns=1))
        begun = await page.next("call_state")
        await publisher.publish(call_state(updated_at=now + 1, turns=2))
        await publisher.publish(
            call_state(updated_at=now, phase=Phase.ENDED, turns=3, closed_at=now, reason="bye"), call_state("other")
        )
        while (await page.next("call_state")).data["call_id"] != "other":
            pass
    async with events(console.url) as later:
        assert _turns((await later.next("snapshot")).data) == ("ended", 3)
    async with events(console.url, begun.cursor) as returning:
        replayed = [(await returning.next("call_state")).data["turns"] for _ in range(2)]
        assert replayed == [2, 3]
    async with RunningConsole(redis_url) as second:
        await second.ready()
        async with events(second.url) as page:
            assert _turns((await page.next("snapshot")).data) == ("ended", 3)


def _turns(board: dict[str, list[dict[str, dict[str, object]]]]) -> tuple[object, object]:
    (call,) = (call["state"] for call in board["calls"] if call["state"]["call_id"] == "call-1")
    return call["phase"], call["turns"]
