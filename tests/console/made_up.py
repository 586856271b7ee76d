"""Calls as analysis would publish them, with defaults for whatever a test does not care about."""

from __future__ import annotations

import random
import time
from typing import Any

from callbus import (
    Act,
    Alert,
    CallState,
    Condition,
    ConditionKind,
    Core,
    FindingKind,
    Intake,
    Landed,
    Leg,
    Mood,
    Phase,
    Practice,
    Quote,
    Register,
    Role,
    ShiftKind,
    Side,
    Term,
    Transcript,
    Wish,
)
from callbus.messages.conditions import UNITS
from callbus.messages.wire import Publication
from tests.console.practised import answer, finding, practice, proof

AGENTS = (
    "Laura Bennett",
    "Peter Novak",
    "Aisha Rahman",
    "Tom Okafor",
    "Ines Moreau",
    "Daniel Weiss",
    "Grace Kim",
    "Marco Ricci",
    "Hanna Lind",
    "Samuel Ortiz",
    "Julia Brandt",
    "Owen Hughes",
)
ASKED = (
    "Could you give me the order number, please?",
    "I can see the booking here. One moment.",
    "Is the light on the router green or red?",
    "I have changed the address for you.",
    "What can I do for you today?",
    "The new card comes on Friday.",
    "I am checking that with the depot now.",
    "Would Thursday before noon suit you?",
)
SAID = (
    "Yes, it is four one seven, the blue kettle.",
    "I would like to move my appointment to next week.",
    "All right, that is what I needed to know.",
    "It says error twelve, and then nothing happens.",
    "Good morning, I am calling about my washing machine.",
    "No problem, I can wait a moment.",
    "The one at the office in our street, please.",
    "And will I get a message when it is on its way?",
)


def legs(agent: str = "Laura Bennett") -> tuple[Leg, ...]:
    """A customer and a named agent."""
    return (Leg("1", Role.CUSTOMER), Leg("2", Role.AGENT, agent))


def call_state(call_id: str = "call-1", **changes: Any) -> CallState:
    """A calm call that began a minute ago."""
    now = time.time()
    fields: dict[str, Any] = {
        "phase": Phase.ACTIVE,
        "opened_at": now - 60,
        "updated_at": now,
        "closed_at": None,
        "reason": "",
        "legs": legs(),
        "mood": Mood.CALM,
        "level": 0.4,
        "baseline": 0.5,
        "turns": 4,
        "scores": (0.6, 0.4),
    }
    return CallState(call_id, **(fields | changes))


def condition(kind: ConditionKind, value: float = 0.0, leg_id: str = "1", role: Role = Role.CUSTOMER) -> Condition:
    """Something the matter with a leg since 4:10; with an empty `leg_id` with the whole call."""
    return Condition(kind, leg_id, role if leg_id else Role.UNKNOWN, 250.0, value, UNITS[kind])


def transcript(call_id: str = "call-1", **changes: Any) -> Transcript:
    """The customer's words."""
    fields: dict[str, Any] = {
        "leg_id": "1",
        "role": Role.CUSTOMER,
        "sequence": 1,
        "turn": 1,
        "start_seconds": 4.0,
        "end_seconds": 7.0,
        "text": "Good morning.",
        "confidence": 0.9,
        "score": 0.1,
        "published_at": time.time(),
    }
    return Transcript(call_id, **(fields | changes))


def alert(call_id: str = "call-1", **changes: Any) -> Alert:
    """A customer who turned."""
    now = time.time()
    fields: dict[str, Any] = {
        "alert_id": f"{call_id}:7:worsened",
        "kind": ShiftKind.WORSENED,
        "turn": 7,
        "at_seconds": 161.0,
        "spoken_at": now - 0.9,
        "raised_at": now,
        "legs": legs(),
        "before": (
            Quote(Role.CUSTOMER, "Hello Laura, I am calling about the blue kettle I ordered.", 6.2, 10.4, 0.64),
            Quote(Role.CUSTOMER, "Sure, the number is four one seven.", 19.0, 21.7, 0.41),
        ),
        "after": (
            Quote(Role.CUSTOMER, "This is the third time I am calling and it is still not here.", 131.4, 136.9, -1.71),
            Quote(
                Role.CUSTOMER, "Nobody ever calls back. This is terrible service and I am angry.", 156.1, 161.0, -2.35
            ),
        ),
        "terms": (
            Term("angry", -1.42),
            Term("terrible", -1.18),
            Term("other words", 0.25),
        ),
        "score": -2.35,
        "level": -1.86,
        "baseline": 0.52,
        "threshold": 1.6,
        "confidence": 0.87,
        "mood": Mood.WORSENED,
    }
    return Alert(**(fields | {"call_id": call_id} | changes))


