"""A call's state that a newer Callvane has stored, as this one reads it."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import cache
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.call.audio_health import Health
from analysis.call.conversation import Conversation
from analysis.call.party import Party
from analysis.call.recording_state import Recording, Recordings
from analysis.call.stored_state import StateError, decode, encode
from analysis.shift.detector import ShiftState
from analysis.shift.evidence import Judged
from analysis.turns.reading import Act
from analysis.turns.turn import Turn
from analysis.words.language import Spoken
from analysis.words.voice import Voice
from callbus import Condition, ConditionKind, Gap, Leg, Mood, Role, ShiftKind, Tier, Unit
from tests.analysis.practice.speaking import agent, customer, told

Path = tuple[str | int, ...]

LEGS = (Leg("1", Role.AGENT, "Anna"), Leg("2", Role.CUSTOMER))
LOSS = Condition(ConditionKind.LOSS, "2", Role.CUSTOMER, 3.0, 0.1, Unit.SHARE)
WORSE = ShiftState(Mood.WORSENED, tier=Tier.MARK, run=(1, 2), run_kind=ShiftKind.WORSENED, origin=(0,), opened=2)
CALL = Conversation(
    "c",
    5.0,
    LEGS,
    next_turn=3,
    turns=(Judged(Turn(0, "customer", Role.CUSTOMER, "this is terrible", 0.0, 1.0, 0.9, 1), -1.0),),
    parties={"customer": Party(replace(WORSE, tier=None, mood=Mood.CALM), WORSE, 2, (0.5, -2.0))},
    open_digits={"2": 3},
    health=Health((LOSS, replace(LOSS, kind=ConditionKind.LATE)), (Gap(1.0, 2.0),)),
    voices={"2": Voice()},
    spoken=Spoken("", 2.0, {"en": -0.5, "es": -4.0}),
    recordings=Recordings(5.0, 5.0, (Recording("r", 5.0, legs=LEGS, next_sequence=4),), 4, spoken={"customer": 2.0}),
    practice=told(
        [customer(number, "This is terrible.", -2.0, urgent=0.9) for number in (0, 2, 4, 6)]
        + [agent(number, "That must be hard, I'm on it.", Act.ACK, Act.NEXT, hollow=0.6) for number in (1, 3, 5, 7)]
    ),
)
"""With something at every place of a state at which a word of a fixed list stands."""
NOW = ("parties", "customer", "now")
BEFORE = ("parties", "customer", "before")
ROWS: list[tuple[Path, dict[Path, Any]]] = [
    (("channel",), {("channel",): "chat"}),
    (("legs", 1, "role"), {("legs", 1, "role"): "unknown"}),
    (("turns", 0, "turn", "role"), {("turns", 0, "turn", "role"): "unknown"}),
    (("recordings", "known", 0, "legs", 0, "role"), {("recordings", "known", 0, "legs", 0, "role"): "unknown"}),
    (("health", "standing", 1, "role"), {("health", "standing", 1, "role"): "unknown"}),
    (("health", "standing", 0, "kind"), {("health", "standing"): [msgspec.to_builtins(CALL.health.standing[1])]}),
    (("health", "standing", 1, "unit"), {("health", "standing"): [msgspec.to_builtins(LOSS)]}),
    ((*BEFORE, "mood"), {(*BEFORE, "mood"): "calm"}),
    ((*BEFORE, "tier"), {(*BEFORE, "tier"): "interruption"}),
    ((*BEFORE, "run_kind"), {(*BEFORE, "run_kind"): None, (*BEFORE, "run"): []}),
    ((*NOW, "mood"), {(*NOW, "mood"): "worsened"}),
    ((*NOW, "tier"), {(*NOW, "tier"): "interruption"}),
    ((*NOW, "run_kind"), {(*NOW, "run_kind"): None, (*NOW, "run"): []}),
]
"""A place at which a newer Callvane stores a word that is unknown here, and what is read instead of what stands."""
IDS = [".".join(map(str, path)) for path, _ in ROWS]

new_words = st.text(min_size=1).map("new ".__add__)
json = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2**32) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def stored(changes: dict[Path, Any]) -> bytes:
    """The call's stored state with other values at some places."""
    whole = msgspec.msgpack.decode(encode(CALL))
    for path, value in changes.items():
        place = whole["call"]
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = copy.deepcopy(value)
    return msgspec.msgpack.encode(whole)


