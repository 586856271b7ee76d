"""The board, with its clock in hand."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from callbus import ConditionKind, Gap, Phase
from callbus.messages.load import AgentLoad, Suggestion
from callbus.messages.wire import Publication
from console.live.board import LOST_SECONDS, Board
from console.settings import ConsoleSettings
from tests.console.made_up import alert, call_state, condition, transcript

NOW = 1_000_000.0


def board(**settings: Any) -> Board:
    return Board(ConsoleSettings(**settings))


def state(call_id: str = "call-1", at: float = NOW, **changes: Any) -> Publication:
    return call_state(call_id, opened_at=NOW - 60, updated_at=at, **changes)


def test_alert_twice() -> None:
    """An alert that comes twice is on the board once, and the second time is no news."""
    shown = board()
    assert shown.take(alert(), NOW)
    assert not shown.take(alert(), NOW)
    assert len(shown.alerts) == 1


def test_alerts_bounded() -> None:
    """Of more alerts than `alerts_kept` the oldest go."""
    shown = board(alerts_kept=3)
    for number in range(5):
        shown.take(alert(alert_id=str(number)), NOW)
    assert [json.loads(msgspec.json.encode(a))["alert_id"] for a in shown.alerts_json()] == ["4", "3", "2"]


def test_the_state_that_came_last_counts() -> None:
    """Whatever the clock of the worker that wrote it said, a call shows its latest state, and its end."""
    shown = board()
    shown.take(state(at=NOW + 120, turns=4), NOW)
    assert shown.take(state(at=NOW, turns=9), NOW)
    assert shown.calls["call-1"].state.turns == 9
    assert shown.take(state(at=0.0, phase=Phase.ENDED, closed_at=NOW, reason="bye"), NOW)
    assert shown.calls["call-1"].state.phase is Phase.ENDED


def test_a_repeated_state() -> None:
    """A state that comes twice is no news the second time, and does not count as a sign of life."""
    shown = board()
    shown.take(state(), NOW)
    assert not shown.take(state(), NOW + 5)
    assert shown.calls["call-1"].heard_at == NOW


def test_an_ended_call_may_go_on() -> None:
    """A call that another bridge continues is active again on its own card, with its words and since its beginning."""
    shown = board(ended_seconds=60)
    shown.take(state(turns=4), NOW)
    shown.take(transcript(sequence=3), NOW)
    shown.take(state(at=NOW + 1, phase=Phase.ENDED, closed_at=NOW + 1, turns=4), NOW + 1)
    shown.take(state(at=NOW + 3, turns=4), NOW + 3)
    shown.sweep(NOW + 200)
    (call,) = shown.calls.values()
    assert (call.state.phase, call.state.closed_at, call.state.opened_at) == (Phase.ACTIVE, None, NOW - 60)
    assert [words.sequence for words in call.words.values()] == [3]


def test_health_comes_and_goes_with_the_state() -> None:
    """A page that opens later gets what stands now and where nothing was recorded; what is over is there no more."""
    shown = board()
    lossy, gap = condition(ConditionKind.LOSS, 0.12), Gap(10.0, 22.5)
    shown.take(state(health=(lossy,)), NOW)
    shown.take(state(at=NOW + 1, health=(lossy, condition(ConditionKind.PAUSED, leg_id="")), gaps=(gap,)), NOW)
    (call,) = json.loads(msgspec.json.encode(shown.calls_json()))
    assert [each["kind"] for each in call["state"]["health"]] == ["loss", "paused"]
    assert call["state"]["gaps"] == [{"from_seconds": 10.0, "to_seconds": 22.5}]
    shown.take(state(at=NOW + 2), NOW)
    (call,) = json.loads(msgspec.json.encode(shown.calls_json()))
    assert call["state"]["health"] == []


def test_last_words_of_each_leg() -> None:
    """Each leg shows its latest utterance that has words, whatever order they come in."""
    shown = board()
    shown.take(state(), NOW)
    shown.take(transcript(sequence=4, text="second"), NOW)
    shown.take(transcript(sequence=2, text="first"), NOW)
    shown.take(transcript(sequence=6, text="", dropped="silence"), NOW)
    shown.take(transcript(leg_id="2", sequence=5, text="answer"), NOW)
    assert {leg: words.text for leg, words in shown.calls["call-1"].words.items()} == {"1": "second", "2": "answer"}


def test_overload_is_shown() -> None:
    """An utterance that was shed for overload takes the place of its leg's words: the gap is visible."""
    shown = board()
    shown.take(state(), NOW)
    shown.take(transcript(sequence=1, text="heard"), NOW)
    shown.take(transcript(sequence=2, text="", dropped="overload"), NOW)
    assert shown.calls["call-1"].words["1"].dropped == "overload"


def test_legs_bounded() -> None:
    """A call that names ever new legs does not grow for ever."""
    shown = board()
    shown.take(state(), NOW)
    for number in range(100):
        shown.take(transcript(leg_id=str(number), sequence=number), NOW)
    assert len(shown.calls["call-1"].words) == 16


def test_ended_call_leaves() -> None:
    """An ended call stays for `ended_seconds`, then goes and is told as gone once."""
    shown = board(ended_seconds=60)
    shown.take(state(phase=Phase.ENDED, closed_at=NOW, reason="bye"), NOW)
    shown.sweep(NOW + 59)
    assert "call-1" in shown.calls
    shown.sweep(NOW + 61)
    assert not shown.calls
    assert shown.gone() == ["call-1"]
    assert shown.gone() == []


