"""A language model behind an OpenAI-compatible server as a scorer, backed by the shipped scorer.

Many turns are sent at once, each with a deadline. If the answer is late or invalid, the shipped scorer answers instead.
A server that keeps failing is no longer asked, so it delays no turn; a probe with a sentence of our own checks when it
is back.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

from prometheus_client import Counter, Histogram

from analysis.scorers.question import AnswerError, Judgement, Refusal, judgement, question, said, score_of
from analysis.scorers.scoring import Scoring
from analysis.servers.model_server import ModelServer
from analysis.turns.score import Score
from analysis.turns.turn import Turn
from callbus import Role
from service.breaker import Breaker
from service.remote_server import Failure, ServerError
from service.work_threads import WorkThreads

log = logging.getLogger(__name__)

ANSWERED, LATE, PAUSED = "answered", "late", "paused"
OUTCOMES = (ANSWERED, LATE, *Failure, PAUSED)
TURNS = Counter(
    "callvane_language_model_turns_total",
    "Turns for the language model: answered, or left to the shipped scorer: late, invalid, refused, unreachable, "
    "paused (not asked, after failures).",
    ["outcome"],
)
ANSWER_SECONDS = Histogram(
    "callvane_language_model_seconds",
    "Time for the language model to answer for a turn, including the wait for a free place.",
    buckets=(0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30),
)
for _outcome in OUTCOMES:
    TURNS.labels(_outcome)

PROBE = Turn(0, Role.CUSTOMER.value, Role.CUSTOMER, "hello i would like to know when you are open", 0.0, 2.0, 1.0, 1)


class LanguageModel:
    """A Scoring. Belongs to one event loop.

    At most `together` turns are sent at once; another one waits, within its deadline.
    """

    def __init__(
        self,
        server: ModelServer,
        model: str,
        other: Scoring,
        *,
        seconds: float,
        together: int,
        further: Mapping[str, Any] | None = None,
    ) -> None:
        """`further` are extra fields of each request."""
        self._server = server
        self._model = model
        self._other = other
        self._seconds = seconds
        self._further = further or {}
        self._places = asyncio.Semaphore(together)
        self._breaker = Breaker()
        self._probing: asyncio.Task[None] | None = None

    @property
    def threads(self) -> WorkThreads:
        """See Scoring: those of the other one; the server is asked from the event loop."""
        return self._other.threads

    async def score(self, turn: Turn, history: Sequence[Turn]) -> Score:
        """See Scoring."""
        if not self._breaker.closed:
            self._probe_if_due()
            TURNS.labels(PAUSED).inc()
        elif not said(turn.text, 1):
            return Score(0.0, 0.0, ())
        else:
            began = time.monotonic()
            judged = await self._judged(turn, history)
            if isinstance(judged, Judgement):
                ANSWER_SECONDS.observe(time.monotonic() - began)
                TURNS.labels(ANSWERED).inc()
                self._breaker.succeeded()
                return score_of(judged, turn)
            TURNS.labels(judged).inc()
            if pause := self._breaker.failed(time.monotonic()):
                log.warning("language model: the latest turns were not answered (%s); pausing for %g s", judged, pause)
        return await self._other.score(turn, history)

    def begin(self) -> None:
        """Try the server before the first turn; no turn is sent until it answers."""
        self._probing = asyncio.create_task(self._probe())

    async def close(self) -> None:
        """See Scoring."""
        if self._probing:
            self._probing.cancel()
            await asyncio.wait([self._probing])
        await self._server.close()
        await self._other.close()

    async def _judged(self, turn: Turn, history: Sequence[Turn]) -> Judgement | str:
        """The model's judgement, or the reason why there is none."""
        try:
            async with asyncio.timeout(self._seconds), self._places:
                return judgement(await self._server.ask(question(self._model, turn, history, self._further)))
        except TimeoutError:
            return LATE
        except ServerError as error:
            log.debug("language model: %s", error)
            return error.failure
        except Refusal:
            return Failure.REFUSED
        except AnswerError as error:
            log.debug("language model: unusable answer: %s", error)
            return Failure.INVALID

    def _probe_if_due(self) -> None:
        under_way = self._probing and not self._probing.done()  # the probe from `begin` is not the breaker's
        if not under_way and self._breaker.due(time.monotonic()):
            self._probing = asyncio.create_task(self._probe())

    async def _probe(self) -> None:
        began = time.monotonic()
        judged = await self._judged(PROBE, ())
        now = time.monotonic()
        if isinstance(judged, Judgement):
            self._breaker.succeeded()
            log.info("language model %s answered in %.2f s", self._model, now - began)
        else:
            pause = self._breaker.probe_failed(now)
            log.warning("language model %s does not answer (%s); next try in %g s", self._model, judged, pause)
