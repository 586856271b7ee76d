"""The pages' queues."""

from __future__ import annotations

import pytest

from console.live.browsers import DROPPED, Browsers, Frame, Full, frame


def sent(text: str) -> Frame:
    return frame("alert", text.encode())


async def test_slow_page_is_cut() -> None:
    """A page that does not take its frames is cut when its queue is full; the others get every frame."""
    cut: list[str] = []
    browsers = Browsers(most=2, queue_events=16)
    slow = browsers.join(lambda: cut.append("slow"))
    quick = browsers.join(lambda: cut.append("quick"))
    before = DROPPED.labels("slow")._value.get()
    taken = quick.frames()
    for number in range(20):
        browsers.send(sent(str(number)))
        assert await anext(taken) == [sent(str(number))]
    assert cut == ["slow"]
    assert [one async for one in slow.frames()] == []
    assert DROPPED.labels("slow")._value.get() == before + 1


async def test_full() -> None:
    """No more pages than the setting allows; one that leaves makes room."""
    browsers = Browsers(most=1, queue_events=16)
    first = browsers.join(lambda: None)
    with pytest.raises(Full):
        browsers.join(lambda: None)
    browsers.leave(first)
    browsers.join(lambda: None)


async def test_what_a_page_has_already_is_skipped() -> None:
    """Of what was queued before the whole board was sent nothing follows it; what comes afterwards does."""
    browsers = Browsers(most=1, queue_events=16)
    page = browsers.join(lambda: None)
    browsers.send(sent("earlier"))
    page.skip()
    browsers.send(sent("later"))
    assert await anext(page.frames()) == [sent("later")]


async def test_close() -> None:
    """Closing ends every page's stream and lets nobody in."""
    browsers = Browsers(most=5, queue_events=16)
    waiting = browsers.join(lambda: None)
    browsers.close()
    assert [one async for one in waiting.frames()] == []
    with pytest.raises(Full):
        browsers.join(lambda: None)
