"""What is kept of readings ahead of an utterance's end, and who may take it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from analysis.words.ahead import CANCELLED, FAILED, MOST, READ_AHEAD, SHED, USED, Ahead, Attempt
from analysis.words.language import Spoken
from analysis.words.passage import Shed
from callbus import Utterance
from tests.callbus import sample_messages as messages

SAID = messages.utterance("c")
OPEN = Spoken()


def table(work: Callable[[], None] = lambda: None) -> Ahead[str]:
    """One whose readings say which leg they are of, when they have done this."""

    async def read(utterance: Utterance, spoken: Spoken, attempt: Attempt[str]) -> str:
        await asyncio.sleep(0.01)
        work()
        return utterance.leg_id

    return Ahead(read, lambda done: None)


def counted(outcome: str) -> float:
    """How many readings came to this."""
    return float(READ_AHEAD.labels(outcome)._value.get())


async def test_a_reading_is_taken_once_whether_it_is_done_or_not() -> None:
    """By the utterance with the same audio, whatever its number and time."""
    ahead = table()
    for wait in (0.0, 0.05):
        ahead.begin(SAID, OPEN)
        await asyncio.sleep(wait)
        assert await ahead.taken(replace(SAID, sequence=7, start_seconds=9.0), OPEN) == "1"
        assert await ahead.taken(SAID, OPEN) is None


@pytest.mark.parametrize(
    ("other", "spoken", "outcome"),
    [
        pytest.param(replace(SAID, pcm=SAID.pcm + b"\0\0"), OPEN, CANCELLED, id="longer"),
        pytest.param(replace(SAID, sample_rate_hz=16_000), OPEN, CANCELLED, id="at another rate"),
        pytest.param(SAID, Spoken("es"), CANCELLED, id="the language is decided meanwhile"),
        pytest.param(replace(SAID, leg_id="2"), OPEN, "", id="of another leg"),
        pytest.param(replace(SAID, call_id="d"), OPEN, "", id="of another call"),
        pytest.param(replace(SAID, recording_id="r"), OPEN, "", id="of another recording"),
    ],
)
async def test_another_utterance_does_not_get_it(other: Utterance, spoken: Spoken, outcome: str) -> None:
    """It is read as it is, in the language that it is in."""
    ahead, before = table(), counted(CANCELLED)
    ahead.begin(SAID, OPEN)
    assert await ahead.taken(other, spoken) is None
    assert counted(CANCELLED) - before == (1 if outcome else 0)
    ahead.close()


@pytest.mark.parametrize("error", [Shed(), RuntimeError("broken")])
async def test_a_reading_that_failed_is_done_again(error: Exception) -> None:
    """Before its utterance comes or after, it is counted once and gives nothing."""

    def fails() -> None:
        raise error

    ahead, outcome = table(fails), SHED if isinstance(error, Shed) else FAILED
    before = counted(outcome) + counted(FAILED)
    ahead.begin(SAID, OPEN)
    await asyncio.sleep(0.05)
    assert await ahead.taken(SAID, OPEN) is None
    ahead.begin(SAID, OPEN)
    assert await ahead.taken(SAID, OPEN) is None
    assert counted(outcome) + counted(FAILED) - before == (2 if outcome == SHED else 4)


async def test_a_call_that_is_given_up_gives_up_its_reading() -> None:
    """Whoever waits for it may be cancelled, and then so is the reading."""
    done: list[str] = []
    ahead = table(lambda: done.append("read"))
    ahead.begin(SAID, OPEN)
    waiting = asyncio.create_task(ahead.taken(SAID, OPEN))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.sleep(0.05)
    assert not done


async def test_the_table_is_bounded() -> None:
    """What comes beyond is shed; what is there is kept."""
    ahead, before, used = table(), counted(SHED), counted(USED)
    legs = [replace(SAID, leg_id=str(number)) for number in range(MOST + 5)]
    for each in legs:
        ahead.begin(each, OPEN)
    found = [await ahead.taken(each, OPEN) for each in legs]
    assert found == [each.leg_id for each in legs[:MOST]] + [None] * 5
    assert (counted(SHED) - before, counted(USED) - used) == (5, MOST)
