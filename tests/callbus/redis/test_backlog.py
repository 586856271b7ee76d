"""What a bridge keeps while Redis is away."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from callbus import CallEvent, Utterance
from callbus.messages.wire import ForkEvent
from callbus.redis.backlog import Backlog
from tests.callbus import sample_messages as messages


@given(st.lists(messages.fork_events, max_size=30), st.integers(1, 10))
def test_backlog_is_bounded_and_keeps_order(events: list[ForkEvent], limit: int) -> None:
    """The backlog never exceeds its limit; what remains is in order, and what it dropped it returned."""
    backlog = Backlog(limit)
    dropped = [gone for event in events if (gone := backlog.append(event)) is not None]
    kept = backlog.head(limit + 1)
    assert len(kept) == min(limit, len(events))
    assert len(dropped) + len(kept) == len(events)
    positions = [next(i for i, e in enumerate(events) if e is event) for event in kept]
    assert positions == sorted(positions)


@given(st.lists(messages.fork_events, max_size=30), st.integers(1, 10))
def test_openings_and_closings_outlive_the_rest(events: list[ForkEvent], limit: int) -> None:
    """A word of a call's health is dropped when no utterance is left, an opening or closing when neither is."""
    backlog = Backlog(limit)
    for event in events:
        gone = backlog.append(event)
        if gone is not None and not isinstance(gone, Utterance):
            kept = backlog.head(limit)
            rather = (Utterance,) if isinstance(gone, CallEvent) else (Utterance, CallEvent)
            assert not any(isinstance(waiting, rather) for waiting in kept)
            for waiting in kept:
                backlog.append(waiting)
