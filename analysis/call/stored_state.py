"""A call's state as it lies in Redis after every utterance, so that another worker can go on with it in mid-call."""

from __future__ import annotations

import msgspec

from analysis.call.conversation import Conversation
from analysis.call.state_tolerance import tolerated

STATE_VERSION = 3
"""Raised where an earlier worker would misread a state. Fields with a default, and words, may come without: a worker
that does not know them goes on, see state_tolerance."""


class StateError(ValueError):
    """Stored state that cannot be used: broken, or of another version."""


def encode(call: Conversation) -> bytes:
    """A call's state for Redis."""
    return msgspec.msgpack.encode({"version": STATE_VERSION, "call": call})


def decode(payload: bytes) -> Conversation:
    """A call's state from Redis. Raises StateError."""
    try:
        fields = msgspec.msgpack.decode(payload)
        if not isinstance(fields, dict) or fields.get("version") != STATE_VERSION:
            raise StateError("another version")
        return msgspec.convert(tolerated(fields.get("call")), Conversation)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise StateError(str(error)[:200]) from error
