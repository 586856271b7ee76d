"""Puts utterances to an analyst, as a worker does."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from analysis.call.analyst import Analyst, Outcome
from analysis.call.conversation import Conversation
from analysis.turns.score import Score, Scorer
from analysis.turns.turn import Turn
from analysis.words.recognition import Recognition
from bench.evaluation.vader import VaderScorer
from callbus import Utterance

WORD_LIST = VaderScorer()


def decided(
    work: Analyst,
    event: Utterance,
    call: Conversation | None,
    recognition: Recognition,
    now: float,
    scorer: Scorer = WORD_LIST,
) -> Outcome:
    """What an utterance leads to, its turn scored where that is asked for."""

    async def ask(turn: Turn, history: Sequence[Turn]) -> Score:
        return scorer.score(turn, history)

    return asyncio.run(work.heard(event, call, recognition, ask, lambda: now))
