"""Utterances that are read ahead of their end, on the stage: what comes of it, and that nothing else changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from analysis.words.ahead import CANCELLED, FAILED, READ_AHEAD, SAVED_SECONDS, SHED, UNUSED, USED, WASTED_SECONDS, Ahead
from analysis.words.batcher import AUDIO_SECONDS, Batcher
from analysis.words.recognition import Recognizer
from analysis.words.waiting import Kind
from callbus import Utterance
from callbus.messages.utterance import MAX_PCM_BYTES
from tests.analysis.stage import LINES, Prompter, Stage, Told, closes, heard, opens, says, stage
from tests.breaking import Fault, always

OUTCOMES = (USED, CANCELLED, UNUSED, SHED, FAILED)


class Tally:
    """What has come of reading ahead since this was made."""

    def __init__(self) -> None:
        self._before = self._now()

    def __call__(self) -> dict[str, int]:
        """The outcomes there were, with their numbers."""
        now = self._now()
        return {name: int(now[name] - self._before[name]) for name in OUTCOMES if now[name] > self._before[name]}

    @staticmethod
    def _now() -> dict[str, float]:
        return {name: READ_AHEAD.labels(name)._value.get() for name in OUTCOMES}


@pytest.fixture
def tally() -> Tally:
    """Of this test alone."""
    return Tally()


async def opened(on: Stage, said: list[Utterance]) -> None:
    """The call has begun, and the worker knows which recording is heard."""
    await on.send([opens(said)])
    await on.idle()


async def ended(on: Stage, said: list[Utterance], expected: Told) -> None:
    """The utterances come, the call ends, and this has been told of it."""
    await on.send([*said, closes(said)])
    await on.idle()
    await on.until_told("whole", expected)
    assert on.faults == {}


async def test_an_utterance_that_was_read_ahead_is_not_read_again(redis_url: str, tally: Tally) -> None:
    """Its words are there when it comes; they are told as if it had been read then."""
    read: list[int] = []

    def counted(model: Prompter, rows: Any, frames: int) -> bool:
        read.append(len(rows))
        return False

    saved = SAVED_SECONDS._sum.get()
    said = says()
    async with stage(redis_url, Fault(Prompter, "transcribe", of=counted)) as on:
        await opened(on, said)
        await on.foretell(said[:1])
        await on.until(lambda: sum(read) == 1)
        await ended(on, said, heard())
    assert tally() == {USED: 1}
    assert sum(read) == len(LINES)
    assert SAVED_SECONDS._sum.get() > saved


async def test_words_read_ahead_are_dropped_if_somebody_speaks_on(redis_url: str, tally: Tally) -> None:
    """What the whole utterance says is told, and what was read for nothing is counted."""
    wasted, said = WASTED_SECONDS._value.get(), says()
    half = replace(said[0], pcm=said[0].pcm[: len(said[0].pcm) // 2] + b"never mind")
    more = replace(said[0], pcm=said[0].pcm + b"!")
    async with stage(redis_url) as on:
        await opened(on, said)
        for each in (half, more):
            heard_before = AUDIO_SECONDS._value.get()
            await on.foretell([each])
            await on.until(lambda before=heard_before: AUDIO_SECONDS._value.get() > before)  # type: ignore[misc]
        await ended(on, said, heard())
    assert tally() == {CANCELLED: 2}
    assert WASTED_SECONDS._value.get() - wasted == pytest.approx(half.duration_seconds + more.duration_seconds)


async def test_what_is_told_twice_is_read_once(redis_url: str, tally: Tally) -> None:
    """A repeat changes nothing."""
    said = says()
    async with stage(redis_url) as on:
        await opened(on, said)
        await on.foretell([said[0]] * 3)
        await ended(on, said, heard())
    assert tally() == {USED: 1}


async def test_what_comes_after_its_utterance_is_of_no_use(
    redis_url: str, tally: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is let go of after a while."""
    monkeypatch.setattr("analysis.words.ahead.KEPT_SECONDS", 0.05)
    said = says()
    async with stage(redis_url) as on:
        await opened(on, said)
        await on.send(said[:1])
        await on.idle()
        await on.foretell(said[:1])
        await on.until(lambda: bool(tally()))
        await ended(on, said[1:], heard())
    assert tally() == {UNUSED: 1}


@pytest.mark.parametrize(
    "bridge", [pytest.param("another", id="of a recording that is not heard"), pytest.param("", id="of none")]
)
async def test_only_the_heard_recording_is_read_ahead(redis_url: str, tally: Tally, bridge: str) -> None:
    """Nothing else is worth the model's time."""
    said = says()
    async with stage(redis_url) as on:
        await opened(on, said)
        await on.foretell(said[:3], bridge)
        await ended(on, said, heard())
    assert tally() == {}


async def test_an_unknown_call_is_not_read_ahead(redis_url: str, tally: Tally) -> None:
    """Nor one that is over: which recording is heard is not known."""
    said = says()
    async with stage(redis_url) as on:
        await on.foretell(said[:1])
        await opened(on, said)
        await ended(on, said, heard())
        await on.foretell(said[-1:])
    assert tally() == {}


async def test_a_flood_is_bounded_and_costs_no_call_its_words(redis_url: str, tally: Tally) -> None:
    """Ten thousand legs that nobody has, with the most audio that there may be, and rubbish: the call goes on."""
    said = says()
    fake = replace(said[0], pcm=b"lies" * 100)
    async with stage(redis_url) as on:
        await opened(on, said)
        channel = on.bus.keys.ahead(0)
        for _ in range(100):
            await on.bus.client.publish(channel, b"\x93nothing")
        await on.foretell(replace(fake, leg_id=str(number)) for number in range(10_000))
        await on.foretell([replace(said[0], leg_id="x", pcm=bytes(MAX_PCM_BYTES))])
        await ended(on, said, heard())
    assert tally().get(USED, 0) == 0
    assert tally()[SHED] > 9_000


def ahead_only(batcher: Batcher, *submitted: Any) -> bool:
    """Whether something is read ahead of its end."""
    return submitted[-1] is Kind.AHEAD


@pytest.mark.parametrize(
    ("fault", "faults"),
    [
        pytest.param(Fault(Recognizer, "read_ahead", of=always), {"ahead": 1}, id="it cannot begin"),
        pytest.param(Fault(Batcher, "submit", of=ahead_only), {}, id="it cannot wait for the model"),
        pytest.param(Fault(Ahead, "begin", of=always), {"ahead": 1}, id="its table is broken"),
    ],
)
async def test_a_fault_in_reading_ahead_costs_nothing(
    redis_url: str, tally: Tally, fault: Fault, faults: dict[str, int]
) -> None:
    """The utterance is read as any other."""
    said = says()
    async with stage(redis_url, fault) as on:
        await opened(on, said)
        await on.foretell(said[:1])
        await on.send([*said, closes(said)])
        await on.idle()
        await on.until_told("whole", heard())
        assert on.faults == faults
    assert tally().get(USED, 0) == 0


async def test_reading_ahead_stops_with_its_worker(redis_url: str, tally: Tally) -> None:
    """What is being read when the worker ends is let go of; the stage sees that no task is left."""
    said = says()
    async with stage(redis_url) as on:
        await opened(on, said)
        await on.foretell(said[:1])
    assert tally() == {UNUSED: 1}
