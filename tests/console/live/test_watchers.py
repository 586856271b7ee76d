"""Views of one call each: who is woken, how many there may be."""

from __future__ import annotations

import asyncio

import pytest

from console.live.browsers import Full
from console.live.watchers import MOST_OF_A_CALL, Watchers


async def is_woken(waiting: asyncio.Task[None]) -> bool:
    """Whether a wait has ended."""
    await asyncio.sleep(0.01)
    return waiting.done()


async def test_only_those_of_the_call_are_woken() -> None:
    """However often a call changes meanwhile, its view is woken once and then waits again."""
    watchers = Watchers(10)
    mine, other = watchers.join("mine"), watchers.join("other")
    waiting = [asyncio.create_task(each.woken()) for each in (mine, other)]
    for _ in range(100):
        watchers.wake("mine")
    watchers.wake("nobody's")
    assert [await is_woken(each) for each in waiting] == [True, False]
    again = asyncio.create_task(mine.woken())
    assert not await is_woken(again)
    watchers.wake_all()
    assert await is_woken(again)
    assert await is_woken(waiting[1])


async def test_bounds() -> None:
    """Of a call and of all together; who leaves makes room."""
    watchers = Watchers(MOST_OF_A_CALL + 1)
    joined = [watchers.join("one") for _ in range(MOST_OF_A_CALL)]
    with pytest.raises(Full):
        watchers.join("one")
    watchers.join("two")
    with pytest.raises(Full):
        watchers.join("three")
    watchers.leave(joined[0])
    watchers.join("three")


async def test_close() -> None:
    """All views end, and nobody joins any more."""
    watchers = Watchers(10)
    watcher = watchers.join("one")
    waiting = asyncio.create_task(watcher.woken())
    watchers.close()
    assert await is_woken(waiting)
    assert watcher.is_over
    with pytest.raises(Full):
        watchers.join("one")
