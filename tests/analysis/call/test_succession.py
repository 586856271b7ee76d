"""Recordings of one call, by several bridges, become one sequence of events."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.call.recording_state import MOST, Recordings
from analysis.call.succession import MOST_MISSING, QUIET_SECONDS, RESUME_SECONDS, Step, TakenOver, step
from callbus import CallClosed, CallEvent, CallOpened, Condition, ConditionKind, Leg, Role, Unit, Utterance
from callbus.messages.utterance import MOST_UTTERANCES
from callbus.messages.wire import ForkEvent

LEGS = (Leg("1", Role.CUSTOMER), Leg("2", Role.AGENT, "Anna"))
BEGAN = 1_000.0
"""Unix seconds at which the first recording opens, by all clocks but for tests that say otherwise."""


At = tuple[float, ForkEvent]
"""An event, and when Redis took it: seconds after the call began."""


def opened(recording: str, since: float = 0.0, legs: tuple[Leg, ...] = LEGS) -> CallOpened:
    """A recording that begins so many seconds after the call."""
    return CallOpened("c", recording, BEGAN + since, legs, recording)


def said(recording: str, sequence: int, start: float, end: float, role: Role = Role.CUSTOMER) -> Utterance:
    """Speech in the recording's own numbering and time; each sample is the tenth of a second it belongs to."""
    leg = "1" if role is Role.CUSTOMER else "2"
    samples = b"".join(int(10 * (start + n / 8_000)).to_bytes(2, "little") for n in range(round(8_000 * (end - start))))
    return Utterance("c", leg, role, sequence, start, end, BEGAN, 8_000, samples, recording)


def closed(recording: str, duration: float, at: float, reason: str = "bye") -> CallClosed:
    """A recording's end."""
    return CallClosed("c", BEGAN + at, duration, reason, recording)


def play(*events: At) -> list[Step]:
    """The steps of events that Redis took so many seconds after the call had begun."""
    steps: list[Step] = []
    before: Recordings | None = None
    for at, event in events:
        steps.append(step(before, event, BEGAN + at))
        before = steps[-1].recordings
        assert msgspec.convert(msgspec.msgpack.decode(msgspec.msgpack.encode(before)), Recordings) == before
    return steps


def heard(steps: list[Step]) -> list[tuple[int, float, float]]:
    """Number, start and end of the utterances that the call is told."""
    told = [event for each in steps for event in each.events if isinstance(event, Utterance)]
    return [(event.sequence, event.start_seconds, event.end_seconds) for event in told]


def kinds(steps: list[Step]) -> list[str]:
    """What each step tells the call: the types of its events, or why there are none."""
    return ["+".join(type(event).__name__ for event in each.events) or each.dropped or "nothing" for each in steps]


def test_one_recording_is_its_call() -> None:
    """Every event of a call's only recording passes as it is, and what its numbering skips is missing."""
    events: list[ForkEvent] = [
        opened("A"),
        said("A", 0, 1.0, 2.0),
        CallEvent("c", 3.0, True, Condition(ConditionKind.LOSS, "1", Role.CUSTOMER, 3.0, 0.1, Unit.SHARE), "A"),
        said("A", 3, 4.0, 5.0),
        closed("A", 6.0, 6.0),
    ]
    steps = play(*zip(range(5), events, strict=True))
    assert [each.events for each in steps] == [(event,) for event in events]
    assert [each.missing for each in steps] == [0, 0, 0, 2, 0]
    assert [each.is_new for each in steps] == [True, False, False, False, False]


def test_a_call_that_moves_goes_on() -> None:
    """The second bridge's recording goes on in the call's numbering and time; its own numbering misses nothing."""
    steps = play(
        (0.0, opened("A")),
        (2.0, said("A", 0, 1.0, 2.0)),
        (25.1, closed("A", 25.0, 25.1)),
        (26.0, opened("B", 26.0)),
        (30.0, said("B", 0, 2.0, 3.5)),
        (31.0, said("B", 1, 4.0, 4.5, Role.AGENT)),
        (40.0, closed("B", 14.0, 40.0)),
    )
    assert kinds(steps[:4]) == ["CallOpened", "Utterance", "CallClosed", "TakenOver"]
    assert kinds(steps[4:]) == ["Utterance", "Utterance", "CallClosed"]
    assert heard(steps) == [(0, 1.0, 2.0), (1, 28.0, 29.5), (2, 30.0, 30.5)]
    assert steps[3].events == (TakenOver("c", 26.0, LEGS),)
    assert steps[3].handover == "resumed"
    assert [each.duration_seconds for each in steps[6].events if isinstance(each, CallClosed)] == [40.0]
    assert not any(each.missing for each in steps)
    assert sum(each.is_new for each in steps) == 1


