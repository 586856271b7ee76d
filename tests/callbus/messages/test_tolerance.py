"""What a newer Callvane writes, as this one reads it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbus import (
    Act,
    Answer,
    CallEvent,
    CallOpened,
    Channel,
    Condition,
    ConditionKind,
    Core,
    DoneAct,
    Evidence,
    Finding,
    FindingKind,
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
    Tier,
    TurningPoint,
    Unit,
    Verdict,
    Wish,
    WrittenTurn,
)
from callbus.messages.wire import (
    NAMES,
    ForkEvent,
    Publication,
    UnknownValue,
    WireError,
    decode_fork_event,
    decode_publication,
    encode_fork_event,
    encode_publication,
)
from tests.callbus import sample_messages as messages

LEGS = (Leg("1", Role.CUSTOMER), Leg("2", Role.AGENT, "Anna"))
LOSS = Condition(ConditionKind.LOSS, "1", Role.CUSTOMER, 3.0, 0.1, Unit.SHARE)
QUOTES = (Quote(Role.CUSTOMER, "no", 1.0, 2.0, -1.0),)
OPENED = CallOpened("c", "b", 1.0, LEGS)
EVENT = CallEvent("c", 1.0, True, LOSS)
ALERT = replace(messages.alert("c"), legs=LEGS, before=QUOTES, after=QUOTES, level=-1.0, baseline=0.5)
STATE = replace(messages.call_state("c"), legs=LEGS, health=(LOSS, replace(LOSS, kind=ConditionKind.LATE)))
PROOF = Evidence("please", 1, 2.0, "urgency", 0.7)
INTAKE = Intake((Core.WORRY, Core.ANGER), PROOF, 0.7, PROOF, Wish.PLAN, Register.FORMAL, True)
ANSWER = Answer(PROOF, (DoneAct(Act.ACK, PROOF), DoneAct(Act.NEXT, PROOF)), Landed.BETTER, -1.0, 0.5)
GAP = Finding(FindingKind.DEFENSIVE, Side.GAP, PROOF, True)
PRACTICE = Practice(True, INTAKE, ANSWER, (GAP, replace(GAP, kind=FindingKind.BRUSH_OFF)))
WATCHED = replace(messages.call_state("c"), practice=PRACTICE)
DEBRIEF = replace(
    messages.debrief("c"),
    intake=INTAKE,
    turning_points=(TurningPoint(ShiftKind.WORSENED, PROOF), TurningPoint(ShiftKind.RECOVERED, PROOF)),
    replies=(Reply(Question.CORE_MET, Verdict.YES, (PROOF,)), Reply(Question.VERIFIED, Verdict.NO, ())),
    strengths=PRACTICE.findings,
    gaps=PRACTICE.findings,
    notes=PRACTICE.findings,
    answers=(ANSWER, ANSWER),
)
WRITTEN = WrittenTurn("c", "customer", Role.CUSTOMER, 0, "no", 1.0, Channel.EMAIL)
ENDED = replace(STATE, phase=Phase.ENDED, closed_at=5.0)
UNKNOWN = Role.UNKNOWN

Path = tuple[str | int, ...]

NEW = "of the future"
ROWS: list[tuple[ForkEvent | Publication, Path, ForkEvent | Publication]] = [
    (OPENED, ("legs", 1, "role"), replace(OPENED, legs=(LEGS[0], replace(LEGS[1], role=UNKNOWN)))),
    (OPENED, ("channel",), replace(OPENED, channel=Channel.CHAT)),
    (WRITTEN, ("role",), replace(WRITTEN, role=UNKNOWN)),
    (WRITTEN, ("channel",), replace(WRITTEN, channel=Channel.CHAT)),
    (messages.utterance("c"), ("role",), replace(messages.utterance("c"), role=UNKNOWN)),
    (EVENT, ("condition", "role"), replace(EVENT, condition=replace(LOSS, role=UNKNOWN))),
    (ALERT, ("legs", 0, "role"), replace(ALERT, legs=(replace(LEGS[0], role=UNKNOWN), LEGS[1]))),
    (ALERT, ("before", 0, "role"), replace(ALERT, before=(replace(QUOTES[0], role=UNKNOWN),))),
    (ALERT, ("after", 0, "role"), replace(ALERT, after=(replace(QUOTES[0], role=UNKNOWN),))),
    (ALERT, ("kind",), replace(ALERT, kind=ShiftKind.WORSENED)),
    (replace(ALERT, level=1.0), ("kind",), replace(ALERT, level=1.0, kind=ShiftKind.RECOVERED)),
    (ALERT, ("mood",), replace(ALERT, mood=Mood.WORSENED)),
    (
        replace(ALERT, kind=ShiftKind.RECOVERED),
        ("mood",),
        replace(ALERT, kind=ShiftKind.RECOVERED, mood=Mood.RECOVERED),
    ),
    (ALERT, ("tier",), replace(ALERT, tier=Tier.INTERRUPTION)),
    (messages.transcript("c"), ("role",), replace(messages.transcript("c"), role=UNKNOWN)),
    (STATE, ("phase",), STATE),
    (STATE, ("channel",), replace(STATE, channel=Channel.CHAT)),
    (ENDED, ("phase",), ENDED),
    (replace(STATE, mood=Mood.WORSENED), ("mood",), STATE),
    (STATE, ("legs", 0, "role"), replace(STATE, legs=(replace(LEGS[0], role=UNKNOWN), LEGS[1]))),
    (STATE, ("health", 0, "kind"), replace(STATE, health=STATE.health[1:])),
    (STATE, ("health", 0, "unit"), replace(STATE, health=STATE.health[1:])),
    (STATE, ("health", 0, "role"), replace(STATE, health=(replace(LOSS, role=UNKNOWN), STATE.health[1]))),
    (
        DEBRIEF,
        ("turning_points", 0, "kind"),
        replace(DEBRIEF, turning_points=DEBRIEF.turning_points[1:]),
    ),
    (DEBRIEF, ("replies", 0, "question"), replace(DEBRIEF, replies=DEBRIEF.replies[1:])),
    (
        DEBRIEF,
        ("replies", 0, "verdict"),
        replace(DEBRIEF, replies=(replace(DEBRIEF.replies[0], verdict=Verdict.NOT_SEEN), DEBRIEF.replies[1])),
    ),
]
WITHOUT_A_CORE = replace(INTAKE, cores=INTAKE.cores[1:])
WITHOUT_AN_ACT = replace(ANSWER, acts=ANSWER.acts[1:])
NOT_SEEN = replace(ANSWER, landed=Landed.NOT_SEEN)
INTAKES: list[tuple[Path, Intake]] = [
    (("cores", 0), WITHOUT_A_CORE),
    (("wish",), replace(INTAKE, wish=Wish.UNCLEAR)),
    (("register",), replace(INTAKE, register=Register.PLAIN)),
]
ANSWERS: list[tuple[Path, Answer]] = [(("acts", 0, "act"), WITHOUT_AN_ACT), (("landed",), NOT_SEEN)]
FINDINGS: list[tuple[str, tuple[Finding, ...]]] = [
    ("kind", PRACTICE.findings[1:]),
    ("side", (replace(GAP, side=Side.NOTE), PRACTICE.findings[1])),
]
ROWS += [
    (WATCHED, ("practice", "intake", *path), replace(WATCHED, practice=replace(PRACTICE, intake=read)))
    for path, read in INTAKES
]
ROWS += [(DEBRIEF, ("intake", *path), replace(DEBRIEF, intake=read)) for path, read in INTAKES]
ROWS += [
    (WATCHED, ("practice", "answer", *path), replace(WATCHED, practice=replace(PRACTICE, answer=read)))
    for path, read in ANSWERS
]
ROWS += [(DEBRIEF, ("answers", 0, *path), replace(DEBRIEF, answers=(read, ANSWER))) for path, read in ANSWERS]
for name, left in FINDINGS:
    watched = replace(WATCHED, practice=replace(PRACTICE, findings=left))
    ROWS += [
        (WATCHED, ("practice", "findings", 0, name), watched),
        (DEBRIEF, ("strengths", 0, name), replace(DEBRIEF, strengths=left)),
        (DEBRIEF, ("gaps", 0, name), replace(DEBRIEF, gaps=left)),
        (DEBRIEF, ("notes", 0, name), replace(DEBRIEF, notes=left)),
    ]
"""A message, the place at which a newer Callvane writes a value that is unknown here, and what is read then."""
IDS = [f"{NAMES[type(message)]} {'.'.join(map(str, path))}" for message, path, _ in ROWS]
LEFT_OUT: list[Path] = [("condition", "kind"), ("condition", "unit")]
"""Places of a call event at which nothing is left of it."""


def rewritten(message: ForkEvent | Publication, path: Path, value: object) -> ForkEvent | Publication:
    """The message as it is read with another value at one place. Raises WireError."""
    is_event = isinstance(message, ForkEvent)
    fields = msgspec.msgpack.decode(encode_fork_event(message)) if is_event else {}  # type: ignore[arg-type]
    if not is_event:
        fields = msgspec.json.decode(encode_publication(message))  # type: ignore[arg-type]
    place: Any = fields
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    if is_event:
        return decode_fork_event(msgspec.msgpack.encode(fields))
    return decode_publication(msgspec.json.encode(fields))


@pytest.mark.parametrize(("message", "path", "expected"), ROWS, ids=IDS)
def test_an_unknown_value_loses_no_message(
    message: ForkEvent | Publication, path: Path, expected: ForkEvent | Publication
) -> None:
    """It reads as the nearest known one, or what it is about is left out of its list; all else stays as it was."""
    assert rewritten(message, path, NEW) == expected


@pytest.mark.parametrize("path", LEFT_OUT)
def test_an_event_about_something_unknown_is_told_apart(path: Path) -> None:
    """Nothing can be made of it, and it is no malformed one."""
    with pytest.raises(UnknownValue):
        rewritten(EVENT, path, NEW)


@pytest.mark.parametrize(("message", "path"), [row[:2] for row in ROWS] + [(EVENT, path) for path in LEFT_OUT])
def test_what_is_no_text_is_malformed(message: ForkEvent | Publication, path: Path) -> None:
    """A newer version writes other words, not other types."""
    for value in (5, None, ["customer"], {"customer": 1}):
        with pytest.raises(WireError) as refused:
            rewritten(message, path, value)
        assert refused.value.reason == "malformed"


def test_every_enum_on_the_wire_has_its_row() -> None:
    """A place that is added to a message is added here."""
    places = {(name, tuple(step for step in path if isinstance(step, str))) for name, path in _tested()}
    assert places == {(name, path) for cls, name in NAMES.items() for path in _enums(msgspec.inspect.type_info(cls))}


def _tested() -> list[tuple[str, Path]]:
    return [(NAMES[type(message)], path) for message, path, _ in ROWS] + [("call_event", path) for path in LEFT_OUT]


def _enums(type_info: Any) -> list[tuple[str, ...]]:
    """The paths to all enums within a type."""
    match type_info:
        case msgspec.inspect.DataclassType(fields=fields):
            return [(one.encode_name, *path) for one in fields for path in _enums(one.type)]
        case msgspec.inspect.VarTupleType(item_type=item):
            return _enums(item)
        case msgspec.inspect.UnionType(types=types):
            return [path for one in types for path in _enums(one)]
        case msgspec.inspect.EnumType():
            return [()]
    return []


integers = st.integers(-(2**63), 2**64 - 1)
"""Those that msgpack can write."""
values = st.recursive(
    st.none() | st.booleans() | integers | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(messages.publications | messages.fork_events, values, st.data())
def test_any_value_anywhere_is_read_or_refused(
    message: ForkEvent | Publication, value: object, data: st.DataObject
) -> None:
    """A field of any type, at any place, raises WireError and nothing else; what is read can be written again."""
    fields = msgspec.to_builtins(message, builtin_types=(bytes,))
    path: list[str | int] = []
    place: Any = fields
    while place and isinstance(place, dict | list):
        step = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        path.append(step)
        place = place[step]
        if data.draw(st.booleans()):
            break
    try:
        read = rewritten(message, tuple(path), value)
    except WireError:
        return
    assert encode_fork_event(read) if isinstance(read, ForkEvent) else encode_publication(read)
