"""What is read in a turn beside its score: an agent's acts, a customer's feeling, urgency and wish. Types alone.

The words are those of the rule book (tools/labels/README.md). All figures are probabilities, 0 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


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


class Wish(StrEnum):
    """What a customer wants first."""

    HEARD = "heard"
    PLAN = "plan"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class AgentReading:
    """What an agent's turn does."""

    acts: Mapping[Act, float]
    hollow: float
    """Formula or gush in answer to distress, in place of help."""


@dataclass(frozen=True, slots=True)
class CustomerReading:
    """What a customer's turn tells beside how unhappy they are."""

    cores: Mapping[str, float]
    """Feelings by name: frustration, anger, worry, dismissed, disappointment, relief, gratitude and `none`; they sum
    to 1."""
    urgent: float
    """The turn adds a fact of danger, or of a deadline within a day or so."""
    wish: Mapping[Wish, float]
    """By all that the customer has said so far; they sum to 1. Meant for a call's opening."""
