"""What a request says: one message, checked field by field, its text made harmless. Pure, linear time."""

from __future__ import annotations

import json
from typing import Any

from callbus import Channel
from callbus.messages.mail import own_words
from callbus.messages.written import MOST_CHARACTERS
from callbus.redis.conversations import PARTIES, Message

BODY_BYTES = 262_144
"""Of a request. An e-mail of 10,000 words with all that it quotes takes less."""
MOST_ID = 128
MOST_NAME = 128
MOST_QUEUE = 64
OLDEST_SECONDS = 30 * 86_400
"""An older message says nothing of a conversation that is going on."""
LARGEST = 1e11
INFINITE = float("inf")
CHANNELS = {each.value: each for each in Channel if each.is_written}
ROLES = {each.value: each for each in PARTIES}
FIELDS = frozenset({"conversation", "channel", "party", "text", "message_id", "at", "agent", "queue"})


class Refused(Exception):
    """A request that cannot be used; its words name the field, the fault and the cure."""


def message_of(body: bytes, now: float) -> Message:
    """The message in a body. `now`: Unix seconds, when it was written unless it says so. Raises Refused."""
    fields = _object(body)
    if unknown := sorted(set(fields) - FIELDS):
        raise Refused(f"{unknown[0]!a:.40}: unknown field; the fields are {', '.join(sorted(FIELDS))}")
    channel = CHANNELS[_word(fields, "channel", CHANNELS)]
    return Message(
        conversation=_conversation(fields),
        channel=channel,
        role=ROLES[_word(fields, "party", ROLES)],
        text=_text(fields, channel),
        at=_moment(fields.get("at"), now),
        message_id=_line(fields, "message_id", MOST_ID),
        agent=_name(fields, "agent", MOST_NAME),
        queue=_name(fields, "queue", MOST_QUEUE).lower()[:MOST_QUEUE],
    )


def id_of(path: str) -> str:
    """A conversation's id from a path. Raises Refused."""
    return _conversation({"conversation": path})


def _conversation(fields: dict[str, Any]) -> str:
    """An id that can stand in a path."""
    value = _line(fields, "conversation", MOST_ID)
    if value in (".", ".."):  # browsers and proxies take these for steps, percent-encoded or not
        raise Refused("conversation: dots alone; give letters, digits, signs and spaces")
    return value


def _object(body: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(body.decode("utf-8"))
    except UnicodeDecodeError:
        raise Refused("body: not UTF-8; send a JSON object in UTF-8") from None
    except (ValueError, RecursionError):
        raise Refused("body: not JSON; send one JSON object") from None
    if not isinstance(fields, dict):
        raise Refused("body: not an object; send one JSON object with the message's fields")
    return fields


def _word(fields: dict[str, Any], name: str, known: dict[str, Any]) -> str:
    word = fields.get(name)
    if not isinstance(word, str) or word not in known:
        raise Refused(f"{name}: {'missing' if word is None else 'not known'}; give one of {', '.join(known)}")
    return word


def _line(fields: dict[str, Any], name: str, most: int) -> str:
    """An id: one line."""
    value = fields.get(name)
    if not isinstance(value, str):
        raise Refused(f"{name}: {'missing' if value is None else 'not text'}; give a string of 1 to {most} characters")
    if not 0 < len(value) <= most:
        raise Refused(f"{name}: {len(value)} characters; give 1 to {most}")
    if not value.isprintable():  # control characters, lone surrogates, overridden directions
        raise Refused(f"{name}: has a character that cannot be printed; give letters, digits, signs and spaces")
    return value


def _name(fields: dict[str, Any], name: str, most: int) -> str:
    """A name that is only shown: cut, without what cannot be printed; empty if there is none."""
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise Refused(f"{name}: not text; give a string, or leave it out")
    return "".join(filter(str.isprintable, (value or "")[: 2 * most])).strip()[:most]


def _text(fields: dict[str, Any], channel: Channel) -> str:
    """The writer's own words, cut to what a message holds; half an emoji and other lone surrogates are replaced."""
    text = fields.get("text")
    if not isinstance(text, str):
        raise Refused(f"text: {'missing' if text is None else 'not text'}; give what the party wrote as a string")
    if channel is Channel.EMAIL:
        text = own_words(text)
    return text[:MOST_CHARACTERS].encode("utf-8", "replace").decode("utf-8")


def _moment(at: Any, now: float) -> float:
    if at is None:
        return now
    if isinstance(at, bool) or not isinstance(at, int | float) or not -INFINITE <= at <= INFINITE:  # NaN
        raise Refused("at: not a number; give Unix seconds, or leave it out for now")
    if at > LARGEST:
        raise Refused("at: too far ahead, or in milliseconds; give Unix seconds")
    if at < now - OLDEST_SECONDS:
        raise Refused(f"at: older than {OLDEST_SECONDS // 86_400} days, or not in seconds; give Unix seconds")
    return float(min(at, now))
