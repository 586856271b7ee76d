"""The wire form of every message, versioned.

Alerts, transcripts, call states and debriefs are also for integrators: flat JSON objects with `version` and `type`
beside the message's own fields, described by the JSON Schemas in `callbus/schemas/`. Fork events carry audio and stay
between bridge and analysis: the same objects in msgpack.

A reader ignores unknown fields and tolerates unknown values (`tolerance`), so a field or an enum member can be added
within a version. Any other change (a field removed, a meaning changed) raises VERSION.
"""

from __future__ import annotations

from typing import Any

import msgspec

from callbus.messages.alert import Alert
from callbus.messages.call import CallClosed, CallOpened, CallState
from callbus.messages.conditions import CallEvent
from callbus.messages.debrief import Debrief
from callbus.messages.tolerance import tolerated
from callbus.messages.transcript import Transcript
from callbus.messages.utterance import Utterance
from callbus.messages.written import WrittenTurn

VERSION = 1

ForkEvent = CallOpened | Utterance | WrittenTurn | CallEvent | CallClosed
"""What a bridge, or whoever takes written turns, sends to analysis."""

Publication = Alert | Transcript | CallState | Debrief
"""What analysis publishes."""

TYPES: dict[str, type[ForkEvent | Publication]] = {
    "call_opened": CallOpened,
    "utterance": Utterance,
    "written_turn": WrittenTurn,
    "call_event": CallEvent,
    "call_closed": CallClosed,
    "alert": Alert,
    "transcript": Transcript,
    "call_state": CallState,
    "debrief": Debrief,
}
NAMES = {cls: name for name, cls in TYPES.items()}


class WireError(ValueError):
    """A message that cannot be read."""

    reason = "malformed"


class UnknownVersion(WireError):
    """A message of another version, written by a newer or older Callvane."""

    reason = "version"


class UnknownValue(WireError):
    """A message about something unknown to this version, written by a newer Callvane."""

    reason = "value"


def encode_fork_event(event: ForkEvent) -> bytes:
    """Msgpack bytes of a fork event."""
    return msgspec.msgpack.encode(_envelope(event))


def decode_fork_event(payload: bytes) -> ForkEvent:
    """The fork event in `payload`. Raises WireError, or its UnknownVersion or UnknownValue."""
    message = _open(payload, msgspec.msgpack.decode)
    if not isinstance(message, ForkEvent):
        raise WireError(f"{NAMES[type(message)]} is not a fork event")
    return message


def encode_publication(message: Publication) -> bytes:
    """JSON bytes (UTF-8, one object) of a publication."""
    return msgspec.json.encode(_envelope(message))


def decode_publication(payload: bytes | str) -> Publication:
    """The publication in `payload`. Raises WireError, or its UnknownVersion or UnknownValue."""
    message = _open(payload, msgspec.json.decode)
    if not isinstance(message, Publication):
        raise WireError(f"{NAMES[type(message)]} is not a publication")
    return message


def schema(cls: type[Publication]) -> dict[str, Any]:
    """JSON Schema (2020-12) of a publication in its wire form."""
    described = msgspec.json.schema(cls)
    definitions = described["$defs"]
    own = definitions[cls.__name__]
    own["properties"] = {
        "version": {"const": VERSION},
        "type": {"const": NAMES[cls]},
        "stream_id": {"type": "string", "description": "Id in the stream; only in pub/sub messages."},
        **own["properties"],
    }
    own["required"] = ["version", "type", *own["required"]]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Callvane {NAMES[cls]}, version {VERSION}",
        **described,
    }


def _envelope(message: ForkEvent | Publication) -> dict[str, Any]:
    fields = msgspec.to_builtins(message, builtin_types=(bytes,))
    return {"version": VERSION, "type": NAMES[type(message)], **fields}


def _open(payload: bytes | str, decode: Any) -> ForkEvent | Publication:
    try:
        fields = decode(payload)
        if not isinstance(fields, dict):
            raise WireError("not an object")
        if fields.get("version") != VERSION:
            raise UnknownVersion(f"version {fields.get('version')!r:.20}, this is {VERSION}")
        name = str(fields.get("type"))
        cls = TYPES.get(name)
        if cls is None:
            raise WireError(f"unknown type {name!r:.40}")
        try:
            return msgspec.convert(fields, type=cls)
        except msgspec.ValidationError:
            known = tolerated(name, fields)
            if known is None:
                raise UnknownValue(f"{name} of an unknown kind or unit") from None
            return msgspec.convert(known, type=cls)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise WireError(str(error)[:200]) from error
