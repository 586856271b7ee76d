"""The whole way of a written conversation: HTTP, Redis, a real worker with its shipped scorer, to the alert."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import httpx
import pytest

from callbus import Alert, CallState, Channel, Mood, Phase, Role, Transcript
from callbus.redis.bus import Bus
from callbus.redis.settings import RedisSettings
from testcall import scenario
from tests.analysis.process import analysis, of
from tests.published import published, until_ended
from tests.written.running import TOKEN, RunningWritten

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

ANGRY, RECOVERS, CALM = SCENARIOS = "turns_angry", "turns_and_recovers", "calm_with_product_words"
GAP_SECONDS = 30.0
SENT_SECONDS = 60


async def send(doors: list[RunningWritten], message: dict[str, Any]) -> None:
    """Send a message as a client does: at any door, again until it is taken."""
    async with asyncio.timeout(SENT_SECONDS):
        for attempt in range(1_000):
            door = doors[attempt % len(doors)]
            try:
                async with httpx.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10) as client:
                    answer = await client.post(f"{door.url}/v1/turns", json=message)
            except httpx.TransportError:
                continue
            if answer.status_code == 202:
                return
            assert answer.status_code in (429, 503), answer.text
            await asyncio.sleep(0.1)


def messages(name: str, channel: Channel, now: float) -> list[dict[str, Any]]:
    """A scenario's turns as they are typed, the last one now."""
    turns = scenario.load(name).turns
    return [
        {
            "conversation": f"{channel}-{name}",
            "channel": str(channel),
            "party": turn.party,
            "text": turn.text + ("\n\n> " + turns[number - 1].text if channel is Channel.EMAIL and number else ""),
            "message_id": str(number),
            "at": now - GAP_SECONDS * (len(turns) - 1 - number),
            "agent": "Anna" if turn.party == "agent" else "",
        }
        for number, turn in enumerate(turns)
    ]


async def close(door: RunningWritten, conversation: str) -> None:
    """End a conversation."""
    async with door.client() as client:
        assert (await client.post(f"/v1/conversations/{conversation}/close")).status_code == 202


async def test_a_customer_who_turns_in_writing_is_alerted_on(redis_url: str) -> None:
    """In a chat and by e-mail, though a door dies in the middle and every message comes twice; the calm one is calm."""
    channels = (Channel.CHAT, Channel.EMAIL)
    names = {(name, channel): f"{channel}-{name}" for name in SCENARIOS for channel in channels}
    async with (
        Bus(RedisSettings(url=redis_url)) as bus,
        analysis(**of(bus, model="base")) as worker,
        RunningWritten(redis_url) as first,
        RunningWritten(redis_url) as second,
    ):
        doors = [first, second]
        whole = [messages(name, channel, time.time()) for name, channel in names]
        for number in range(max(map(len, whole))):
            if number == 6:
                assert first.process is not None
                first.process.kill()
            for conversation in whole:
                if number < len(conversation):
                    await send(doors, conversation[number])
                    await send(doors[::-1], conversation[number])
        for conversation_id in names.values():
            await close(second, conversation_id)
        told = await until_ended(bus, *names.values())
        assert await worker.metric('callvane_faults_total{type="written_turn"}') == 0
        assert await second.stop() == 0, second.log
    for (name, channel), conversation_id in names.items():
        own = [each for each in told if each.call_id == conversation_id]
        turns = scenario.load(name).turns
        assert [each.text for each in own if isinstance(each, Transcript)] == [turn.text for turn in turns]
        alerts = [each for each in own if isinstance(each, Alert) and not each.supersedes]
        assert [alert.kind for alert in alerts] == [turn.alert for turn in turns if turn.alert]
        for alert in alerts:
            assert turns[[turn.text for turn in turns].index(alert.after[-1].text)].alert
            assert {quote.role for quote in alert.before + alert.after} == {Role.CUSTOMER}
            assert sum(term.value for term in alert.terms) == pytest.approx(alert.score, abs=1e-6)
        last = [each for each in own if isinstance(each, CallState)][-1]
        assert (last.phase, last.reason, last.channel) == (Phase.ENDED, "closed", channel)
        assert last.legs[1].name == "Anna"
        assert last.mood is {ANGRY: Mood.WORSENED, RECOVERS: Mood.RECOVERED, CALM: Mood.CALM}[name]


async def test_an_alert_comes_in_a_moment(redis_url: str) -> None:
    """The time from the request to the alert is printed, not judged, here; and an idle conversation ends by itself."""
    async with (
        Bus(RedisSettings(url=redis_url)) as bus,
        analysis(**of(bus, model="base")),
        RunningWritten(redis_url) as door,
    ):
        took: list[float] = []
        for message in messages(ANGRY, Channel.CHAT, time.time()):
            began = time.monotonic()
            await send([door], message)
            while len([each for each in await published(bus) if isinstance(each, Transcript)]) <= len(took):
                await asyncio.sleep(0.005)
            took.append(time.monotonic() - began)
        assert [each.kind for each in await published(bus) if isinstance(each, Alert)]
        print("request to transcript, seconds:", json.dumps([round(each, 3) for each in sorted(took)]))
        await bus.client.zadd(bus.keys.conversations, {f"chat-{ANGRY}": 1}, xx=True)
        last = [each for each in await until_ended(bus, f"chat-{ANGRY}") if isinstance(each, CallState)][-1]
        assert (last.phase, last.reason) == (Phase.ENDED, "idle")
