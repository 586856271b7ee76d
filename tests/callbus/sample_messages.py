"""Hypothesis strategies for every message, and how tests publish some."""

from __future__ import annotations

from itertools import count

from hypothesis import strategies as st

from callbus import (
    Act,
    Alert,
    Answer,
    CallClosed,
    CallEvent,
    CallOpened,
    CallState,
    Channel,
    Condition,
    ConditionKind,
    Contact,
    Core,
    Counts,
    CoursePoint,
    CrmRecord,
    Debrief,
    DoneAct,
    Evidence,
    Finding,
    FindingKind,
    Gap,
    Intake,
    Landed,
    Leg,
    Mood,
    Phase,
    Practice,
    Question,
    Quote,
    Register,
    Reply,
    Role,
    ShiftKind,
    Side,
    Term,
    Transcript,
    TurningPoint,
    Unit,
    Utterance,
    Verdict,
    Wish,
    WrittenTurn,
)
from callbus.messages.utterance import MOST_UTTERANCES
from callbus.messages.wire import Publication
from callbus.redis.bus import Bus
from callbus.redis.delivery import Delivery
from callbus.redis.fork_reader import ForkReader

_entries = count(1)


async def publish(bus: Bus, *publications: Publication) -> None:
    """Publish as an analysis worker does that nobody disputes a partition with."""
    event = CallOpened("somebody's", "b", 1.0, ())
    reader = ForkReader(bus, "made-up")
    await reader.commit(Delivery(0, 0, f"0-{next(_entries)}".encode(), event), publications=publications)
    await bus.client.delete(bus.keys.lease(0), bus.keys.holder(0))


seconds = st.floats(0, 1e7)
score = st.floats(-10, 10)
call_ids = st.text(st.characters(codec="utf-8"), min_size=1, max_size=128)
words = st.text(st.characters(codec="utf-8"), max_size=60)
counts = st.integers(0, 10**9)
unit = st.floats(0, 1)
roles = st.sampled_from(Role)
channels = st.sampled_from(Channel)
legs = st.builds(Leg, words, roles, words)
leg_tuples = st.lists(legs, max_size=4).map(tuple)
quotes = st.lists(st.builds(Quote, roles, words, seconds, seconds, st.none() | score), max_size=4).map(tuple)
terms = st.lists(st.builds(Term, words, score), max_size=4).map(tuple)

recording_ids = st.text(st.characters(codec="utf-8"), max_size=64)
crm_records = st.builds(CrmRecord, st.none() | counts, words, words)
callers = st.just("") | st.text("0123456789abcdef", min_size=32, max_size=32)
calls_opened = st.builds(
    CallOpened,
    call_ids,
    words,
    seconds,
    leg_tuples,
    recording_ids,
    words,
    channels,
    st.floats(0, 7e6),
    callers,
    st.none() | crm_records,
)
utterances = st.builds(
    Utterance,
    call_ids,
    words,
    roles,
    st.integers(0, MOST_UTTERANCES),
    seconds,
    seconds,
    seconds,
    st.just(8_000),
    st.binary(max_size=400),
    recording_ids,
)
written_turns = st.builds(
    WrittenTurn, call_ids, words, roles, st.integers(0, MOST_UTTERANCES), words, seconds, channels, recording_ids
)
calls_closed = st.builds(CallClosed, call_ids, seconds, seconds, words, recording_ids)
conditions = st.builds(
    Condition, st.sampled_from(ConditionKind), words, roles, seconds, st.floats(-100, 1e6), st.sampled_from(Unit)
)
gaps = st.builds(Gap, seconds, seconds)
call_events = st.builds(CallEvent, call_ids, seconds, st.booleans(), conditions, recording_ids)
fork_events = calls_opened | utterances | written_turns | call_events | calls_closed

