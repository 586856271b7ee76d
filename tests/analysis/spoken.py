"""Scenarios as text, said into a conversation as a Whisper would print them."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from analysis.call.conversation import Conversation, hear, judge
from analysis.call.shown_state import state_of
from analysis.shift.detector import ShiftRules
from analysis.turns.score import Scorer
from analysis.turns.turn import Said
from bench.evaluation.vader import VaderScorer
from callbus import Alert, CallState, Leg, Role
from testcall import scenario

LEGS = (Leg("1", Role.AGENT, "Anna"), Leg("2", Role.CUSTOMER))
SCORER = VaderScorer()
RULES = ShiftRules()

Line = tuple[Role, tuple[str, ...]]
"""A turn: who, and its utterances."""


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a dialogue: each alert with the index of the line that raised it, and the last state.

    A mark that becomes an interruption is one alert.
    """

    alerts: list[tuple[int, str]]
    evidence: list[Alert]
    state: CallState


def plain(text: str) -> str:
    """Lower case, no punctuation."""
    return re.sub(r"[^a-z' ]", "", text.lower())


def lines(name: str, split: str = "") -> list[Line]:
    """A scenario's turns; `split` is a regular expression at which a turn falls into utterances."""
    return [
        (Role(turn.party), tuple(re.split(split, turn.text)) if split else (turn.text,))
        for turn in scenario.load(name).turns
    ]


def declared(name: str) -> list[tuple[int, str]]:
    """The alerts that a scenario must raise, by the index of their turn."""
    return [(index, turn.alert) for index, turn in enumerate(scenario.load(name).turns) if turn.alert]


def play(
    dialogue: Iterable[Line],
    *,
    confidence: float = 0.9,
    corrupt: Callable[[str], str] = lambda text: text,
    legs: tuple[Leg, ...] = LEGS,
    rules: ShiftRules = RULES,
    scorer: Scorer = SCORER,
) -> Played:
    """Say a dialogue at 170 words a minute with half a second between utterances."""
    leg_of = {leg.role: leg.leg_id for leg in legs}
    call = Conversation("call-1", 1_000.0, legs)
    alerts: list[tuple[int, str]] = []
    evidence: list[Alert] = []
    at = 0.5
    for index, (role, utterances) in enumerate(dialogue):
        for text in utterances:
            end = at + 0.35 * len(text.split())
            said = Said(leg_of[role], role, corrupt(plain(text)), at, end, confidence)
            at = end + 0.5
            heard = hear(call, said)
            call = heard.conversation
            if heard.turn is None or not heard.scored:
                continue
            history = [judged.turn for judged in call.turns if judged.turn.number < heard.turn.number]
            score = scorer.score(heard.turn, history)
            verdict = judge(call, heard.turn, score, rules, 1_000 + end, 1_001 + end)
            call = verdict.conversation
            if verdict.alert and not verdict.alert.supersedes:
                alerts.append((index, str(verdict.alert.kind)))
                evidence.append(verdict.alert)
    return Played(alerts, evidence, state_of(call, 2_000.0))


def misheard(seed: int, errors: int) -> Callable[[str], str]:
    """A Whisper that gets one word wrong in `errors` of a hundred: leaves it out, or writes another."""
    dice = random.Random(seed)

    def corrupt(text: str) -> str:
        kept = []
        for word in text.split():
            roll = dice.randrange(200)
            if roll >= 2 * errors:
                kept.append(word)
            elif roll >= errors:
                kept.append(dice.choice(("the", "and", "order", "it", "march", "engineer", "now")))
        return " ".join(kept)

    return corrupt
