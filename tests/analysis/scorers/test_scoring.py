"""Turns of many calls, scored on one thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from analysis.scorers.scoring import MOST_TOGETHER, Threaded, one_by_one
from analysis.turns.score import Asked, Score
from analysis.turns.turn import Turn
from bench.evaluation.vader import VaderScorer
from callbus import Role


def turn(text: str) -> Turn:
    """A customer's turn."""
    return Turn(0, "customer", Role.CUSTOMER, text, 0.0, 1.0, 0.9, 1)


class Held:
    """Scores by the number that a turn says, once it is let go; notes what came together."""

    def __init__(self) -> None:
        self.together: list[list[str]] = []
        self.go = threading.Event()

    def scores(self, asked: Sequence[Asked]) -> Sequence[Score]:
        """See Threaded."""
        self.together.append([one.text for one, _ in asked])
        assert self.go.wait(20)
        return [Score(float(one.text), 1.0, ()) for one, _ in asked]


async def test_each_turn_gets_its_own_score() -> None:
    """Many at once are answered as each alone."""
    scorer = VaderScorer()
    scoring = Threaded(one_by_one(scorer))
    texts = [
        f"this is {'terrible ' * (number % 3)}and i am {'happy' if number % 2 else 'angry'}" for number in range(50)
    ]
    scores = await asyncio.gather(*(scoring.score(turn(text), ()) for text in texts))
    assert list(scores) == [scorer.score(turn(text), ()) for text in texts]
    await scoring.close()


async def test_what_waits_goes_together_and_the_loop_goes_on() -> None:
    """While one run is under way the loop is free; what came meanwhile makes the next runs, in its order."""
    held = Held()
    scoring = Threaded(held.scores)
    asked = [asyncio.create_task(scoring.score(turn(str(number)), ())) for number in range(MOST_TOGETHER + 2)]
    while not held.together:
        await asyncio.sleep(0)
    more = [asyncio.create_task(scoring.score(turn(str(number)), ())) for number in range(100, 103)]
    await asyncio.sleep(0)
    asked[MOST_TOGETHER].cancel()
    await asyncio.sleep(0)
    held.go.set()
    kept = [task for task in asked if not task.cancelled()] + more
    assert [score.log_odds for score in await asyncio.gather(*kept)] == [
        *(float(number) for number in range(MOST_TOGETHER)),
        MOST_TOGETHER + 1,
        *(100, 101, 102),
    ]
    assert [len(run) for run in held.together] == [MOST_TOGETHER, 4]
    await scoring.close()


async def test_a_fault_is_told_and_passes() -> None:
    """Those whose run failed are told; the next are scored."""

    def scores(asked: Sequence[Asked]) -> Sequence[Score]:
        return [Score(1 / len(one.text), 1.0, ()) for one, _ in asked]

    scoring = Threaded(scores)
    with pytest.raises(ZeroDivisionError):
        await scoring.score(turn(""), ())
    assert (await scoring.score(turn("four"), ())).log_odds == 0.25
    await scoring.close()


async def test_closing_leaves_nothing_under_way() -> None:
    """A scoring that is closed in mid-run ends, and whoever still waits can be cancelled."""
    held = Held()
    scoring = Threaded(held.scores)
    waiting = asyncio.create_task(scoring.score(turn("1"), ()))
    while not held.together:
        await asyncio.sleep(0)
    await scoring.close()
    waiting.cancel()
    held.go.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