contacts = st.builds(
    Contact, counts, st.none() | counts, st.floats(0, 365), st.none() | seconds, words, st.none() | crm_records
)
alerts = st.builds(
    Alert,
    st.text("0123456789abcdef", min_size=1, max_size=64),
    call_ids,
    st.sampled_from(ShiftKind),
    counts,
    seconds,
    seconds,
    seconds,
    leg_tuples,
    quotes,
    quotes,
    terms,
    score,
    score,
    score,
    score,
    unit,
    st.sampled_from(Mood),
    repeat_contact=counts,
)
transcripts = st.builds(
    Transcript,
    call_ids,
    words,
    roles,
    counts,
    counts,
    seconds,
    seconds,
    words,
    unit,
    st.none() | score,
    seconds,
    words,
)
evidence = st.builds(Evidence, words, counts, seconds, words, unit)
intakes = st.builds(
    Intake,
    st.lists(st.sampled_from(Core), max_size=2).map(tuple),
    st.none() | evidence,
    unit,
    st.none() | evidence,
    st.sampled_from(Wish),
    st.sampled_from(Register),
    st.booleans(),
)
answers = st.builds(
    Answer,
    evidence,
    st.lists(st.builds(DoneAct, st.sampled_from(Act), evidence), max_size=2).map(tuple),
    st.sampled_from(Landed),
    score,
    st.none() | score,
)
findings = st.lists(
    st.builds(Finding, st.sampled_from(FindingKind), st.sampled_from(Side), evidence, st.booleans()), max_size=2
).map(tuple)
tallies = st.builds(Counts, counts, seconds, counts, counts, counts, counts)
practices = st.builds(Practice, st.booleans(), intakes, st.none() | answers, findings, tallies)
debriefs = st.builds(
    Debrief,
    call_ids,
    seconds,
    seconds,
    words,
    intakes,
    st.lists(st.builds(CoursePoint, seconds, score), max_size=4).map(tuple),
    st.lists(st.builds(TurningPoint, st.sampled_from(ShiftKind), evidence), max_size=2).map(tuple),
    st.lists(
        st.builds(
            Reply, st.sampled_from(Question), st.sampled_from(Verdict), st.lists(evidence, max_size=1).map(tuple)
        ),
        max_size=4,
    ).map(tuple),
    findings,
    findings,
    findings,
    st.lists(answers, max_size=2).map(tuple),
    tallies,
)
call_states = st.builds(
    CallState,
    call_ids,
    st.sampled_from(Phase),
    seconds,
    seconds,
    st.none() | seconds,
    words,
    leg_tuples,
    st.sampled_from(Mood),
    score,
    score,
    counts,
    st.lists(score, max_size=60).map(tuple),
    st.lists(conditions, max_size=4).map(tuple),
    st.lists(gaps, max_size=4).map(tuple),
    st.text("abcdefghijklmnopqrstuvwxyz", max_size=8),
    st.booleans(),
    words,
    st.none() | practices,
    channels,
    contact=st.none() | contacts,
)
publications = alerts | transcripts | call_states | debriefs


def utterance(call_id: str, sequence: int = 0) -> Utterance:
    """A short customer utterance."""
    return Utterance(call_id, "1", Role.CUSTOMER, sequence, 0.0, 1.0, 1.0, 8_000, bytes(320))


def alert(call_id: str, alert_id: str = "a") -> Alert:
    """A plain alert."""
    return Alert(
        alert_id,
        call_id,
        ShiftKind.WORSENED,
        3,
        9.0,
        1.0,
        2.0,
        (),
        (),
        (),
        (),
        -2.0,
        -1.5,
        0.5,
        1.2,
        0.8,
        Mood.WORSENED,
    )


def call_state(call_id: str, phase: Phase = Phase.ACTIVE) -> CallState:
    """A plain call state."""
    return CallState(call_id, phase, 1.0, 2.0, None, "", (), Mood.CALM, 0.0, 0.0, 1)


def debrief(call_id: str) -> Debrief:
    """A plain debrief."""
    return Debrief(call_id, 1.0, 2.0, "", Intake(), (), (), (), (), (), (), (), Counts())


def transcript(call_id: str, sequence: int = 0) -> Transcript:
    """A customer's words."""
    return Transcript(call_id, "1", Role.CUSTOMER, sequence, 0, 1.0, 2.0, "hello", 0.9, None, 3.0, "")
