"""A call as a screen shows it."""

from __future__ import annotations

from analysis.call.conversation import Conversation
from analysis.call.party import Party
from callbus import CallClosed, CallState, Mood, Phase

GRAVITY = (Mood.CALM, Mood.RECOVERED, Mood.ARRIVED_UPSET, Mood.WORSENED)


def state_of(call: Conversation, now: float, closed: CallClosed | None = None) -> CallState:
    """The call as a screen shows it. Where several parties are scored, it is the one worst off."""
    parties = list(call.parties.values())
    party = max(parties, key=lambda one: GRAVITY.index(one.now.mood), default=Party())
    health = call.health.closed(closed.duration_seconds) if closed else call.health
    return CallState(
        call_id=call.call_id,
        phase=Phase.ENDED if closed else Phase.ACTIVE,
        opened_at=call.opened_at,
        updated_at=now,
        closed_at=closed.closed_at if closed else None,
        reason=closed.reason if closed else "",
        legs=call.legs,
        mood=party.now.mood,
        level=party.now.level,
        baseline=party.now.baseline,
        turns=call.next_turn,
        scores=party.scores,
        health=health.standing,
        gaps=health.gaps,
        language=call.spoken.language,
        is_judged=call.is_judged,
        queue=call.queue,
        practice=call.practice.practice if call.practice else None,
        channel=call.channel,
        contact=call.contact,
    )
