"""How the agent met the call, as a screen shows it: intake, the latest answer to distress, findings. Each with proof.

It describes what was said, never how it sounded, and compares nobody with anybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from callbus.messages.leg import CallSeconds, Number

QUOTE_CHARACTERS = 160
MOST_FINDINGS = 6
MOST_ACTS = 16

Share = Annotated[float, Meta(ge=0, le=1)]
LogOdds = Annotated[float, Meta(ge=-100, le=100)]
"""Negative is unhappy. The bounds reject infinities and NaN."""


class Act(StrEnum):
    """What an agent does in a turn. A turn may have several."""

    ACK = "ack"
    """Names or clearly takes up the feeling or the burden."""
    SPECIFIC = "specific"
    """Takes up something this customer said of their situation."""
    NEXT = "next"
    """Commits to something still to be done for this case."""
    VERIFY = "verify"
    """Asks whether the answer suits, was understood, or helps."""
    LIMIT = "limit"
    """Says honestly what cannot be done."""
    ALTERNATIVE = "alternative"
    """Offers another way."""
    RESET = "reset"
    """Asks what would help most."""
    OVER_PROMISE = "over_promise"
    """Guarantees an outcome that is not theirs to guarantee."""
    DEFENSIVE = "defensive"
    """Corrects, blames or dismisses the customer's feeling or account."""
    BRUSH_OFF = "brush_off"
    """Ends the matter with a formula and without help."""
    SCRIPT = "script"
    """Uses a canned phrase said to everybody."""
    REPEATED = "repeated"
    """Says what agents say on other calls too, word for word: found by comparing, not by reading."""


class Core(StrEnum):
    """The feeling underneath an unhappy or worried turn."""

    FRUSTRATION = "frustration"
    ANGER = "anger"
    WORRY = "worry"
    DISMISSED = "dismissed"
    DISAPPOINTMENT = "disappointment"


class Wish(StrEnum):
    """What a customer wants first."""

    HEARD = "heard"
    PLAN = "plan"
    UNCLEAR = "unclear"


class Register(StrEnum):
    """How a customer words things."""

    FORMAL = "formal"
    """Titles and full courtesies."""
    CASUAL = "casual"
    TERSE = "terse"
    """A few words at a time."""
    PLAIN = "plain"
    """None of these stands out, or too little is said."""


class Landed(StrEnum):
    """The customer's course after an answer."""

    BETTER = "better"
    SAME = "same"
    WORSE = "worse"
    NOT_SEEN = "not_seen"
    """They have said too little since."""


class Side(StrEnum):
    """What a finding is."""

    STRENGTH = "strength"
    GAP = "gap"
    NOTE = "note"
    """Worth knowing, and held against nobody."""


class FindingKind(StrEnum):
    """What was found. docs/practice.md has the rule of each."""

    HOLLOW_EMPATHY = "hollow_empathy"
    SOLUTION_BEFORE_HEARING = "solution_before_hearing"
    FEELINGS_BEFORE_ACTION = "feelings_before_action"
    EMPATHY_ACTION_GAP = "empathy_action_gap"
    OVER_PROMISE = "over_promise"
    DEFENSIVE = "defensive"
    BRUSH_OFF = "brush_off"
    REGISTER_MISMATCH = "register_mismatch"
    INTENSITY_MIRRORED = "intensity_mirrored"
    NOT_VERIFIED = "not_verified"
    AGITATION_LEFT = "agitation_left"
    INTERRUPTED_VENTING = "interrupted_venting"
    TALK_OVER = "talk_over"
    LONG_SILENCE = "long_silence"
    LISTENING = "listening"
    FEELING_PARAPHRASED = "feeling_paraphrased"
    SPECIFIC_NEXT_STEP = "specific_next_step"
    CHECKED_IT_LANDED = "checked_it_landed"
    URGENCY_MET_AT_ONCE = "urgency_met_at_once"
    HONEST_LIMIT_WITH_ALTERNATIVE = "honest_limit_with_alternative"
    RESET_QUESTION = "reset_question"
    REPEATED_TEXT = "repeated_text"


@dataclass(frozen=True, slots=True)
class Evidence:
    """The words that show something, and by what rule."""

    quote: Annotated[str, Meta(max_length=QUOTE_CHARACTERS)]
    turn: Number
    at_seconds: CallSeconds
    """Call time at which the turn, or what happened in it, began."""
    rule: Annotated[str, Meta(max_length=64)]
    confidence: Share


@dataclass(frozen=True, slots=True)
class Intake:
    """What the customer's opening tells."""

    cores: Annotated[tuple[Core, ...], Meta(max_length=2)] = ()
    """The feeling, or the two likeliest, the likelier first. None if no feeling shows, or the scorer names none."""
    about: Evidence | None = None
    """The customer's own words for their concern."""
    urgent: Share = 0.0
    """Probability of danger, or of a deadline within a day or so."""
    urgency: Evidence | None = None
    """The words that tell so, once it is likely."""
    wish: Wish = Wish.UNCLEAR
    register: Register = Register.PLAIN
    ready: bool = False
    """Whether enough has been heard: 30 s of the customer's speech, or two answers after 10 s. Refined afterwards."""


@dataclass(frozen=True, slots=True)
class DoneAct:
    """An act in an answer."""

    act: Act
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Answer:
    """What the agent did about a customer's distress within the next two turns."""

    distress: Evidence
    acts: Annotated[tuple[DoneAct, ...], Meta(max_length=MOST_ACTS)]
    landed: Landed
    before: LogOdds
    """The customer's score in the turn of distress."""
    after: LogOdds | None
    """Their mean score in the next turns after an answer; null if they have said too little."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A strength, a gap or a note."""

    kind: FindingKind
    side: Side
    evidence: Evidence
    hint: bool
    """Whether it is shown as a hint: its kind has not been shown to be right often enough."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What can be counted by the times alone, and the findings."""

    interruptions: Number = 0
    """Times the agent cut into a customer who vented."""
    talk_over_seconds: Annotated[float, Meta(ge=0, le=1e7)] = 0.0
    """Time in which both spoke, beyond the brief overlaps of normal turn-taking."""
    silences: Number = 0
    """Silences of 3 s or more."""
    long_silences: Number = 0
    """Those of 10 s or more without an announced hold."""
    strengths: Number = 0
    gaps: Number = 0


@dataclass(frozen=True, slots=True)
class Practice:
    """How the agent has met the call so far."""

    is_judged: bool = True
    """If not, nothing else here says anything."""
    intake: Intake = Intake()
    answer: Answer | None = None
    """The latest."""
    findings: Annotated[tuple[Finding, ...], Meta(max_length=MOST_FINDINGS)] = ()
    """The latest, oldest first."""
    counts: Counts = Counts()
