"""A worker with more than its model reads, on the stage: who is served, who is left out, who is told, and its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import pytest

from analysis.lanes import overload as overloads
from analysis.lanes.in_hand import InHand
from analysis.lanes.overload import OVERLOADED, OverloadWatch
from analysis.words import waiting
from analysis.words.passage import Passage, Words
from callbus import Role, Transcript
from callbus.redis.overload import overload
from tests.analysis.stage import Prompter, opens, says, stage
from tests.published import published

LINES = [(Role.AGENT, "may i have the number"), (Role.CUSTOMER, "it is on the letter")]
CALLS = 30
READING_SECONDS = 0.05


class Slow(Prompter):
    """Takes its time for each row."""

    def transcribe(self, rows: Sequence[Passage], frames: int) -> list[Words]:
        """As Prompter."""
        time.sleep(READING_SECONDS * len(rows))
        return super().transcribe(rows, frames)


@pytest.fixture(autouse=True)
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fractions of a second instead of seconds."""
    monkeypatch.setattr(waiting, "STRAIN_SECONDS", 0.2)
    monkeypatch.setattr(waiting, "PATIENCE_SECONDS", 0.3)
    monkeypatch.setattr(overloads, "AFTER_SECONDS", 0.3)
    monkeypatch.setattr(overloads, "OVER_SECONDS", 0.5)
    monkeypatch.setattr(overloads, "LOOK_SECONDS", 0.02)


async def test_agents_words_go_and_all_is_told(redis_url: str) -> None:
    """Customers are all heard; each agent's utterance that is left out leaves a transcript that says so; whoever asks
    is told of the overload while it lasts, and it ends by itself."""
    in_hand = InHand(4_096)
    async with stage(redis_url, in_hand=in_hand, model=Slow()) as played:
        watching = asyncio.create_task(OverloadWatch(played.bus, played.name, in_hand, played.ear.loads).run())
        told: list[bool] = []
        try:
            calls = [says(f"call-{number}", LINES) for number in range(CALLS)]
            await played.send([opens(said) for said in calls])
            for number in range(len(LINES)):
                await played.send([said[number] for said in calls])
            while await played.left() or len(in_hand):
                told.append((await overload(played.bus)).is_some)
                await played.step()
            assert any(told)
            async with asyncio.timeout(20):
                while (await overload(played.bus)).is_some:
                    await asyncio.sleep(0.02)
        finally:
            watching.cancel()
            await asyncio.wait([watching])
        words = [each for each in await published(played.bus) if isinstance(each, Transcript)]
    assert OVERLOADED._value.get() == 0
    left_out = [each for each in words if each.dropped == "overload"]
    assert len(words) == CALLS * len(LINES)
    assert left_out
    assert all(each.role is Role.AGENT and not each.text for each in left_out)
    assert all(each.text for each in words if each.role is Role.CUSTOMER)
