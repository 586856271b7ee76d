"""Decides the outcome of an event once its words and score are known, and what to publish if that fails."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Sequence

from analysis.call.analyst import Analyst, Outcome
from analysis.call.conversation import Conversation
from analysis.call.succession import TakenOver
from analysis.scorers.scoring import Scoring
from analysis.turns.score import Score
from analysis.turns.turn import Turn
from analysis.words.passage import Shed
from analysis.words.recognition import ERROR, OVERLOAD, Recognition
from callbus import CallClosed, CallEvent, CallOpened, CallState, Contact, Utterance
from callbus.messages.wire import NAMES, ForkEvent
from service.faults import survived

log = logging.getLogger(__name__)

RECORDING = "recording"
UNSCORED = Score(0.0, 0.0, ())
"""Of a turn whose scorer broke: no evidence either way."""

WaitFor = Callable[[asyncio.Task[Score]], Awaitable[Score]]


def broke(told: ForkEvent | TakenOver) -> None:
    """Count and log the current exception, by the kind of event that raised it."""
    survived(RECORDING if isinstance(told, TakenOver) else NAMES[type(told)], log, told.call_id)


class Decisions:
    """Belongs to one event loop."""

    def __init__(self, analyst: Analyst, scoring: Scoring) -> None:
        self._analyst = analyst
        self._scoring = scoring

    async def outcome(
        self,
        told: ForkEvent | TakenOver,
        call: Conversation | None,
        recognition: Recognition | None,
        wait_for: WaitFor,
        shown: CallState | None = None,
        counted: Contact | None = None,
    ) -> Outcome:
        """The outcome of what a call is told. A fault is counted, and `failed` then gives the outcome.

        `wait_for`: waits for a score; raises Shed if too much is in hand meanwhile.
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
        except Exception:
            broke(told)
            return self.failed(told, call)

    def failed(self, told: ForkEvent | TakenOver, call: Conversation | None) -> Outcome:
        """What can be published for an event that raised a fault."""
        return self._analyst.failed(told, call, time.time())

    async def _said(
        self, event: Utterance, call: Conversation | None, recognition: Recognition, wait_for: WaitFor
    ) -> Outcome:
        async def ask(turn: Turn, history: Sequence[Turn]) -> Score:
            try:
                return await wait_for(asyncio.create_task(_score(self._scoring, turn, history)))
            except Shed:
                raise
            except Exception:  # the words are known, and told
                broke(event)
                return UNSCORED

        try:
            return await self._analyst.heard(event, call, recognition, ask, time.time)
        except Shed:
            return self._analyst.dropped(event, call, OVERLOAD, time.time())


async def _score(scoring: Scoring, turn: Turn, history: Sequence[Turn]) -> Score:
    score = await scoring.score(turn, history)
    if not math.isfinite(score.value):  # it would stay in the call's level, and nobody could read what tells of it
        raise ValueError("a score that is no number")
    return score
