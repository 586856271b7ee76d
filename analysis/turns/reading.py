"""What is read in a turn beside its score: an agent's acts, a customer's feeling, urgency and wish. Types alone.

The words are those of the rule book (tools/labels/README.md). All figures are probabilities, 0 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from callbus import Act, Wish

__all__ = ["READ_ACTS", "Act", "AgentReading", "CustomerReading", "Wish"]

READ_ACTS: tuple[Act, ...] = tuple(act for act in Act if act is not Act.REPEATED)
"""The acts that a turn's words show by themselves."""


@dataclass(frozen=True, slots=True)
class AgentReading:
    """What an agent's turn does."""

    acts: Mapping[Act, float]
    """Those of which the reader says anything."""
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
