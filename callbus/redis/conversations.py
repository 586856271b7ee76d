"""Takes written messages: each is numbered and written to its partition's stream once, whoever repeats it.

All that is known of a conversation lies in Redis, so any process may take its next message.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from callbus.messages.call import CallClosed, CallOpened, Channel, Queue
from callbus.messages.leg import CallId, Leg, Role, UnixSeconds
from callbus.messages.wire import encode_fork_event
from callbus.messages.written import WrittenTurn
from callbus.redis.bus import Bus
from callbus.redis.partition import partition_of
from callbus.redis.scripts.written_turns import FINISH, TAKE

SOURCE = "written"
"""Stands for a bridge's id in the openings."""
REMEMBERED_SECONDS = 86_400
"""How long a message is known by its id: longer than any client repeats it."""
TRIES = 16
"""Others may take messages of the same conversation meanwhile; one of them succeeds with each try."""
CLOSED_BY_CLIENT = "closed"
"""Why a conversation ended that a client has closed."""
PARTIES = (Role.CUSTOMER, Role.AGENT)
KNOWN = ("next", "closed_at", "opened_at", "agent", "queue", "channel")
"""What is stored of a conversation."""
MOST_SECONDS = 1e10


class Crowded(Exception):
    """The message was not taken, and may be repeated: the words say why."""


class Conflict(Exception):
    """The message was not taken, and never will be: the words name the fault and, after a semicolon, the cure."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of one party, as it was handed in."""

    conversation: CallId
    channel: Channel
    role: Role
    text: str
    """At most MOST_CHARACTERS."""
    at: UnixSeconds
    message_id: str
    """Names it within its conversation."""
    agent: str = ""
    """The agent's name, if it is known; at most 128 characters."""
    queue: Queue = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """A message that is safely in Redis."""

    sequence: int
    """Its number in the conversation, from 0."""
    is_repeated: bool
    """Whether it was taken before."""


class Conversations:
    """Belongs to one event loop. Every operation is one try and raises `trouble.FAILURES`; all may be repeated."""

    def __init__(self, bus: Bus, idle_seconds: Mapping[Channel, float], clock: Callable[[], float] = time.time) -> None:
        """`idle_seconds`: by channel, when a conversation ends in which nobody writes. `clock`: Unix seconds."""
        self._bus = bus
        self._idle_seconds = idle_seconds
        self._clock = clock
        self._take = bus.client.register_script(TAKE)
        self._finish = bus.client.register_script(FINISH)

    async def take(self, message: Message) -> Taken:
        """Write a message behind those of its conversation, opened if there is none. Raises Crowded, Conflict."""
        keys, call_id = self._bus.keys, message.conversation
        names = [
            keys.conversation(call_id),
            keys.message(_digest(call_id, message.message_id)),
            keys.forks(self._partition(call_id)),
            keys.conversations,
            keys.live,
        ]
        for _ in range(TRIES):
            known = await self._bus.client.hmget(names[0], KNOWN)
            outcome, sequence = await self._take(keys=names, args=self._arguments(message, known))
            match outcome:
                case b"taken" | b"repeated":
                    return Taken(sequence, outcome == b"repeated")
                case b"phone":
                    raise Conflict("conversation: a phone call goes on under this id; give it an id of its own")
                case b"other":
                    raise Conflict("message_id: another message of this conversation has it; give each its own")
                case b"full":
                    raise Crowded("analysis is behind: as many events wait for it as redis.partition_length allows")
        raise Crowded("too many messages of this conversation come at once")

    async def close(self, call_id: CallId) -> bool:
        """End a conversation; whether it was known. Closing it again changes nothing."""
        keys, now = self._bus.keys, self._clock()
        conversation = keys.conversation(call_id)
        opened_at, closed_at = await self._bus.client.hmget(conversation, "opened_at", "closed_at")
        if opened_at is None or closed_at is not None:
            return opened_at is not None
        closing = CallClosed(call_id, now, max(0.0, now - _seconds(_text(opened_at), now)), CLOSED_BY_CLIENT)
        names = [conversation, keys.forks(self._partition(call_id))]
        await self._finish(keys=names, args=[now, encode_fork_event(closing)])
        return True

    def _partition(self, call_id: CallId) -> int:
        return partition_of(call_id, self._bus.settings.partitions)

    def _arguments(self, message: Message, known: Sequence[bytes | None]) -> list[Any]:
        """Those of TAKE; `known`: what stands in Redis of the conversation, the fields of KNOWN."""
        expected, closed_at, *stored = known
        is_new = expected is None or closed_at is not None
        now = self._clock()
        at = min(message.at, now)
        since, agent, queue, channel = ("", "", "", "") if is_new else (_text(each) for each in stored)
        opened_at = _seconds(since, at)
        named = message.agent if message.role is Role.AGENT and message.agent else agent
        of_queue = queue or message.queue
        chosen = Channel(channel) if channel in Channel.__members__.values() else message.channel
        idle = self._idle_seconds[chosen]
        opening = b""
        if is_new or (named, of_queue) != (agent, queue):
            legs = tuple(Leg(role, role, named if role is Role.AGENT else "") for role in PARTIES)
            opened = CallOpened(message.conversation, SOURCE, opened_at, legs, "", of_queue, chosen, idle)
            opening = encode_fork_event(opened)
        turn = WrittenTurn(
            message.conversation,
            message.role,
            message.role,
            int(_seconds(_text(expected), 0)),
            message.text,
            at,
            message.channel,
        )
        return [
            expected or b"",
            self._bus.settings.partition_length,
            REMEMBERED_SECONDS,
            2 * int(idle) + REMEMBERED_SECONDS,
            int(idle) + 1,
            message.conversation,
            opening,
            encode_fork_event(turn),
            repr(opened_at),
            named,
            of_queue,
            chosen.value,
            _digest(message.role, message.text),
        ]


def _digest(one: str, other: str) -> str:
    """Two texts as one name, of one length whatever they are."""
    return hashlib.sha256(f"{one}\0{other}".encode()).hexdigest()[:32]


def _text(stored: bytes | None) -> str:
    return (stored or b"").decode(errors="replace")


def _seconds(stored: str, otherwise: float) -> float:
    """What stands there; anything else if another program has written it."""
    try:
        found = float(stored)
    except ValueError:
        return otherwise
    return found if 0 <= found <= MOST_SECONDS else otherwise
