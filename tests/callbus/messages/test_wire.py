"""The wire form of messages."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import callbus.schemas
from callbus import Alert, CallOpened, CallState, Debrief, Tier, Transcript
from callbus.messages.utterance import MOST_UTTERANCES
from callbus.messages.wire import (
    NAMES,
    VERSION,
    ForkEvent,
    Publication,
    UnknownVersion,
    WireError,
    decode_fork_event,
    decode_publication,
    encode_fork_event,
    encode_publication,
    schema,
)
from tests.callbus import sample_messages as messages

SCHEMAS = Path(callbus.schemas.__file__).parent


@given(messages.fork_events)
def test_fork_event_comes_back_as_it_went(event: ForkEvent) -> None:
    """Encoding and decoding a fork event changes nothing."""
    assert decode_fork_event(encode_fork_event(event)) == event


@given(messages.publications)
def test_publication_comes_back_as_it_went(message: Publication) -> None:
    """Encoding and decoding a publication changes nothing."""
    assert decode_publication(encode_publication(message)) == message


@given(messages.publications)
def test_publication_fits_its_published_schema(message: Publication) -> None:
    """What is published is what the JSON Schema promises to integrators."""
    described = json.loads((SCHEMAS / f"{NAMES[type(message)]}.v{VERSION}.json").read_text())
    jsonschema.validate(json.loads(encode_publication(message)), described)


@pytest.mark.parametrize("cls", [Alert, Transcript, CallState, Debrief])
def test_schema_files_are_those_of_the_types(cls: type[Publication]) -> None:
    """The schema files are up to date; `python -m callbus.schemas` makes them so."""
    assert json.loads((SCHEMAS / f"{NAMES[cls]}.v{VERSION}.json").read_text()) == json.loads(json.dumps(schema(cls)))


@given(st.binary(max_size=300))
def test_garbage_raises_wire_error_and_nothing_else(payload: bytes) -> None:
    """Any bytes either decode or raise WireError."""
    for decode in (decode_fork_event, decode_publication):
        with pytest.raises(WireError):
            decode(payload)


@given(messages.utterances, st.data())
def test_cut_message_raises_wire_error(event: ForkEvent, data: st.DataObject) -> None:
    """A message cut short anywhere is refused."""
    payload = encode_fork_event(event)
    with pytest.raises(WireError):
        decode_fork_event(payload[: data.draw(st.integers(0, len(payload) - 1))])


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"version": 2}, UnknownVersion),
        ({"version": "1"}, UnknownVersion),
        ({"type": "gossip"}, WireError),
        ({"type": "alert"}, WireError),
        ({"type": ["utterance"]}, WireError),
        ({"call_id": ""}, WireError),
        ({"call_id": "x" * 129}, WireError),
        ({"role": 5}, WireError),
        ({"sequence": -1}, WireError),
        ({"sequence": MOST_UTTERANCES + 1}, WireError),
        ({"sequence": 2**64 - 1}, WireError),
        ({"sample_rate_hz": 1}, WireError),
        ({"pcm": 5}, WireError),
        ({"ended_at": float("nan")}, WireError),
        ({"start_seconds": float("inf")}, WireError),
        ({"end_seconds": -1.0}, WireError),
    ],
)
def test_wrong_field_is_refused(change: dict[str, object], error: type[WireError]) -> None:
    """A field of a wrong type or range, an unknown type and another version are each refused."""
    fields = msgspec.msgpack.decode(encode_fork_event(messages.utterance("c")))
    with pytest.raises(error):
        decode_fork_event(msgspec.msgpack.encode({**fields, **change}))


@pytest.mark.parametrize(
    "change",
    [
        {"caller": "+4930123456"},
        {"caller": "F" * 32},
        {"caller": "0" * 31},
        {"caller": f"{'0' * 32}\n"},
        {"crm": {"notes": "x" * 201}},
        {"crm": {"earlier": -1}},
    ],
)
def test_an_opening_names_no_number(change: dict[str, object]) -> None:
    """A caller is a hash of 32 digits or nobody; what a CRM says is bounded."""
    fields = msgspec.msgpack.decode(encode_fork_event(CallOpened("c", "b", 1.0, ())))
    with pytest.raises(WireError):
        decode_fork_event(msgspec.msgpack.encode({**fields, **change}))


def test_unknown_field_is_ignored() -> None:
    """A newer writer may add fields within a version."""
    fields = json.loads(encode_publication(messages.alert("c")))
    assert decode_publication(json.dumps({**fields, "stream_id": "1-1", "mascot": "owl"})) == messages.alert("c")


def test_an_alert_from_before_there_were_tiers_is_a_mark() -> None:
    """What an older Callvane left in the stream is read on."""
    alert = messages.alert("call")
    fields = json.loads(encode_publication(alert))
    del fields["tier"], fields["supersedes"]
    read = decode_publication(json.dumps(fields))
    assert isinstance(read, Alert)
    assert (read.tier, read.supersedes) == (Tier.MARK, "")


def test_a_call_state_from_before_practice_was_looked_for() -> None:
    """What an older Callvane left in the stream is read on; it says nothing of how the agent met the call."""
    fields = json.loads(encode_publication(messages.call_state("call")))
    del fields["practice"]
    assert decode_publication(json.dumps(fields)) == messages.call_state("call")


@pytest.mark.parametrize("depth", [900, 2_000, 100_000])
@pytest.mark.parametrize(
    "opening", [b"[", b'{"a":', b'{"type":', b'{"version":1,"type":[', b'{"stream_id":[', b"\x91", b"\x81\xa1a"]
)
def test_deep_nesting_is_refused(opening: bytes, depth: int) -> None:
    """What is nested beyond sense is refused, not a crash."""
    for decode in (decode_fork_event, decode_publication):
        with pytest.raises(WireError):
            decode(opening * depth)