@pytest.mark.parametrize(("path", "read"), ROWS, ids=IDS)
@given(word=new_words)
def test_an_unknown_word_loses_no_call(path: Path, read: dict[Path, Any], word: str) -> None:
    """It reads as the nearest known one, or what it is about is left out; all else stays as it was."""
    assert decode(stored({path: word})) == decode(stored(read))


@given(st.sets(st.sampled_from([path for path, _ in ROWS]), min_size=1), new_words)
def test_many_unknown_words_lose_no_call(paths: set[Path], word: str) -> None:
    """Wherever they stand together: the call keeps its numbering, its levels and its turns."""
    call = decode(stored(dict.fromkeys(paths, word)))
    assert (call.call_id, call.opened_at, call.next_turn) == (CALL.call_id, CALL.opened_at, CALL.next_turn)
    assert call.parties["customer"].scores == CALL.parties["customer"].scores
    assert [judged.turn.text for judged in call.turns] == [judged.turn.text for judged in CALL.turns]
    assert call.recordings
    assert call.recordings.next_number == 4


@pytest.mark.parametrize("path", [path for path, _ in ROWS], ids=IDS)
@given(value=st.integers(0, 9) | st.lists(st.text(), max_size=2) | st.booleans())
def test_what_is_no_text_is_broken(path: Path, value: object) -> None:
    """A newer version stores other words, not other types."""
    with pytest.raises(StateError):
        decode(stored({path: value}))


def test_a_state_from_before_practice_was_looked_for() -> None:
    """It goes on without it; the next event begins to look."""
    whole = msgspec.msgpack.decode(encode(CALL))
    del whole["call"]["practice"]
    assert decode(msgspec.msgpack.encode(whole)) == replace(CALL, practice=None)


def test_a_state_from_before_languages_were_detected() -> None:
    """A call that an earlier worker stored goes on, its language not decided yet."""
    whole = msgspec.msgpack.decode(encode(CALL))
    del whole["call"]["spoken"], whole["call"]["is_judged"]
    assert decode(msgspec.msgpack.encode(whole)) == replace(CALL, spoken=Spoken())


@given(st.data(), new_words, json)
def test_a_further_field_changes_nothing(data: st.DataObject, name: str, value: object) -> None:
    """Of whatever part of a state, and whatever stands in it."""
    path = data.draw(st.sampled_from(_parts_of_call()))
    assert decode(stored({(*path, name): value})) == CALL


def test_every_word_of_a_fixed_list_has_its_row() -> None:
    """A place that is added to the state is added here."""
    places = {tuple("*" if isinstance(step, int) or step == "customer" else step for step in path) for path, _ in ROWS}
    assert places == set(_enums(msgspec.inspect.type_info(Conversation)))


def _enums(type_info: Any) -> list[Path]:
    """The paths to all enums within a type."""
    match type_info:
        case msgspec.inspect.DataclassType(fields=fields):
            return [(one.encode_name, *path) for one in fields for path in _enums(one.type)]
        case msgspec.inspect.VarTupleType(item_type=item) | msgspec.inspect.DictType(value_type=item):
            return [("*", *path) for path in _enums(item)]
        case msgspec.inspect.UnionType(types=types):
            return [path for one in types for path in _enums(one)]
        case msgspec.inspect.EnumType():
            return [()]
    return []


@cache
def _parts_of_call() -> list[Path]:
    return _parts(msgspec.inspect.type_info(Conversation), msgspec.to_builtins(CALL))


def _parts(type_info: Any, value: Any) -> list[Path]:
    """The paths to all objects within a value of a type."""
    match type_info:
        case msgspec.inspect.DataclassType(fields=fields) if value is not None:
            inner = [(one.encode_name, *path) for one in fields for path in _parts(one.type, value[one.encode_name])]
            return [(), *inner]
        case msgspec.inspect.VarTupleType(item_type=item):
            return [(place, *path) for place, one in enumerate(value) for path in _parts(item, one)]
        case msgspec.inspect.DictType(value_type=item):
            return [(name, *path) for name, one in value.items() for path in _parts(item, one)]
        case msgspec.inspect.UnionType(types=types):
            return [path for one in types for path in _parts(one, value)]
    return []