def test_of_two_recordings_one_is_heard() -> None:
    """The other waits, whatever it says, until the heard one closes; its own closing ends nothing."""
    steps = play(
        (0.0, opened("A")),
        (0.1, opened("B", 0.1)),
        (5.0, said("B", 0, 3.9, 4.9)),
        (5.1, said("A", 0, 4.0, 5.0)),
        (6.0, closed("A", 6.0, 6.0)),
        (9.0, said("B", 1, 6.9, 7.9)),
        (10.0, closed("B", 9.9, 10.0)),
    )
    assert kinds(steps) == ["CallOpened", "nothing", "duplicate", "Utterance", "TakenOver", "Utterance", "CallClosed"]
    assert heard(steps) == [(0, 4.0, 5.0), (1, 7.0, 8.0)]
    assert steps[4].handover == "closed"
    waiting = play((0.0, opened("A")), (0.1, opened("B", 0.1)), (6.0, closed("B", 6.0, 6.0)))
    assert kinds(waiting) == ["CallOpened", "nothing", "nothing"]
    assert waiting[-1].recordings.heard


def test_what_both_recorded_is_heard_once() -> None:
    """An utterance that the closing of the heard recording cut in two is heard from the cut on, or not at all."""
    begun: list[At] = [
        (0.0, opened("A")),
        (0.0, opened("B")),
        (9.0, said("A", 0, 5.0, 8.0)),
        (9.1, closed("A", 8.0, 9.1)),
    ]
    (cut,) = play(*begun, (10.0, said("B", 0, 5.0, 9.5)))[-1].events
    assert isinstance(cut, Utterance)
    assert (cut.sequence, cut.start_seconds, cut.end_seconds) == (1, 8.0, 9.5)
    assert cut.pcm == said("B", 0, 8.0, 9.5).pcm
    steps = play(*begun, (9.2, said("B", 0, 5.0, 8.1)), (10.0, said("B", 1, 5.0, 9.0, Role.AGENT)))
    assert kinds(steps[-2:]) == ["duplicate", "Utterance"]
    assert heard(steps)[-1] == (1, 5.0, 9.0)


def test_a_recording_without_speech_gives_way() -> None:
    """Where the heard bridge has died or hears nothing, the other takes over once it has spoken alone for a while."""
    steps = play(
        (0.0, opened("A")),
        (2.0, said("A", 0, 1.0, 2.0)),
        (3.0, opened("B", 3.0)),
        (5.0, said("B", 0, 1.0, 2.0)),
        (3.0 + QUIET_SECONDS, said("B", 1, 2.5, 3.5)),
        (9.0, said("A", 1, 8.0, 8.9)),
        (26.0, closed("A", 2.5, 3.0, "bridge_lost")),
        (27.0, said("B", 2, 20.0, 21.0)),
    )
    assert kinds(steps)[3:] == ["duplicate", "TakenOver+Utterance", "duplicate", "nothing", "Utterance"]
    assert heard(steps) == [(0, 1.0, 2.0), (1, 5.5, 6.5), (2, 23.0, 24.0)]
    assert steps[4].handover == "silent"


@pytest.mark.parametrize(
    ("after", "is_new"), [(0.0, False), (RESUME_SECONDS, False), (RESUME_SECONDS + 1, True), (86_400.0, True)]
)
def test_an_id_used_again_later_is_another_call(after: float, is_new: bool) -> None:
    """Only a recording that opens soon after the last one closed goes on with the call."""
    at = 10.0 + after
    steps = play((0.0, opened("A")), (10.0, closed("A", 10.0, 10.0)), (at, opened("B", at)))
    assert steps[-1].is_new is is_new
    met = play((0.0, opened("A")), (10.0, closed("A", 10.0, 10.0)), (at, said("B", 3, 1.0, 2.0)))
    assert met[-1].is_new is is_new


def test_the_same_bridge_using_an_id_again_is_another_call() -> None:
    """A recording with another opening time is another one, even in the middle of the call."""
    speech = said("A", 0, 1.0, 2.0)
    steps = play((0.0, opened("A")), (2.0, speech), (5.0, opened("A", 5.0)), (7.0, speech))
    assert [each.is_new for each in steps] == [True, False, True, False]
    assert steps[-1].dropped == ""


