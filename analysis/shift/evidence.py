"""Why a shift is believed: quotes before and after it, the terms of the score, and the confidence. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.shift.detector import Shift, ShiftState
from analysis.turns.score import Score
from analysis.turns.turn import Turn
from callbus import Alert, Leg, Quote, ShiftKind

MOST_QUOTES = 8
STRONG = 2.6
"""Mean evidence of a shift's turns, in log-odds, at which its strength is full."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A turn, and its score if it was scored."""

    turn: Turn
    score: float | None
    """Weighted log-odds; None for agents."""
    weight: float = 0.0


def alert_id(call_id: str, turn: int, kind: ShiftKind, opened_at: float, *, grown: bool = False) -> str:
    """Deterministic, so every worker derives the same id for a shift: hexadecimal, 20 characters.

    `opened_at` separates two calls with the same PBX id; `grown` separates an interruption from the mark it grew from.
    """
    key = f"{call_id}\n{opened_at:.3f}\n{turn}\n{kind}" + "\ngrown" * grown
    return hashlib.sha256(key.encode(errors="replace")).hexdigest()[:20]


def build_alert(
    shift: Shift,
    *,
    call_id: str,
    opened_at: float,
    legs: Sequence[Leg],
    turns: Mapping[int, Judged],
    turn: Turn,
    score: Score,
    state: ShiftState,
    spoken_at: float,
    now: float,
) -> Alert:
    """The alert for a shift completed by `turn`; `turns` holds the kept turns by number."""
    return Alert(
        alert_id=alert_id(call_id, turn.number, shift.kind, opened_at, grown=shift.marked is not None),
        call_id=call_id,
        kind=shift.kind,
        turn=turn.number,
        at_seconds=turn.end_seconds,
        spoken_at=spoken_at,
        raised_at=now,
        legs=tuple(legs),
        before=_quotes(turns, shift.before),
        after=_quotes(turns, shift.after),
        terms=score.terms,
        score=score.value,
        level=state.level,
        baseline=state.baseline,
        threshold=shift.threshold,
        confidence=_confidence(shift, turns),
        mood=state.mood,
        tier=shift.tier,
        supersedes="" if shift.marked is None else alert_id(call_id, shift.marked, shift.kind, opened_at),
    )


def _confidence(shift: Shift, turns: Mapping[int, Judged]) -> float:
    """Certainty of the shift's words times their strength; 0 to 1."""
    moved = [turns[number] for number in shift.after if number in turns]
    if not moved:
        return 0.0
    certain = sum(judged.weight for judged in moved) / len(moved)
    strong = abs(sum(judged.score or 0.0 for judged in moved)) / max(1e-9, sum(judged.weight for judged in moved))
    return max(0.0, min(1.0, certain * min(1.0, strong / STRONG)))


def _quotes(turns: Mapping[int, Judged], numbers: Sequence[int]) -> tuple[Quote, ...]:
    return tuple(
        Quote(
            role=judged.turn.role,
            text=judged.turn.text,
            start_seconds=judged.turn.start_seconds,
            end_seconds=judged.turn.end_seconds,
            score=judged.score,
        )
        for number in numbers[-MOST_QUOTES:]
        if (judged := turns.get(number))
    )
