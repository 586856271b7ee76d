"""What stands of a call's health, as its bridge tells it."""

from __future__ import annotations

import pytest

from analysis.call.analyst import Analyst
from analysis.call.audio_health import Health
from analysis.call.conversation import Conversation, opened
from analysis.call.shown_state import state_of
from analysis.call.stored_state import decode, encode
from analysis.shift.detector import ShiftRules
from callbus import CallClosed, CallEvent, CallOpened, CallState, Condition, ConditionKind, Gap, Leg, Role
from callbus.messages.conditions import MAX_CONDITIONS, MAX_GAPS, UNITS

LEGS = (Leg("1", Role.AGENT, "Anna"), Leg("2", Role.CUSTOMER))


def event(
    kind: ConditionKind, began: bool = True, at: float = 10.0, since: float = 10.0, leg: str = "2", value: float = 1.0
) -> CallEvent:
    """A word of the bridge about a leg, or with an empty `leg` about the call."""
    role = Role.CUSTOMER if leg else Role.UNKNOWN
    return CallEvent("c", at, began, Condition(kind, leg, role, since, value, UNITS[kind]))


def told(*events: CallEvent) -> Health:
    """The health after these."""
    health = Health()
    for each in events:
        health = health.after(each)
    return health


def kinds(health: Health) -> list[str]:
    """What stands."""
    return [condition.kind for condition in health.standing]


@pytest.mark.parametrize("kind", ConditionKind)
def test_what_began_stands_until_it_ends(kind: ConditionKind) -> None:
    """Each kind, of one leg; the other leg's is another matter."""
    begun = told(event(kind), event(kind, leg="1"))
    assert [(each.kind, each.leg_id) for each in begun.standing] == [(kind, "2"), (kind, "1")]
    assert [each.leg_id for each in begun.after(event(kind, began=False, at=20.0)).standing] == ["1"]


def test_what_is_told_twice_stands_once() -> None:
    """With the value told last; an end without a beginning changes nothing."""
    health = told(event(ConditionKind.LOSS, value=0.1), event(ConditionKind.LOSS, value=0.2))
    assert [each.value for each in health.standing] == [0.2]
    assert told(event(ConditionKind.LOSS, began=False)) == Health()


def test_a_pause_of_the_recording_leaves_a_gap() -> None:
    """From its beginning to its end, once, even where the beginning was never told; one leg's pause leaves none."""
    end = event(ConditionKind.PAUSED, began=False, at=22.5, since=10.0, leg="")
    assert told(event(ConditionKind.PAUSED, leg=""), end, end) == Health((), (Gap(10.0, 22.5),))
    assert told(end).gaps == (Gap(10.0, 22.5),)
    assert told(event(ConditionKind.PAUSED), event(ConditionKind.PAUSED, began=False)).gaps == ()


def test_health_is_bounded() -> None:
    """A bridge that raves fills neither Redis nor the screen."""
    health = told(
        *(event(ConditionKind.LOSS, leg=str(number)) for number in range(100)),
        *(event(ConditionKind.PAUSED, began=False, at=float(number), leg="") for number in range(100)),
    )
    assert (len(health.standing), len(health.gaps)) == (MAX_CONDITIONS, MAX_GAPS)
    assert health.standing[-1].leg_id == "99"


def test_the_end_of_a_call_ends_all() -> None:
    """Nothing stands of an ended call; a pause that it ended in is a gap up to its end."""
    call = Conversation("c", 1_000.0, LEGS, health=told(event(ConditionKind.LOSS), event(ConditionKind.PAUSED, leg="")))
    ended = state_of(call, 0.0, CallClosed("c", 1_060.0, 60.0, "bridge_lost"))
    assert (ended.health, ended.gaps) == ((), (Gap(10.0, 60.0),))


def test_other_roles_are_borne_at_once() -> None:
    """Metadata that puts the roles right ends the suspicion that the parties are swapped, and renames what stands."""
    health = told(event(ConditionKind.LOSS), event(ConditionKind.PARTIES_SWAPPED, leg=""))
    first = Conversation("c", 1_000.0, LEGS, health=health)
    other_agent = opened(CallOpened("c", "b", 1_000.0, (Leg("1", Role.AGENT, "Ben"), LEGS[1])), first)
    assert other_agent.health == health
    right = (Leg("1", Role.CUSTOMER), Leg("2", Role.AGENT, "Anna"))
    (loss,) = opened(CallOpened("c", "b", 1_000.0, right), first).health.standing
    assert (loss.kind, loss.role) == (ConditionKind.LOSS, Role.AGENT)


def test_a_call_shows_its_health_and_keeps_it() -> None:
    """What is news is published with the call's state; the next worker knows it; what is no news is not published."""
    work = Analyst(ShiftRules(), 7)
    call = work.opened(CallOpened("c", "b", 1_000.0, LEGS), None, 1_000.0).call
    first = work.told(event(ConditionKind.CLIPPED), call, 1_010.0)
    (state,) = first.publications
    assert isinstance(state, CallState)
    assert [(each.kind, each.role) for each in state.health] == [(ConditionKind.CLIPPED, Role.CUSTOMER)]
    assert first.call
    assert decode(encode(first.call)) == first.call
    assert work.told(event(ConditionKind.CLIPPED), first.call, 1_011.0).publications == ()


def test_a_call_may_be_met_by_its_health() -> None:
    """An event of a call of which nothing else is known yet opens it, by its own time."""
    outcome = Analyst(ShiftRules(), 7).told(event(ConditionKind.LOSS), None, 1_010.0)
    (state,) = outcome.publications
    assert isinstance(state, CallState)
    assert state.opened_at == 1_000.0