def test_the_same_bridge_goes_on_with_a_call_that_is_over() -> None:
    """A recorder that hung up and called again, at the bridge it had before: in the call's numbering and time."""
    steps = play(
        (0.0, opened("A")),
        (2.0, said("A", 0, 1.0, 2.0)),
        (10.0, closed("A", 10.0, 10.0)),
        (15.0, opened("A", 15.0)),
        (17.0, said("A", 0, 1.0, 2.0)),
        (20.0, closed("A", 5.0, 20.0)),
    )
    assert [each.is_new for each in steps] == [True, *[False] * 5]
    assert heard(steps) == [(0, 1.0, 2.0), (1, 16.0, 17.0)]
    assert steps[3].handover == "resumed"
    assert steps[-1].events == (CallClosed("c", BEGAN + 20.0, 20.0, "bye", "A"),)


@pytest.mark.parametrize(
    ("clock", "begins"),
    [(0.0, 30.0), (-3.0, 27.0), (-20.0, 25.0), (20.0, 50.0), (3_600.0, 30.0), (-3_600.0, 30.0)],
)
def test_time_never_goes_back(clock: float, begins: float) -> None:
    """A second bridge whose clock is wrong begins where the call had come to, or where Redis' clock says."""
    steps = play(
        (0.0, opened("A")),
        (24.0, said("A", 0, 22.0, 24.0)),
        (25.0, closed("A", 25.0, 25.0)),
        (30.0, opened("B", 30.0 + clock)),
        (32.0, said("B", 0, 1.0, 2.0)),
    )
    assert heard(steps)[-1] == (1, begins + 1, begins + 2)


def test_what_comes_late_or_twice_changes_nothing() -> None:
    """Events written twice, a closing by the sweep after the bridge's own, and a stranger's, end and double nothing."""
    batch: list[At] = [(1.0, opened("A")), (2.0, said("A", 0, 1.0, 2.0)), (3.0, closed("A", 3.0, 3.0))]
    assert kinds(play(*batch, *batch))[3:] == ["nothing", "repeated", "nothing"]
    late: list[At] = [
        (4.0, opened("B", 4.0)),
        (5.0, closed("A", 3.0, 5.0, "bridge_lost")),
        (5.0, closed("X", 3.0, 5.0)),
    ]
    assert kinds(play(*batch, *late))[3:] == ["TakenOver", "nothing", "nothing"]
    assert play(*batch, *late)[-1].recordings.heard


def test_a_bridge_given_up_too_early_goes_on() -> None:
    """A recording that speaks after it was closed for its bridge is heard again, in its own time."""
    steps = play(
        (0.0, opened("A")),
        (2.0, said("A", 0, 1.0, 2.0)),
        (25.0, closed("A", 4.0, 4.0, "bridge_lost")),
        (30.0, said("A", 1, 10.0, 12.0)),
        (40.0, closed("A", 40.0, 40.0)),
    )
    assert kinds(steps)[2:] == ["CallClosed", "TakenOver+Utterance", "CallClosed"]
    assert heard(steps)[-1] == (1, 10.0, 12.0)


def test_a_lost_opening_is_no_obstacle() -> None:
    """A recording is known from its first utterance; its legs, once told, are those of the call if it is heard."""
    steps = play(
        (2.0, replace(said("A", 4, 1.0, 2.0), ended_at=BEGAN + 2.0)),
        (3.0, replace(said("B", 2, 2.0, 3.0), ended_at=BEGAN + 3.0)),
        (4.0, opened("A", -0.2)),
        (5.0, opened("B")),
    )
    assert kinds(steps) == ["Utterance", "duplicate", "CallOpened", "nothing"]
    assert heard(steps) == [(4, 1.0, 2.0)]
    assert steps[-1].recordings.opened_at == BEGAN - 0.2


def test_a_health_event_is_of_the_heard_recording() -> None:
    """It is told in the call's time; those of a recording that waits are not told."""
    loss = CallEvent("c", 3.0, True, Condition(ConditionKind.LOSS, "1", Role.CUSTOMER, 2.0, 0.1, Unit.SHARE), "B")
    steps = play((0.0, opened("A")), (1.0, opened("B", 1.0)), (4.0, loss), (5.0, closed("A", 5.0, 5.0)), (6.0, loss))
    assert kinds(steps)[2:] == ["nothing", "TakenOver", "CallEvent"]
    (told,) = steps[-1].events
    assert isinstance(told, CallEvent)
    assert (told.at_seconds, told.condition.since_seconds) == (4.0, 3.0)


