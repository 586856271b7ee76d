"""What a call's words and times tell of how the agent meets it. A fault here costs no words and no alert."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from analysis.call.conversation import Conversation
from analysis.practice.clauses import quote
from analysis.practice.debrief import debrief
from analysis.practice.phrases import Phrases
from analysis.practice.read_turn import agent_turn, customer_turn, evidence
from analysis.practice.repeated import Repeats
from analysis.practice.state import State, Turning
from analysis.practice.timing import Span
from analysis.turns.reading import AgentReading
from analysis.turns.score import Score
from analysis.turns.turn import Said, Turn
from callbus import Alert, CallClosed, ConditionKind, Debrief, Role, ShiftKind
from service.faults import survived

log = logging.getLogger(__name__)

FAULT = "practice"

T = TypeVar("T")


def watched(call: Conversation, *, is_readable: bool) -> Conversation:
    """The call with practice looked for from now on. `is_readable`: whether its language can be read.

    Nothing is judged where the parties are not known, or seem to be swapped. Where that is found out in mid-call, what
    was found before goes.
    """
    known = not call.legs or any(leg.role is not Role.UNKNOWN for leg in call.legs)
    swapped = any(condition.kind is ConditionKind.PARTIES_SWAPPED for condition in call.health.standing)
    is_judged = is_readable and call.is_judged and known and not swapped
    if call.practice is not None and call.practice.is_judged is is_judged:
        return call
    return replace(call, practice=State(is_judged=is_judged))


def spoke(call: Conversation, said: Said, turn: Turn | None, phrases: Phrases) -> Conversation:
    """After an utterance, by its times. `turn`: its turn; None if it left the floor."""

    def change(state: State) -> State:
        pauses = [(gap.from_seconds, gap.to_seconds) for gap in call.health.gaps]
        is_agent = said.role is Role.AGENT
        words = quote(said.text) if is_agent else ""
        announces = is_agent and "hold" in phrases.found(said.text)
        number = turn.number if turn else max(0, call.next_turn - 1)
        span = Span(said.start_seconds, said.end_seconds, number, is_agent, words, announces)
        if turn is None:
            return replace(state, timing=state.timing.sounded(span, pauses))
        return replace(state, timing=state.timing.heard(span, is_unhappy=state.now.is_unhappy, pauses=pauses))

    return _changed(call, change)


def missed(call: Conversation, said: Said) -> Conversation:
    """After an utterance whose words are lost. What an agent did in it is not known, so nothing was left undone."""

    def change(state: State) -> State:
        if said.role is not Role.AGENT:
            return state
        return replace(state, settled=replace(state.settled, hears_all=False))

    return _changed(spoke(call, said, None, Phrases()), change)


def answered(
    call: Conversation, turn: Turn, read: AgentReading | None, phrases: Phrases, repeats: Repeats | None, now: float
) -> Conversation:
    """After an agent's turn, or more words of it. `read`: as a network has read it, if one has.

    `repeats`: what agents have said on other calls, and what learns this; `now`: Unix seconds.
    """

    def change(state: State) -> State:
        history = call.before(turn)
        repeated = repeats.heard(turn, history, call.call_id, now) if repeats is not None else None
        return _shown(state.read(agent_turn(turn, phrases.of_agent(turn, history), read, repeated)))

    return _changed(call, change)


def scored(call: Conversation, turn: Turn, score: Score, alert: Alert | None, phrases: Phrases) -> Conversation:
    """After a customer's turn, or more words of it, and the shift that they completed."""

    def change(state: State) -> State:
        read = customer_turn(turn, score, phrases)
        state = _shown(state.read(read))
        if alert is None:
            return state
        words = read.customer.about if read.customer and read.customer.about else read.quote
        proof = evidence(words, turn.number, turn.start_seconds, "shift detector", alert.confidence)
        return state.turned(Turning(alert.kind is ShiftKind.WORSENED, proof), grown=bool(alert.supersedes))

    return _changed(call, change)


def debriefed(call: Conversation, event: CallClosed) -> Debrief | None:
    """The debrief of a call that ends; None if there is nothing to tell."""
    state = call.practice
    if state is None:
        return None
    return _survived(call, lambda: debrief(state, call.call_id, call.opened_at, event.closed_at, call.queue))


def _changed(call: Conversation, change: Callable[[State], State]) -> Conversation:
    state = call.practice
    if state is None or not state.is_judged:
        return call
    changed = _survived(call, lambda: change(state))
    return call if changed is None else replace(call, practice=changed)


def _shown(state: State) -> State:
    """The state, once it is shown that it can be shown: what cannot is not kept."""
    _ = state.practice
    return state


def _survived(call: Conversation, work: Callable[[], T]) -> T | None:
    """What some work gives; None if it fails, which is counted."""
    try:
        return work()
    except Exception:
        survived(FAULT, log, call.call_id)
        return None
