"""Scores for the turns of many calls at once: the event loop asks, and never stands still meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol, cast

from analysis.turns.score import Asked, Score, Scorer
from analysis.turns.turn import Turn
from service.work_threads import WorkThreads

MOST_TOGETHER = 16
"""Turns that are scored in one run."""


class Scoring(Protocol):
    """Answers many calls' questions. Belongs to one event loop."""

    @property
    def threads(self) -> WorkThreads:
        """Where turns are scored."""

    async def score(self, turn: Turn, history: Sequence[Turn]) -> Score:
        """See analysis.turns.score.Scorer."""

    def begin(self) -> None:
        """Get ready, once, before the first question."""

    async def close(self) -> None:
        """Give up what is under way."""


class Threaded:
    """A scorer on threads of its own; what comes while they work is scored together, the longest waiting first.

    What waits is bounded by its callers: a call asks for one turn at a time.
    """

    def __init__(
        self,
        scores: Callable[[Sequence[Asked]], Sequence[Score]],
        *,
        together: int = MOST_TOGETHER,
        threads: int = 1,
    ) -> None:
        """`scores` answers in the order that it is asked: at most `together` in a run, and a run on each thread."""
        self._scores = scores
        self._together = together
        self._waiting: dict[asyncio.Future[Score], Asked] = {}
        """What is asked and not begun, by its answer, the longest waiting first."""
        self._working: set[asyncio.Task[None]] = set()
        """At most one for each thread."""
        self._most_working = threads
        self.threads = WorkThreads("scorer", threads)

    async def score(self, turn: Turn, history: Sequence[Turn]) -> Score:
        """See Scoring. Raises what the scorer raised on the turns that were scored together."""
        answer: asyncio.Future[Score] = asyncio.get_running_loop().create_future()
        self._waiting[answer] = (turn, history)
        if len(self._working) < self._most_working:
            self._working.add(asyncio.create_task(self._work()))
        try:
            return await answer
        finally:
            self._waiting.pop(answer, None)  # given up, while the thread may hang for ever

    def begin(self) -> None:
        """See Scoring: nothing is left to do."""

    async def close(self) -> None:
        """See Scoring."""
        for task in (working := list(self._working)):
            task.cancel()
        if working:
            await asyncio.wait(working)
        self.threads.end()

    async def _work(self) -> None:
        try:
            while batch := self._next():
                await self._answer(batch)
        finally:
            self._working.discard(cast("asyncio.Task[None]", asyncio.current_task()))

    def _next(self) -> list[tuple[Asked, asyncio.Future[Score]]]:
        """Those waiting longest whose callers still want an answer."""
        batch: list[tuple[Asked, asyncio.Future[Score]]] = []
        while self._waiting and len(batch) < self._together:
            answer = next(iter(self._waiting))
            asked = self._waiting.pop(answer)
            if not answer.done():
                batch.append((asked, answer))
        return batch

    async def _answer(self, batch: Sequence[tuple[Asked, asyncio.Future[Score]]]) -> None:
        try:
            scores = await self.threads.run(partial(self._scores, [asked for asked, _ in batch]))
            answered = list(zip(batch, scores, strict=True))
        except Exception as error:  # whatever a model raises, its callers are told
            for _, answer in batch:
                if not answer.done():
                    answer.set_exception(error)
            return
        for (_, answer), score in answered:
            if not answer.done():
                answer.set_result(score)


def one_by_one(scorer: Scorer) -> Callable[[Sequence[Asked]], Sequence[Score]]:
    """For a scorer that judges each turn by itself."""

    def scores(asked: Sequence[Asked]) -> Sequence[Score]:
        return [scorer.score(turn, history) for turn, history in asked]

    return scores
