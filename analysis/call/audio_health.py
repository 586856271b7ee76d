"""Audio faults of a call, as reported by its bridge and as shown by its words. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from prometheus_client import Counter

from analysis.call.swap import FIRST_TURNS, suspected
from analysis.languages.lexicon import Lexicon
from analysis.turns.turn import Turn
from callbus import CallEvent, Condition, ConditionKind, Gap, Leg, Role
from callbus.messages.conditions import MAX_CONDITIONS, MAX_GAPS, UNITS

SWAPS = Counter(
    "callvane_party_swaps_suspected_total", "Calls whose parties seem to be on each other's legs, by their words."
)


@dataclass(frozen=True, slots=True)
class Health:
    """A call's current faults and unrecorded gaps. Past their bounds the oldest are dropped."""

    standing: tuple[Condition, ...] = ()
    """Current conditions, in the order in which they started."""
    gaps: tuple[Gap, ...] = ()
    """Finished pauses of the whole recording, oldest first."""
    swap_told: bool = False
    """A swap of the parties is reported once; a change of roles ends it for good."""

    def after(self, event: CallEvent) -> Health:
        """Health after an event; a repeated event changes nothing."""
        condition = event.condition
        others = self._without(condition.kind, condition.leg_id)
        if event.began:
            return replace(self, standing=(*others, condition)[-MAX_CONDITIONS:])
        return replace(self, standing=others, gaps=self._with_gap(condition, event.at_seconds))

    def closed(self, at_seconds: float) -> Health:
        """Health after the call's end: no condition remains, and an ongoing pause becomes a gap."""
        paused = next((each for each in self.standing if _is_pause(each)), None)
        return replace(self, standing=(), gaps=self._with_gap(paused, at_seconds) if paused else self.gaps)

    def handed_over(self, at_seconds: float) -> Health:
        """Health when another recording takes over: reported faults end, faults shown by the words remain."""
        shown = tuple(each for each in self.standing if each.kind is ConditionKind.PARTIES_SWAPPED)
        return replace(self.closed(at_seconds), standing=shown)

    def listened(self, turns: Sequence[Turn], at_seconds: float, lexicon: Lexicon | None = None) -> Health:
        """Health after more words: the first turns may show that the parties are swapped.

        `lexicon`: of the call's language; without one, the shipped English one.
        """
        if self.swap_told or not turns or turns[-1].number >= FIRST_TURNS or not (count := suspected(turns, lexicon)):
            return self
        SWAPS.inc()
        kind = ConditionKind.PARTIES_SWAPPED
        condition = Condition(kind, "", Role.UNKNOWN, at_seconds, count, UNITS[kind])
        return replace(self, standing=(*self.standing, condition)[-MAX_CONDITIONS:], swap_told=True)

    def renamed(self, before: Sequence[Leg], legs: Sequence[Leg]) -> Health:
        """Health with other legs: conditions get the new roles; a change of roles clears a suspected swap."""
        roles = {leg.leg_id: leg.role for leg in legs}
        if roles == {leg.leg_id: leg.role for leg in before}:
            return self
        standing = self._without(ConditionKind.PARTIES_SWAPPED, "")
        return replace(self, standing=tuple(replace(each, role=roles.get(each.leg_id, each.role)) for each in standing))

    def _without(self, kind: ConditionKind, leg_id: str) -> tuple[Condition, ...]:
        return tuple(each for each in self.standing if (each.kind, each.leg_id) != (kind, leg_id))

    def _with_gap(self, condition: Condition, at_seconds: float) -> tuple[Gap, ...]:
        gap = Gap(condition.since_seconds, at_seconds)
        if not _is_pause(condition) or gap in self.gaps:
            return self.gaps
        return (*self.gaps, gap)[-MAX_GAPS:]


def _is_pause(condition: Condition) -> bool:
    """A pause of the whole recording, not of one leg."""
    return condition.kind is ConditionKind.PAUSED and not condition.leg_id
