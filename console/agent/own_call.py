"""What an agent sees of their call: the customer's shift and the intake. Pure.

Nothing of the agent's own words and acts is in it, and no words to say: it informs, and judges nobody.
"""

from __future__ import annotations

from typing import Any

from callbus import Alert, CallState, Evidence, Intake
from callbus.messages.load import AgentLoad

AFTER_SECONDS = 600.0
"""How long after its end a call may still be looked at."""


def own_call(state: CallState, alert: Alert | None, now: float, load: AgentLoad | None = None) -> dict[str, Any] | None:
    """The view of a call; None once it has been over for long.

    `alert`: its latest; `now`: Unix seconds; `load`: the agent's own, if it is known.
    """
    if state.closed_at is not None and now - state.closed_at > AFTER_SECONDS:
        return None
    practice = state.practice
    return {
        "opened_at": state.opened_at,
        "closed_at": state.closed_at,
        "is_judged": state.is_judged,
        "mood": state.mood,
        "shift": {"kind": alert.kind, "raised_at": alert.raised_at} if alert and state.is_judged else None,
        "intake": _intake(practice.intake) if practice and practice.is_judged else None,
        "load": load,
    }


def _intake(intake: Intake) -> dict[str, Any]:
    return {
        "cores": intake.cores,
        "wish": intake.wish,
        "register": intake.register,
        "ready": intake.ready,
        "about": _quote(intake.about),
        "urgency": _quote(intake.urgency),
    }


def _quote(evidence: Evidence | None) -> str | None:
    return evidence.quote if evidence else None
