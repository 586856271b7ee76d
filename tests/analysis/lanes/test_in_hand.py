"""What a worker holds in hand, by its bounds."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from analysis.lanes.in_hand import SHED, InHand
from analysis.lanes.lane import Job, Lane
from callbus import CallClosed, CallEvent, CallOpened, Condition, ConditionKind, Role, Utterance
from callbus.messages.conditions import UNITS
from callbus.messages.wire import ForkEvent
from callbus.redis.delivery import Delivery

UTTERANCES, AUDIO_BYTES, CALL_EVENTS = 6, 10_000, 4
ROLES = st.sampled_from([Role.CUSTOMER, Role.AGENT, Role.UNKNOWN])


def said(call_id: str, role: Role, size: int) -> ForkEvent:
    """An utterance with so many bytes of audio."""
    return Utterance(call_id, "1", role, 0, 0.0, 1.0, 1.0, 8_000, bytes(size))


CALLS = st.sampled_from(["a", "b", "c"])
PAUSED = Condition(ConditionKind.PAUSED, "", Role.UNKNOWN, 0.0, 0.0, UNITS[ConditionKind.PAUSED])
EVENTS = st.one_of(
    st.builds(said, CALLS, ROLES, st.integers(0, 4_000)),
    st.builds(lambda call_id: CallOpened(call_id, "bridge", 0.0, ()), CALLS),
    st.builds(lambda call_id: CallEvent(call_id, 0.0, True, PAUSED), CALLS),
    st.builds(lambda call_id: CallClosed(call_id, 1.0, 1.0, "bye"), CALLS),
)


def shed_so_far() -> float:
    """Utterances that this process has shed, whosever they were."""
    return sum(sample.value for metric in SHED.collect() for sample in metric.samples if sample.name.endswith("_total"))


@given(st.lists(st.one_of(EVENTS, CALLS), max_size=60))
def test_bounds_hold_whatever_comes(steps: list[ForkEvent | str]) -> None:
    """Utterances, audio and a call's own are bounded; what is shed keeps its place, is counted, and no other is shed.

    A call's id stands for its first event being committed.
    """
    in_hand = InHand(UTTERANCES, AUDIO_BYTES, CALL_EVENTS)
    lanes = {call_id: Lane(0) for call_id in "abc"}
    before, jobs = shed_so_far(), list[Job]()
    for number, step in enumerate(steps):
        if isinstance(step, str):
            if lanes[step].jobs:
                in_hand.let_go(lanes[step].finished())
        else:
            jobs.append(Job(Delivery(0, 0, b"%d-0" % number, step)))
            in_hand.take(jobs[-1], lanes[step.call_id])
        held = [job for lane in lanes.values() for job in lane.jobs]
        waiting = [job for job in held if isinstance(job.delivery.event, Utterance) and not job.is_shed]
        assert len(in_hand) == len(held)
        assert in_hand.audio_bytes == sum(job.audio_bytes for job in held) <= AUDIO_BYTES
        assert len(waiting) <= UTTERANCES
        assert all(sum(job in waiting for job in lane.jobs) <= CALL_EVENTS for lane in lanes.values())
    shed = [job for job in jobs if job.is_shed]
    assert all(isinstance(job.delivery.event, Utterance) and not job.audio_bytes for job in shed)
    assert shed_so_far() - before == len(shed)


def test_agents_go_first_then_the_oldest() -> None:
    """Over all calls; the words of customers are what alerts come from."""
    in_hand, lane = InHand(3), Lane(0)
    roles = [Role.CUSTOMER, Role.AGENT, Role.CUSTOMER, Role.AGENT, Role.UNKNOWN, Role.CUSTOMER]
    jobs = [Job(Delivery(0, 0, b"1-0", said("a", role, 100))) for role in roles]
    for job in jobs:
        in_hand.take(job, lane)
    assert [job.is_shed for job in jobs] == [True, True, False, True, False, False]


def test_audio_that_was_heard_is_let_go() -> None:
    """What waits for a score, or behind one, keeps no audio; what has no words in it waits for nothing."""
    in_hand, lane = InHand(2), Lane(0)
    jobs = [Job(Delivery(0, 0, b"1-0", said("a", Role.CUSTOMER, 100))) for _ in range(4)]
    in_hand.take(jobs[0], lane)
    in_hand.heard(jobs[0], has_words=True)
    assert (in_hand.audio_bytes, jobs[0].audio_bytes) == (0, 0)
    for job in jobs[1:]:
        in_hand.take(job, lane)
        in_hand.heard(job, has_words=False)
    assert not any(job.is_shed for job in jobs)
    assert len(in_hand) == 4


async def test_what_is_shed_is_waited_for_no_more() -> None:
    """Its score is given up at once; a call that is given up as a whole is no shed one."""
    job = Job(Delivery(0, 0, b"1-0", said("a", Role.CUSTOMER, 100)))

    async def score() -> None:
        await asyncio.Event().wait()

    asking = asyncio.create_task(score())
    waiting = asyncio.create_task(job.answer(asking))
    await asyncio.sleep(0)
    job.shed()
    await asyncio.wait([waiting], timeout=10)
    assert type(waiting.exception()).__name__ == "Shed"
    assert asking.cancelled()
    other = Job(Delivery(0, 0, b"1-0", said("a", Role.CUSTOMER, 100)))
    waiting = asyncio.create_task(other.answer(asyncio.create_task(score())))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting], timeout=10)
    assert waiting.cancelled()
