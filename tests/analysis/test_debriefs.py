"""A call's debrief, as a worker publishes it."""

from __future__ import annotations

from callbus import Debrief, ShiftKind
from callbus.messages.wire import decode_publication
from tests.analysis.stage import LINES, heard, stage, whole_call


async def test_a_call_that_ends_leaves_one_debrief(redis_url: str) -> None:
    """In its own stream, and with the alert as a turning point."""
    async with stage(redis_url) as played:
        await played.play(whole_call(), {"whole": heard()})
        rows = await played.bus.client.xrange(played.bus.keys.debriefs)
    (told,) = [decode_publication(fields[b"m"]) for _, fields in rows]
    assert isinstance(told, Debrief)
    assert told.call_id == "whole"
    assert [point.kind for point in told.turning_points] == [ShiftKind.WORSENED]
    assert told.turning_points[0].evidence.quote
    assert any(told.turning_points[0].evidence.quote in text for _, text in LINES)


async def test_a_call_in_which_nobody_speaks_leaves_none(redis_url: str) -> None:
    """There is nothing to tell."""
    events = whole_call()
    async with stage(redis_url) as played:
        await played.send([events[0], events[-1]])
        await played.idle()
        assert await played.bus.client.xlen(played.bus.keys.debriefs) == 0
