"""Written messages on their way into Redis, a real one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from callbus import CallClosed, CallOpened, Channel, Phase, Role, WrittenTurn
from callbus.messages.call import USUAL_IDLE_SECONDS
from callbus.messages.wire import ForkEvent, decode_fork_event
from callbus.redis import housekeeping
from callbus.redis.bus import Bus
from callbus.redis.conversations import Conflict, Conversations, Crowded, Message, Taken
from callbus.redis.housekeeping import Housekeeping
from callbus.redis.partition import partition_of
from callbus.redis.settings import RedisSettings
from tests.callbus import sample_messages as messages

NOW = 1_800_000_000.0
HELLO = Message("c", Channel.CHAT, Role.CUSTOMER, "hello", NOW - 1, "m1")
ANSWER = replace(HELLO, role=Role.AGENT, text="good morning", message_id="m2", agent="Anna")


@pytest.fixture
async def bus(redis_url: str) -> AsyncIterator[Bus]:
    """On an empty Redis."""
    async with Bus(RedisSettings(url=redis_url, partition_length=16)) as bus:
        yield bus


def conversations(bus: Bus, now: float = NOW) -> Conversations:
    """One process's, with the usual times, at that moment."""
    return Conversations(bus, USUAL_IDLE_SECONDS, lambda: now)


async def waiting(bus: Bus, call_id: str = "c") -> list[ForkEvent]:
    """The events of the conversation's partition."""
    stream = bus.keys.forks(partition_of(call_id, bus.settings.partitions))
    return [decode_fork_event(fields[b"m"]) for _, fields in await bus.client.xrange(stream)]


async def test_the_first_message_opens_its_conversation(bus: Bus) -> None:
    """The opening names both parties; the next messages are numbered on, by whichever process takes them."""
    assert await conversations(bus).take(HELLO) == Taken(0, False)
    assert await conversations(bus).take(replace(HELLO, text="there?", message_id="m3")) == Taken(1, False)
    opened, first, second = await waiting(bus)
    assert isinstance(opened, CallOpened)
    assert (opened.opened_at, opened.channel, opened.idle_seconds) == (NOW - 1, Channel.CHAT, 1_800)
    assert [leg.role for leg in opened.legs] == [Role.CUSTOMER, Role.AGENT]
    assert first == WrittenTurn("c", "customer", Role.CUSTOMER, 0, "hello", NOW - 1, Channel.CHAT)
    assert isinstance(second, WrittenTurn)
    assert (second.sequence, second.text) == (1, "there?")


async def test_an_agent_who_is_named_is_on_the_board(bus: Bus) -> None:
    """The opening is sent again once the name is known, and not with each message; so is the queue."""
    for message in (HELLO, ANSWER, replace(ANSWER, message_id="m3"), replace(HELLO, message_id="m4", queue="billing")):
        await conversations(bus).take(message)
    opened = [event for event in await waiting(bus) if isinstance(event, CallOpened)]
    assert [(event.legs[1].name, event.queue, event.opened_at) for event in opened] == [
        ("", "", NOW - 1),
        ("Anna", "", NOW - 1),
        ("Anna", "billing", NOW - 1),
    ]


async def test_a_repeated_message_is_taken_once(bus: Bus) -> None:
    """By its id within its conversation: the answer is the same, and nothing is written again."""
    for _ in range(3):
        taken = await conversations(bus).take(HELLO)
    assert taken == Taken(0, True)
    assert await conversations(bus).take(replace(HELLO, conversation="d")) == Taken(0, False)
    assert len(await waiting(bus)) == 2


@pytest.mark.parametrize("other", [replace(HELLO, text="hello?"), replace(HELLO, role=Role.AGENT)])
async def test_an_id_names_one_message(bus: Bus, other: Message) -> None:
    """Other words, or the other party's, under an id that was taken are refused and not thought repeated."""
    await conversations(bus).take(HELLO)
    with pytest.raises(Conflict, match="another message"):
        await conversations(bus).take(other)
    assert await conversations(bus).take(replace(HELLO, at=NOW, queue="billing")) == Taken(0, True)
    assert len(await waiting(bus)) == 2


async def test_a_message_is_known_that_an_earlier_version_took(bus: Bus) -> None:
    """It is remembered by its number alone."""
    await conversations(bus).take(HELLO)
    async for name in bus.client.scan_iter(match=b"*message*"):
        await bus.client.set(name, b"0")
    assert await conversations(bus).take(HELLO) == Taken(0, True)


async def test_many_at_once_are_each_taken_once(bus: Bus) -> None:
    """From several processes, each of them twice: every number once, and none is left out."""
    both = [conversations(bus), conversations(bus)]
    sent = [replace(HELLO, message_id=str(number % 7)) for number in range(14)]
    taken = await asyncio.gather(*(both[at % 2].take(message) for at, message in enumerate(sent)))
    assert sorted(each.sequence for each in taken if not each.is_repeated) == list(range(7))
    turns = [event for event in await waiting(bus) if isinstance(event, WrittenTurn)]
    assert [turn.sequence for turn in turns] == list(range(7))


