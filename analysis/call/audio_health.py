"""The health of a call's audio, as its bridge tells it and as the call's words show it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from prometheus_client import Counter

from analysis.call.swap import FIRST_TURNS, suspected
from analysis.turns.turn import Turn
from callbus import CallEvent, Condition, ConditionKind, Gap, Leg, Role
from callbus.messages.conditions import MAX_CONDITIONS, MAX_GAPS, UNITS

SWAPS = Counter(
    "callvane_party_swaps_suspected_total", "Calls whose parties seem to stand on each other's legs, by their words."
)


@dataclass(frozen=True, slots=True)
class Health:
    """What is the matter with a call now, and what of it was not recorded. Past their bounds the oldest go."""

    standing: tuple[Condition, ...] = ()
    """In the order in which they began."""
    gaps: tuple[Gap, ...] = ()
    """The pauses of the whole recording that are over, oldest first."""
    swap_told: bool = False
    """A swap of the parties is told once; other roles end it for good."""

    def after(self, event: CallEvent) -> Health:
        """What stands after an event; one that is told twice changes nothing the second time."""
        condition = event.condition
        others = self._without(condition.kind, condition.leg_id)
        if event.began:
            return replace(self, standing=(*others, condition)[-MAX_CONDITIONS:])
        return replace(self, standing=others, gaps=self._with_gap(condition, event.at_seconds))

    def closed(self, at_seconds: float) -> Health:
        """After the call's end: nothing stands any more, and a pause that went on is over."""
        paused = next((each for each in self.standing if _is_pause(each)), None)
        return replace(self, standing=(), gaps=self._with_gap(paused, at_seconds) if paused else self.gaps)

    def handed_over(self, at_seconds: float) -> Health:
        """Once another recording is heard: what the one so far was told of ends, what the words show stands."""
        shown = tuple(each for each in self.standing if each.kind is ConditionKind.PARTIES_SWAPPED)
        return replace(self.closed(at_seconds), standing=shown)

    def listened(self, turns: Sequence[Turn], at_seconds: float) -> Health:
        """After words were heard: those of a call's beginning may show that the parties are swapped."""
        if self.swap_told or not turns or turns[-1].number >= FIRST_TURNS or not (count := suspected(turns)):
            return self
        SWAPS.inc()
        kind = ConditionKind.PARTIES_SWAPPED
        condition = Condition(kind, "", Role.UNKNOWN, at_seconds, count, UNITS[kind])
        return replace(self, standing=(*self.standing, condition)[-MAX_CONDITIONS:], swap_told=True)

    def renamed(self, before: Sequence[Leg], legs: Sequence[Leg]) -> Health:
        """With other legs: conditions bear their roles; other roles end a suspicion that the parties are swapped."""
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
    """Of the whole recording, not of one leg."""
    return condition.kind is ConditionKind.PAUSED and not condition.leg_id
