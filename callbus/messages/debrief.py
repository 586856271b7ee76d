"""A debrief: how the agent met a call, published at its end. Strengths stand before gaps."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from callbus.messages.alert import ShiftKind
from callbus.messages.call import Queue
from callbus.messages.leg import CallId, CallSeconds, UnixSeconds
from callbus.messages.practice import Answer, Counts, Evidence, Finding, Intake, LogOdds

MOST_POINTS = 60
MOST_TURNING_POINTS = 12
MOST_OF_A_SIDE = 12
MOST_ANSWERS = 12


class Question(StrEnum):
    """The four questions of a debrief."""

    CORE_MET = "core_met"
    """Was the feeling underneath taken up?"""
    TONE_MATCHED = "tone_matched"
    CONCRETE_STEP = "concrete_step"
    """Was there a concrete next step?"""
    VERIFIED = "verified"
    """Did anybody ask whether the answer helped?"""


class Verdict(StrEnum):
    """The answer to a question."""

    YES = "yes"
    NO = "no"
    NOT_SEEN = "not_seen"
    """The call gave no occasion, or shows too little."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A question, answered from the words."""

    question: Question
    verdict: Verdict
    evidence: Annotated[tuple[Evidence, ...], Meta(max_length=3)]


@dataclass(frozen=True, slots=True)
class CoursePoint:
    """The customer's score in a turn."""

    at_seconds: CallSeconds
    """Call time at which the turn ended."""
    score: LogOdds


@dataclass(frozen=True, slots=True)
class TurningPoint:
    """A shift, and the customer's words that completed it."""

    kind: ShiftKind
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Debrief:
    """Of one call. A call that goes on after its end has another one; the last counts."""

    call_id: CallId
    opened_at: UnixSeconds
    """Unix seconds."""
    closed_at: UnixSeconds
    """Unix seconds."""
    queue: Queue
    intake: Intake
    course: Annotated[tuple[CoursePoint, ...], Meta(max_length=MOST_POINTS)]
    """Oldest first; of a long call every second, fourth, … turn."""
    turning_points: Annotated[tuple[TurningPoint, ...], Meta(max_length=MOST_TURNING_POINTS)]
    replies: Annotated[tuple[Reply, ...], Meta(max_length=8)]
    """To each of the four questions."""
    strengths: Annotated[tuple[Finding, ...], Meta(max_length=MOST_OF_A_SIDE)]
    gaps: Annotated[tuple[Finding, ...], Meta(max_length=MOST_OF_A_SIDE)]
    notes: Annotated[tuple[Finding, ...], Meta(max_length=MOST_OF_A_SIDE)]
    answers: Annotated[tuple[Answer, ...], Meta(max_length=MOST_ANSWERS)]
    """To the customer's distress, oldest first."""
    counts: Counts