async def test_nothing_is_evicted_for_a_message(bus: Bus) -> None:
    """While its partition is full it is not taken, and may be repeated."""
    stream = bus.keys.forks(partition_of("c", bus.settings.partitions))
    for _ in range(16):
        await bus.client.xadd(stream, {"m": "x", "a": ""})
    with pytest.raises(Crowded, match="partition_length"):
        await conversations(bus).take(HELLO)
    assert await bus.client.xlen(stream) == 16
    await bus.client.xtrim(stream, maxlen=0)
    assert await conversations(bus).take(HELLO) == Taken(0, False)


async def test_a_phone_call_has_its_id_alone(bus: Bus) -> None:
    """No message is taken for a call that goes on by phone; one for what is written on the board is."""
    await bus.client.hset(bus.keys.live, mapping={"c": "{}", "d": "{}"})
    await bus.client.zadd(bus.keys.conversations, {"d": NOW})
    with pytest.raises(Conflict, match="a phone call"):
        await conversations(bus).take(HELLO)
    assert await waiting(bus) == []
    assert await conversations(bus).take(replace(HELLO, conversation="d")) == Taken(0, False)
    await bus.client.hdel(bus.keys.live, "c")
    assert await conversations(bus).take(HELLO) == Taken(0, False)


async def test_a_conversation_is_closed_once_and_opens_anew(bus: Bus) -> None:
    """An unknown one cannot be closed; after a message the closed one is open again, and its numbers go on."""
    assert not await conversations(bus).close("c")
    await conversations(bus).take(HELLO)
    assert await conversations(bus, NOW + 5).close("c")
    assert await conversations(bus, NOW + 6).close("c")
    again = replace(HELLO, message_id="m9", at=NOW + 60)
    assert await conversations(bus, NOW + 60).take(again) == Taken(1, False)
    _, _, closed, opened, turn = await waiting(bus)
    assert closed == CallClosed("c", NOW + 5, 6.0, "closed")
    assert isinstance(opened, CallOpened)
    assert isinstance(turn, WrittenTurn)
    assert (opened.opened_at, turn.sequence) == (NOW + 60, 1)


async def test_nobody_writes_in_the_future(bus: Bus) -> None:
    """A client whose clock is ahead is believed up to now."""
    await conversations(bus).take(replace(HELLO, at=NOW + 1e6))
    opened, turn = await waiting(bus)
    assert isinstance(opened, CallOpened)
    assert isinstance(turn, WrittenTurn)
    assert opened.opened_at == turn.at == NOW


async def test_what_another_program_left_is_no_trap(bus: Bus) -> None:
    """Fields that are no numbers, no channel, no text: the conversation goes on."""
    fields = {"next": "no", "opened_at": "nan", "agent": b"\xff", "queue": b"\xfe", "channel": "pigeon"}
    await bus.client.hset(bus.keys.conversation("c"), mapping=fields)
    assert await conversations(bus).take(HELLO) == Taken(0, False)
    assert await conversations(bus).take(replace(HELLO, message_id="m2")) == Taken(1, False)


async def test_an_idle_conversation_ends(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    """No bridge holds it, and stays until its time is over; a message gives it more; then it opens anew."""
    monkeypatch.setattr(housekeeping, "UNHELD_SECONDS", 0)
    keeper, client = Housekeeping(bus), bus.client
    await conversations(bus).take(HELLO)
    await messages.publish(bus, replace(messages.call_state("c"), channel=Channel.CHAT))
    seconds, _ = await client.time()
    await client.zadd(bus.keys.conversations, {"c": seconds + 100})
    await keeper.sweep()
    await keeper.sweep()
    assert [type(event) for event in await waiting(bus)] == [CallOpened, WrittenTurn]
    await client.zadd(bus.keys.conversations, {"c": 1})
    await conversations(bus).take(replace(HELLO, message_id="m2"))
    await keeper.sweep()
    assert await client.zscore(bus.keys.conversations, "c") > seconds + 1_000
    await client.zadd(bus.keys.conversations, {"c": 1, b"\xff": 1, "x" * 500: 1})
    await keeper.sweep()
    closed = [event for event in await waiting(bus) if isinstance(event, CallClosed)]
    assert closed[0].reason == "idle"
    assert await client.zcard(bus.keys.conversations) == 0
    await messages.publish(bus, messages.call_state("c", Phase.ENDED))
    assert await conversations(bus).take(replace(HELLO, message_id="m3")) == Taken(2, False)
    assert isinstance((await waiting(bus))[-2], CallOpened)
