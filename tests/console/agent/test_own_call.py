"""What an agent sees of their call, and what they do not."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given

from callbus import CallState, Phase, Practice
from callbus.messages.load import AgentLoad, Suggestion
from console.agent.own_call import AFTER_SECONDS, own_call
from tests.callbus.sample_messages import call_states
from tests.console.made_up import alert, call_state
from tests.console.practised import practice

KEYS = {"opened_at", "closed_at", "is_judged", "mood", "shift", "intake", "load"}
INTAKE = {"cores", "wish", "register", "ready", "about", "urgency"}


def test_the_shift_and_the_intake() -> None:
    """The latest shift with its time, and the customer's own words for what it is about."""
    shown = own_call(call_state(practice=practice()), alert(raised_at=5.0), 10.0)
    assert shown is not None
    assert shown["shift"] == {"kind": "worsened", "raised_at": 5.0}
    assert shown["intake"]["cores"] == ("worry", "frustration")
    assert shown["intake"]["urgency"] == "The wedding is on Friday."


@given(call_states)
def test_nothing_of_the_agent(state: CallState) -> None:
    """No act, finding, score, count, name or other call's word is in it, whatever the state holds."""
    shown = own_call(state, None, 0.0)
    if shown is None:
        return
    assert set(shown) == KEYS
    assert shown["intake"] is None or set(shown["intake"]) == INTAKE
    assert len(msgspec.json.encode(shown)) < 4_000


def test_what_is_not_judged() -> None:
    """A call that is not judged shows neither shift nor intake; one without practice no intake."""
    assert own_call(call_state(is_judged=False, practice=Practice(is_judged=False)), alert(), 0.0) is not None
    shown = own_call(call_state(is_judged=False, practice=Practice(is_judged=False)), alert(), 0.0)
    assert shown is not None
    assert (shown["shift"], shown["intake"]) == (None, None)
    plain = own_call(call_state(), None, 0.0)
    assert plain is not None
    assert plain["intake"] is None


@pytest.mark.parametrize(("ago", "is_there"), [(0, True), (AFTER_SECONDS, True), (AFTER_SECONDS + 1, False)])
def test_until_ten_minutes_after_the_end(ago: float, is_there: bool) -> None:
    """Then it is over."""
    ended = call_state(phase=Phase.ENDED, closed_at=1_000.0)
    assert (own_call(ended, None, 1_000.0 + ago) is not None) is is_there


def test_the_agents_own_load() -> None:
    """If it is known: it is theirs to see."""
    load = AgentLoad(3, 5.0, Suggestion.DEBRIEF)
    shown = own_call(call_state(), None, 10.0, load)
    assert shown is not None
    assert shown["load"] == load
