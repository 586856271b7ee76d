"""Plays dialogues into the real conversation and detector, at telephone pace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from analysis.budget.calm_calls import PAUSE_SECONDS, WORDS_PER_MINUTE
from analysis.call.conversation import Conversation, hear, judge
from analysis.languages.lexicon import shipped
from analysis.shift.detector import ShiftRules
from analysis.turns.score import Score
from analysis.turns.turn import Said, Turn
from bench.evaluation.dialogues import Dialogue
from callbus import Alert, Leg, Role, ShiftKind, Tier

SECONDS_PER_WORD = 60 / WORDS_PER_MINUTE
LEGS = (Leg("1", Role.AGENT), Leg("2", Role.CUSTOMER))
_LEG_OF = {leg.role: leg.leg_id for leg in LEGS}


class Judge(Protocol):
    """Scores a customer's turn of a dialogue; controls use the dialogue, scorers the words."""

    def score(self, dialogue: Dialogue, line: int, turn: Turn, history: Sequence[Turn]) -> Score:
        """The evidence in `turn`, which is all or part of the dialogue's line of that number."""


@dataclass(frozen=True, slots=True)
class Played:
    """The result of a dialogue. Turns are the customer's, counted from 0."""

    name: str
    group: str
    labels: tuple[int, ...]
    log_odds: tuple[float, ...]
    """Per full turn, unweighted; 0 for a mere acknowledgement, which is not scored."""
    words: tuple[int, ...]
    worsened: tuple[int, ...]
    """Turns that raised a worsened alert of either tier; a mark that becomes an interruption counts once."""
    interrupted: tuple[int, ...]
    """Turns that raised an interruption."""
    recovered: tuple[int, ...]
    seconds: float


def play(dialogue: Dialogue, judged_by: Judge, rules: ShiftRules, confidence: float) -> Played:
    """Play a dialogue at 170 words a minute, with half a second between utterances."""
    call = Conversation(dialogue.name, 0.0, LEGS)
    log_odds: list[float] = []
    words: list[int] = []
    alerts: list[tuple[Alert, int]] = []
    at = 0.0
    for index, line in enumerate(dialogue.lines):
        if line.role is Role.CUSTOMER:
            log_odds.append(0.0)
            words.append(sum(len(text.split()) for text in line.utterances))
        for text in line.utterances:
            end = at + SECONDS_PER_WORD * max(1, len(text.split()))
            heard = hear(call, Said(_LEG_OF[line.role], line.role, text, at, end, confidence))
            at = end + PAUSE_SECONDS
            call = heard.conversation
            if heard.turn is None or not heard.scored:
                continue
            turn = heard.turn
            score = judged_by.score(dialogue, index, turn, call.before(turn))
            log_odds[-1] = score.log_odds
            verdict = judge(call, turn, score, rules, end, end, shipped(dialogue.language))
            call = verdict.conversation
            if verdict.alert:
                alerts.append((verdict.alert, len(log_odds) - 1))
    return Played(
        dialogue.name,
        dialogue.group,
        dialogue.labels,
        tuple(log_odds),
        tuple(words),
        tuple(turn for alert, turn in alerts if alert.kind is ShiftKind.WORSENED and not alert.supersedes),
        tuple(turn for alert, turn in alerts if alert.tier is Tier.INTERRUPTION),
        tuple(turn for alert, turn in alerts if alert.kind is ShiftKind.RECOVERED),
        at,
    )


def interruptions(played: Played) -> Played:
    """The same result with only interruptions as worsened alerts."""
    return replace(played, worsened=played.interrupted)
