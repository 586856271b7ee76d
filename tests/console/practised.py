"""Calls that practice was looked for in, with defaults for whatever a test does not care about."""

from __future__ import annotations

import time
from typing import Any

from callbus import (
    Act,
    Answer,
    Core,
    Counts,
    CoursePoint,
    Debrief,
    DoneAct,
    Evidence,
    Finding,
    FindingKind,
    Intake,
    Landed,
    Practice,
    Question,
    Register,
    Reply,
    ShiftKind,
    Side,
    TurningPoint,
    Verdict,
    Wish,
)


def proof(quote: str, at: float = 24.0, rule: str = "network", confidence: float = 0.87, turn: int = 3) -> Evidence:
    """Words that show something."""
    return Evidence(quote, turn, at, rule, confidence)


def intake(**changes: Any) -> Intake:
    """Of a worried customer with a deadline."""
    fields: dict[str, Any] = {
        "cores": (Core.WORRY, Core.FRUSTRATION),
        "about": proof("The cake stand has not come and the wedding is on Friday.", 6.0),
        "urgent": 0.8,
        "urgency": proof("The wedding is on Friday.", 9.0, "urgent: network", 0.8),
        "wish": Wish.PLAN,
        "register": Register.FORMAL,
        "ready": True,
    }
    return Intake(**(fields | changes))


def answer(*acts: Act, landed: Landed = Landed.BETTER, before: float = -1.6, after: float | None = 0.4) -> Answer:
    """To a distress, with these acts."""
    done = tuple(DoneAct(act, proof(f"These words are {act}.", 31.0, f"{act}: network")) for act in acts)
    return Answer(proof("Nobody has told me anything.", 24.0), done, landed, before, after)


def finding(kind: FindingKind, side: Side, quote: str = "I can see how long you waited.", **changes: Any) -> Finding:
    """A finding that is no hint."""
    return Finding(kind, side, proof(quote, 31.0), changes.get("hint", False))


def practice(**changes: Any) -> Practice:
    """A call that was answered well, with a gap and a hint."""
    fields: dict[str, Any] = {
        "intake": intake(),
        "answer": answer(Act.ACK, Act.NEXT),
        "findings": (
            finding(FindingKind.INTERRUPTED_VENTING, Side.GAP, "Right, so what is the number?"),
            finding(FindingKind.HOLLOW_EMPATHY, Side.GAP, "I do understand.", hint=True),
            finding(FindingKind.LISTENING, Side.STRENGTH, "Since it is for Friday."),
        ),
        "counts": Counts(1, 0.0, 2, 0, 1, 2),
    }
    return Practice(**(fields | changes))


def debrief(call_id: str = "call-1", ended_ago: float = 60.0, **changes: Any) -> Debrief:
    """Of a call of four minutes that turned and recovered."""
    closed = time.time() - ended_ago
    fields: dict[str, Any] = {
        "opened_at": closed - 240.0,
        "closed_at": closed,
        "queue": "orders",
        "intake": intake(),
        "course": tuple(CoursePoint(20.0 * n, score) for n, score in enumerate((0.5, 0.2, -1.6, -0.8, 0.4, 0.9))),
        "turning_points": (
            TurningPoint(ShiftKind.WORSENED, proof("Nobody has told me anything.", 40.0)),
            TurningPoint(ShiftKind.RECOVERED, proof("Oh, that would help.", 80.0)),
        ),
        "replies": (
            Reply(Question.CORE_MET, Verdict.YES, (proof("That is close, with the wedding on Friday.", 50.0),)),
            Reply(Question.TONE_MATCHED, Verdict.NO, (proof("Right, so what is the number?", 44.0),)),
            Reply(Question.CONCRETE_STEP, Verdict.YES, (proof("I am sending it by courier today.", 60.0),)),
            Reply(Question.VERIFIED, Verdict.NOT_SEEN, ()),
        ),
        "strengths": (finding(FindingKind.SPECIFIC_NEXT_STEP, Side.STRENGTH, "I am sending it by courier today."),),
        "gaps": (
            finding(FindingKind.INTERRUPTED_VENTING, Side.GAP, "Right, so what is the number?"),
            finding(FindingKind.NOT_VERIFIED, Side.GAP, "I am sending it by courier today.", hint=True),
        ),
        "notes": (finding(FindingKind.REGISTER_MISMATCH, Side.NOTE, "No probs!", hint=True),),
        "answers": (answer(Act.ACK, Act.NEXT), answer(landed=Landed.NOT_SEEN, after=None)),
        "counts": Counts(1, 3.5, 4, 1, 1, 2),
    }
    return Debrief(**({"call_id": call_id} | fields | changes))