def _met(mood: Mood, asked: str) -> Practice:
    """How a call in a mood is met."""
    if mood is Mood.CALM:
        return Practice(intake=Intake(about=proof(asked, 4.0), register=Register.CASUAL, ready=True))
    about = {
        Mood.WORSENED: "This is the third time I am calling and it is still not here.",
        Mood.RECOVERED: "You missed the visit twice, and I have no heating until it is done.",
        Mood.ARRIVED_UPSET: "I have been sent from one number to the next all morning.",
    }[mood]
    cores = {
        Mood.WORSENED: (Core.FRUSTRATION, Core.DISMISSED),
        Mood.RECOVERED: (Core.WORRY,),
        Mood.ARRIVED_UPSET: (Core.DISMISSED,),
    }[mood]
    acts, landed = ((Act.ACK, Act.NEXT), Landed.BETTER) if mood is Mood.RECOVERED else ((Act.SCRIPT,), Landed.WORSE)
    kind, side = (
        (FindingKind.SPECIFIC_NEXT_STEP, Side.STRENGTH)
        if mood is Mood.RECOVERED
        else (FindingKind.HOLLOW_EMPATHY, Side.GAP)
    )
    said = "Our own driver is with you at eight." if mood is Mood.RECOVERED else "I understand."
    urgency = proof(about, 12.0, "urgent: network") if mood is Mood.RECOVERED else None
    wish = Wish.PLAN if mood is Mood.RECOVERED else Wish.HEARD
    return practice(
        intake=Intake(cores, proof(about, 12.0), 0.0, urgency, wish, ready=True),
        answer=answer(*acts, landed=landed),
        findings=(finding(kind, side, said, hint=True),),
    )


def floor(calls: int, seed: int = 5) -> list[Publication]:
    """A shift's floor with `calls` calls, one of which has just turned; from 4 calls on with others that did."""
    chance = random.Random(seed)
    now = time.time()
    told: list[Publication] = []
    for number in range(calls):
        told += _one(chance, number, now, _mood(number, calls))
    told.sort(key=lambda message: message.raised_at if isinstance(message, Alert) else 0.0)
    return told


def _mood(number: int, calls: int) -> Mood:
    if number == 0:
        return Mood.WORSENED
    if calls >= 4 and number == 1:
        return Mood.RECOVERED
    if calls >= 4 and number == 2:
        return Mood.ARRIVED_UPSET
    return {20: Mood.WORSENED, 33: Mood.RECOVERED, 41: Mood.ARRIVED_UPSET}.get(number % 60, Mood.CALM)


def _one(chance: random.Random, number: int, now: float, mood: Mood) -> list[Publication]:
    agent = AGENTS[number % len(AGENTS)]
    call_id = f"{chance.getrandbits(32):08x}-{chance.getrandbits(16):04x}@pbx.example"
    age = 176.0 if number == 0 else chance.uniform(25, 900)
    turns = 9 if number == 0 else max(1, int(age / 14))
    scores = [chance.gauss(0.45, 0.4) for _ in range(min(turns, 40))]
    if mood is Mood.WORSENED:
        scores = [0.64, 0.41, 0.82, 0.55, 0.30, -0.22, -0.65, -1.71, -2.35]
    if mood is Mood.RECOVERED:
        scores = [0.5, 0.7, 0.3, -1.4, -2.1, -1.8, -0.9, 0.2, 0.6, 0.9]
    if mood is Mood.ARRIVED_UPSET:
        scores = [-1.9, -2.2, -1.6, -2.0, -1.4, -1.5, -1.1]
    level = 0.4 * scores[-1] + 0.6 * scores[-2] if len(scores) > 1 else scores[-1]
    opening = sum(scores[:3]) / len(scores[:3])
    customer = {
        Mood.WORSENED: "Nobody ever calls back. This is terrible service and I am angry.",
        Mood.RECOVERED: "Oh, tomorrow morning is perfect. Thank you, that helps a lot.",
        Mood.ARRIVED_UPSET: "I am sick of it, and the number is eight one five.",
        Mood.CALM: chance.choice(SAID),
    }[mood]
    answer = {
        Mood.WORSENED: "I understand. Let me look at what happened to the order.",
        Mood.RECOVERED: "I have booked our own driver for eight o'clock.",
        Mood.ARRIVED_UPSET: "I need the order number to find it.",
        Mood.CALM: chance.choice(ASKED),
    }[mood]
    told: list[Publication] = [
        call_state(
            call_id,
            opened_at=now - age,
            updated_at=now - chance.uniform(0, 4),
            legs=legs(agent if chance.random() < 0.95 else ""),
            mood=mood,
            level=level,
            baseline=opening,
            turns=2 * turns,
            scores=tuple(round(score, 3) for score in scores),
            practice=_met(mood, customer),
        ),
        transcript(call_id, sequence=5, text=customer, start_seconds=age - 20, end_seconds=age - 15, score=scores[-1]),
        transcript(
            call_id, leg_id="2", role=Role.AGENT, sequence=6, text=answer, start_seconds=age - 14, end_seconds=age - 9
        ),
    ]
    if mood is Mood.WORSENED:
        raised = now - (12 if number == 0 else 140)
        told.append(alert(call_id, legs=legs(agent), spoken_at=raised - 0.8, raised_at=raised))
    if mood is Mood.RECOVERED:
        raised = now - (95 if number == 1 else 400)
        told.append(
            alert(
                call_id,
                alert_id=f"{call_id}:19:recovered",
                kind=ShiftKind.RECOVERED,
                legs=legs(agent),
                at_seconds=age - raised + now - 180 if age > 300 else 241.0,
                spoken_at=raised - 1.1,
                raised_at=raised,
                before=(Quote(Role.CUSTOMER, "You missed the visit twice, this is ridiculous.", 122.0, 126.5, -2.1),),
                after=(
                    Quote(Role.CUSTOMER, "Well, that would help.", 214.0, 216.2, 0.6),
                    Quote(Role.CUSTOMER, "Oh, tomorrow morning is perfect. Thank you.", 236.8, 241.0, 0.9),
                ),
                terms=(Term("perfect", 0.62), Term("thank", 0.28)),
                score=0.9,
                level=0.71,
                baseline=0.5,
                threshold=1.2,
                confidence=0.78,
                mood=Mood.RECOVERED,
            )
        )
    return told
