"""Judgements of many calls' turns at once: the event loop asks, and never stands still meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Generic, Protocol, TypeVar, cast

from analysis.turns.reading import AgentReading
from analysis.turns.score import Asked, Score, Scorer
from analysis.turns.turn import Turn
from service.work_threads import WorkThreads

SCORER, READER = "scorer", "reader"
MOST_TOGETHER = 16
"""Turns that are judged in one run."""


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


Answer = TypeVar("Answer")


class Judges(Generic[Answer]):
    """A judge on threads of its own; what comes while they work is judged together, the longest waiting first.

    What waits is bounded by its callers: a call asks for one turn at a time.
    """

    def __init__(
        self,
        answers: Callable[[Sequence[Asked]], Sequence[Answer]],
        *,
        together: int = MOST_TOGETHER,
        threads: int = 1,
        kind: str = SCORER,
    ) -> None:
        """`answers` come in the order of what is asked: at most `together` in a run, and a run on each thread.

        `kind`: the threads' name.
        """
        self._answers = answers
        self._together = together
        self._waiting: dict[asyncio.Future[Answer], Asked] = {}
        """What is asked and not begun, by its answer, the longest waiting first."""
        self._working: set[asyncio.Task[None]] = set()
        """At most one for each thread."""
        self._most_working = threads
        self.threads = WorkThreads(kind, threads)

    async def ask(self, turn: Turn, history: Sequence[Turn]) -> Answer:
        """The answer for a turn, given the earlier turns of both parties, oldest first.

        Raises what the judge raised on the turns that were judged together.
        """
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
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

    def _next(self) -> list[tuple[Asked, asyncio.Future[Answer]]]:
        """Those waiting longest whose callers still want an answer."""
        batch: list[tuple[Asked, asyncio.Future[Answer]]] = []
        while self._waiting and len(batch) < self._together:
            answer = next(iter(self._waiting))
            asked = self._waiting.pop(answer)
            if not answer.done():
                batch.append((asked, answer))
        return batch

    async def _answer(self, batch: Sequence[tuple[Asked, asyncio.Future[Answer]]]) -> None:
        try:
            answers = await self.threads.run(partial(self._answers, [asked for asked, _ in batch]))
            answered = list(zip(batch, answers, strict=True))
        except Exception as error:  # whatever a model raises, its callers are told
            for _, answer in batch:
                if not answer.done():
                    answer.set_exception(error)
            return
        for (_, answer), found in answered:
            if not answer.done():
                answer.set_result(found)


class Threaded(Judges[Score]):
    """A scorer on threads."""

    async def score(self, turn: Turn, history: Sequence[Turn]) -> Score:
        """See Scoring."""
        return await self.ask(turn, history)


class Readings(Judges[AgentReading]):
    """A reader of agents' turns on threads."""

    async def read(self, turn: Turn, history: Sequence[Turn]) -> AgentReading:
        """What an agent's turn does, in answer to the earlier turns of both parties, oldest first."""
        return await self.ask(turn, history)


def one_by_one(scorer: Scorer) -> Callable[[Sequence[Asked]], Sequence[Score]]:
    """For a scorer that judges each turn by itself."""

    def scores(asked: Sequence[Asked]) -> Sequence[Score]:
        return [scorer.score(turn, history) for turn, history in asked]

    return scores