def test_long_ended_call_never_comes() -> None:
    """The end of a call that ended long ago, read from the stream, is not shown."""
    shown = board()
    assert not shown.take(state(at=NOW - 500, phase=Phase.ENDED, closed_at=NOW - 500), NOW)


def test_silent_call_leaves() -> None:
    """A call that nothing was heard of for `silent_hours` leaves the board."""
    shown = board(silent_hours=1)
    shown.take(state(), NOW)
    shown.take(transcript(), NOW + 1_800)
    shown.sweep(NOW + 3_700)
    assert "call-1" in shown.calls
    shown.sweep(NOW + 5_500)
    assert shown.gone() == ["call-1"]


def test_most_calls() -> None:
    """Of more calls than `max_calls` the one heard longest ago goes."""
    shown = board(max_calls=2)
    shown.take(state("a"), NOW)
    shown.take(state("b"), NOW + 1)
    shown.take(transcript("a"), NOW + 2)
    shown.take(state("c"), NOW + 3)
    assert set(shown.calls) == {"a", "c"}
    assert shown.gone() == ["b"]


def test_a_call_whose_end_was_lost_ends() -> None:
    """An active call that Redis has not known for a while ends now; not one heard of since, nor one that is known."""
    shown = board(ended_seconds=60)
    for call_id in ("lost", "known", "talks", "back"):
        shown.take(state(call_id), NOW)
    shown.take(state("over", phase=Phase.ENDED, closed_at=NOW, reason="bye"), NOW)
    assert shown.going_on() == ["lost", "known", "talks", "back"]
    assert shown.reconcile(["lost", "talks", "back"], NOW + 100) == []
    shown.take(transcript("talks"), NOW + 105)
    assert shown.reconcile(["lost", "talks"], NOW + 110) == []
    over = NOW + 101 + LOST_SECONDS
    (ended,) = shown.reconcile(["lost", "talks", "back"], over)
    assert (ended.call_id, ended.phase, ended.closed_at, ended.reason) == ("lost", Phase.ENDED, over, "bridge_lost")
    assert shown.reconcile(["lost", "talks", "back"], over + 1) == []
    shown.sweep(over + 61)
    assert shown.gone() == ["lost", "over"]


def test_a_call_that_seemed_lost_goes_on() -> None:
    """A call that Redis knows again is as it was; so is one that analysis speaks of again."""
    shown = board()
    shown.take(state(turns=4), NOW)
    for at in (NOW, NOW + LOST_SECONDS + 1):
        shown.reconcile(["call-1"], at)
    assert shown.calls["call-1"].is_lost
    assert [lost.phase for lost in shown.found_out()] == [Phase.ENDED]
    assert shown.reconcile([], NOW + 30) == [state(turns=4)]
    assert shown.found_out() == [state(turns=4)]
    shown.take(state(turns=5), NOW + 31)
    assert shown.found_out() == []
    assert shown.going_on() == ["call-1"]


def test_bridges_may_report_after_redis_was_away() -> None:
    """What was absent before counts no more: the time begins anew."""
    shown = board()
    shown.take(state(), NOW)
    shown.reconcile(["call-1"], NOW + 100)
    shown.trust()
    assert shown.reconcile(["call-1"], NOW + 200) == []
    assert len(shown.reconcile(["call-1"], NOW + 201 + LOST_SECONDS)) == 1


MESSAGES = st.one_of(
    st.builds(
        lambda call, at, ended: state(
            call, NOW + at, phase=Phase.ENDED if ended else Phase.ACTIVE, closed_at=NOW + at if ended else None
        ),
        st.sampled_from("abcdef"),
        st.integers(0, 300),
        st.booleans(),
    ),
    st.builds(
        lambda call, leg, sequence: transcript(call, leg_id=leg, sequence=sequence),
        st.sampled_from("abcdef"),
        st.sampled_from("12"),
        st.integers(0, 9),
    ),
    st.builds(lambda number: alert(alert_id=str(number)), st.integers(0, 9)),
)


@given(st.lists(st.tuples(MESSAGES, st.integers(0, 300))))
def test_any_order(told: list[tuple[Publication, int]]) -> None:
    """Whatever comes in whatever order, the bounds hold, and what is gone was there."""
    shown = board(max_calls=3, alerts_kept=4, ended_seconds=30)
    seen: set[str] = set()
    for message, at in told:
        shown.take(message, NOW + at)
        seen |= set(shown.calls)
        shown.sweep(NOW + at)
        assert len(shown.calls) <= 3
        assert len(shown.alerts) <= 4
        assert set(shown.gone()) <= seen


def test_agents_loads_are_put_on_their_calls() -> None:
    """What has changed is told once; one that Redis has forgotten goes; a call that is not shown bears none."""
    of, load = board(), AgentLoad(3, 5.0, Suggestion.DEBRIEF)
    for call_id in ("a", "b"):
        of.take(call_state(call_id), 1.0)
    assert of.bear({"a": load, "gone": load}) == {"a": load}
    assert of.bear({"a": load}) == {}
    assert [each["load"] for each in of.calls_json()] == [load, None]
    assert of.bear({}) == {"a": None}
