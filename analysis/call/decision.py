"""Decides the outcome of an event once its words and score are known, and what to publish if that fails."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Sequence
from typing import Protocol, TypeVar

from analysis.call.analyst import Analyst, Outcome
from analysis.call.conversation import Conversation
from analysis.call.succession import TakenOver, Told
from analysis.call.written import Wrote
from analysis.call.written import read as read_written
from analysis.scorers.scoring import Readings, Scoring
from analysis.turns.reading import AgentReading
from analysis.turns.score import Score
from analysis.turns.turn import Turn
from analysis.words.passage import Shed
from analysis.words.recognition import ERROR, OVERLOAD, Recognition
from callbus import CallClosed, CallEvent, CallOpened, CallState, Contact, Utterance, WrittenTurn
from callbus.messages.wire import NAMES
from service.faults import survived

log = logging.getLogger(__name__)

RECORDING, WRITTEN = "recording", "written_turn"
UNSCORED = Score(0.0, 0.0, ())
"""Of a turn whose scorer broke: no evidence either way."""

T = TypeVar("T")


class WaitFor(Protocol):
    """Waits for a judgement; raises Shed if too much is in hand meanwhile."""

    async def __call__(self, asking: asyncio.Task[T], /) -> T:
        """What the task gives."""


def broke(told: Told) -> None:
    """Count and log the current exception, by the kind of event that raised it."""
    match told:
        case TakenOver():
            kind = RECORDING
        case Wrote():
            kind = WRITTEN
        case _:
            kind = NAMES[type(told)]
    survived(kind, log, told.call_id)


class Decisions:
    """Belongs to one event loop."""

    def __init__(self, analyst: Analyst, scoring: Scoring, readings: Readings | None = None) -> None:
        """`readings`: of agents' turns; without them, phrases tell what an agent does."""
        self._analyst = analyst
        self._scoring = scoring
        self._readings = readings

    async def outcome(
        self,
        told: Told,
        call: Conversation | None,
        recognition: Recognition | None,
        wait_for: WaitFor,
        shown: CallState | None = None,
        counted: Contact | None = None,
    ) -> Outcome:
        """The outcome of what a call is told. A fault is counted, and `failed` then gives the outcome.

        `shown`, `counted`: as in `analyst.Analyst.closed` and `opened`.
        """
        now = time.time()
        try:
            match told:
                case CallOpened() as event:
                    return self._analyst.opened(event, call, now, counted)
                case TakenOver() as event:
                    return self._analyst.taken_over(event, call, now)
                case CallEvent() as event:
                    return self._analyst.told(event, call, now)
                case CallClosed() as event:
                    return self._analyst.closed(event, call, now, shown)
                case Utterance() as event:
                    return await self._said(event, call, recognition or Recognition(dropped=ERROR), wait_for)
                case Wrote() as event:
                    return await self._said(event, call, recognition or read_written(event), wait_for)
                case WrittenTurn():
                    raise TypeError("a written turn that has no place in its call")
        except Exception:
            broke(told)
            return self.failed(told, call)

    def failed(self, told: Told, call: Conversation | None) -> Outcome:
        """What can be published for an event that raised a fault."""
        return self._analyst.failed(told, call, time.time())

    async def _said(
        self, event: Utterance | Wrote, call: Conversation | None, recognition: Recognition, wait_for: WaitFor
    ) -> Outcome:
        async def ask(turn: Turn, history: Sequence[Turn]) -> Score:
            try:
                return await wait_for(asyncio.create_task(_score(self._scoring, turn, history)))
            except Shed:
                raise
            except Exception:  # the words are known, and told
                broke(event)
                return UNSCORED

        async def read(turn: Turn, history: Sequence[Turn]) -> AgentReading | None:
            if self._readings is None:
                return None
            try:
                return await wait_for(asyncio.create_task(self._readings.read(turn, history)))
            except Shed:
                raise
            except Exception:  # phrases tell something, too
                broke(event)
                return None

        try:
            return await self._analyst.heard(event, call, recognition, ask, time.time, read)
        except Shed:
            return self._analyst.dropped(event, call, OVERLOAD, time.time())


async def _score(scoring: Scoring, turn: Turn, history: Sequence[Turn]) -> Score:
    score = await scoring.score(turn, history)
    if not math.isfinite(score.value):  # it would stay in the call's level, and nobody could read what tells of it
        raise ValueError("a score that is no number")
    return score
