"""A party to a call whose turns are scored."""

from __future__ import annotations

from dataclasses import dataclass, field

from analysis.shift.detector import Evidence, Shift, ShiftRules, ShiftState, after_alert, step

SCORES = 60


@dataclass(frozen=True, slots=True)
class Party:
    """What is held of a party whose turns are scored."""

    before: ShiftState = field(default_factory=ShiftState)
    """Before its latest turn, which is scored anew with each utterance that extends it."""
    now: ShiftState = field(default_factory=ShiftState)
    turn: int = -1
    """Number of its latest turn."""
    scores: tuple[float, ...] = ()
    """Of its latest turns, oldest first."""

    def seen(self, evidence: Evidence, rules: ShiftRules) -> tuple[Party, Shift | None]:
        """The party after a turn, in place of what its earlier words had made of it; the shift that it completed."""
        again = self.turn == evidence.turn
        before = self.before if again else self.now
        state, shift = step(before, evidence, rules)
        scores = (*(self.scores[:-1] if again else self.scores), evidence.value)[-SCORES:]
        return Party(after_alert(state, before) if shift else before, state, evidence.turn, scores), shift