def test_events_of_bridges_that_name_no_recording_are_of_the_one_heard() -> None:
    """So a bridge of an earlier version keeps its calls, and a worker of one can close them."""
    steps = play((0.0, opened("")), (2.0, said("", 0, 1.0, 2.0)), (3.0, closed("", 3.0, 3.0)))
    assert kinds(steps) == ["CallOpened", "Utterance", "CallClosed"]
    assert kinds(play((0.0, opened("A")), (3.0, closed("", 3.0, 3.0))))[-1] == "CallClosed"


def test_few_recordings_are_remembered() -> None:
    """However many open, the state of a call stays small, and the one heard is never forgotten."""
    steps = play((0.0, opened("A")), *((1.0 + n, opened(f"B{n}", 1.0 + n)) for n in range(50)))
    assert len(steps[-1].recordings.known) == MOST
    assert steps[-1].recordings.known[0].recording_id == "A"


def test_a_number_far_ahead_is_one_utterance_lost() -> None:
    """It is not the recording's own: what follows is heard, and nothing is missing."""
    steps = play(
        (0.0, opened("A")), (2.0, said("A", 0, 1.0, 2.0)), (3.0, said("A", 90_000_000, 2.0, 3.0)),
        (4.0, said("A", 1, 3.0, 4.0)),
    )  # fmt: skip
    assert kinds(steps)[2:] == ["misnumbered", "Utterance"]
    assert [each.missing for each in steps] == [0, 0, 0, 0]


@given(st.lists(st.integers(0, 5) | st.integers(MOST_MISSING + 50, MOST_UTTERANCES), min_size=1, max_size=12))
def test_a_number_that_is_not_the_recordings_own_makes_no_call_deaf(jumps: list[int]) -> None:
    """Whatever numbers are put among a recording's own, its next utterance is heard, and few count as missing.

    Its first number may be any: its beginning may have been missed.
    """
    sequence = 0
    events: list[At] = [(0.0, opened("A")), (0.5, said("A", 0, 0.0, 0.4))]
    for second, jump in enumerate(jumps, 1):
        is_foreign = jump > MOST_MISSING
        if not is_foreign:
            sequence += jump + 1
        events.append((second, said("A", jump if is_foreign else sequence, second - 1.0, second - 0.5)))
    steps = play(*events, (20.0, said("A", sequence + 1, 19.0, 19.5)))
    assert kinds(steps)[-1] == "Utterance"
    assert sum(each.missing for each in steps) <= sum(jump for jump in jumps if jump <= MOST_MISSING)
    numbers = [number for number, _, _ in heard(steps)]
    assert all(low < high for low, high in pairwise(numbers))
    assert numbers[-1] <= MOST_UTTERANCES + 100


bridges = st.sampled_from("ABCDE")
"""One more than are remembered."""


@given(st.lists(st.tuples(bridges, st.sampled_from(["open", "say", "say", "say", "close"]), st.floats(0.5, 8))))
def test_whatever_comes_the_call_is_one(story: list[tuple[str, str, float]]) -> None:
    """A story of bridges that come, go and fall silent is one numbering, and a time in which nothing is heard twice;
    the call is over exactly when it is told so."""
    at, sequences, begun = 0.0, dict.fromkeys("ABCDE", 0), dict[str, float]()
    before: Recordings | None = None
    over, until, numbers = True, 0.0, list[int]()
    for name, what, pause in story:
        at += pause
        event: ForkEvent
        if what == "open":
            begun.setdefault(name, at)
            event = opened(name, begun[name])
        elif what == "say" and name in begun:
            event = said(name, sequences[name], at - begun[name], at - begun[name] + 0.5)
            sequences[name] += 1
        elif name in begun:
            event = closed(name, at - begun[name], at)
        else:
            continue
        done = step(before, event, BEGAN + at)
        before = done.recordings
        if done.is_new:
            until, numbers = 0.0, []
        for told in done.events:
            if isinstance(told, Utterance):
                numbers.append(told.sequence)
                assert told.start_seconds >= until
                until = told.end_seconds
            over = isinstance(told, CallClosed)
        assert (before.heard is None) is over
        assert len(before.known) <= MOST
        assert all(low < high for low, high in pairwise(numbers))
