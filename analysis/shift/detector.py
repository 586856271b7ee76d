"""The shift detector: compares a customer's smoothed score with their own opening. Pure: state in, state and shift out.

A worsening must be sustained (several turns), large (a threshold) and visible in the words themselves (each of those
turns is unhappy by its own evidence). It is a mark, or an interruption if the level falls further. A threat needs none
of this: one unhappy turn with a threat interrupts. A recovery needs one clearly pleased turn, after a worsened shift or
a fall that nearly was one. A call that opens upset is marked as such and raises no alert: there is nothing to compare
it with.

The rules belong to a scorer. Set only the two thresholds, from budgets of false alarms.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from callbus import Mood, ShiftKind, Tier


@dataclass(frozen=True, slots=True)
class ShiftRules:
    """What counts as a shift. Scores in log-odds, negative is unhappy."""

    threshold: float = 0.65
    """How far the level must fall below the baseline for a mark."""
    interruption: float = 1.6
    """The same for an interruption; never less than for a mark."""
    relief: float = 0.65
    """How far the level must rise above its lowest for a recovered shift."""
    fallen: float = math.inf
    """How far several turns must have lowered the level for a recovered shift without a worsened one: the relief then
    confirms the fall."""
    refractory_seconds: float = 60.0
    """Call time after a worsened shift without another one, except a mark that becomes an interruption."""
    smoothing: float = 0.5
    """Weight of a full turn's evidence in the new level, 0 to 1."""
    opening_turns: int = 2
    """Turns that set the baseline; fewer if the caller opens calmly and then turns."""
    turns_agreeing: int = 2
    """Turns that must be unhappy by their own evidence for a worsened shift."""
    within_turns: int = 2
    """They must be among this many latest turns, so that a number dictated in the midst of anger does not end it."""
    arrived_upset: float = -1.9
    """At or below this baseline the caller was upset before the call."""
    unhappy: float = -0.5
    """At or below this evidence a turn counts towards worsening."""
    pleased: float = 0.3
    """At or above this evidence a turn shows a recovery: silence after a storm does not prove calm."""
    slight_weight: float = 0.4
    """A turn of less weight ("yes", or words that were hardly heard) neither counts nor breaks a run. Weight decides
    whether a turn counts and how far it moves the level; whether it is unhappy is for what it says."""


@dataclass(frozen=True, slots=True)
class ShiftState:
    """The detector's state for one party after a turn."""

    mood: Mood = Mood.CALM
    level: float = 0.0
    baseline: float = 0.0
    opening_weight: float = 0.0
    opened: int = 0
    """Weighty turns in the opening so far."""
    lowest: float = 0.0
    """The lowest level since the party opened, worsened or recovered."""
    trough: tuple[int, ...] = ()
    """The latest turns that lowered it."""
    tier: Tier | None = None
    """Tier of the current worsened shift: only an interruption may follow, on a mark. None once the level is back near
    the baseline, or the party has recovered."""
    threatened: bool = False
    """A threat has interrupted since the party last recovered."""
    run: tuple[int, ...] = ()
    """The latest turns, by number, that agree on a direction."""
    run_kind: ShiftKind | None = None
    """Their direction."""
    latest: tuple[int, ...] = ()
    """The latest weighty turns, by number: other turns leave the run."""
    reference: tuple[int, ...] = ()
    """The turns that show the party before the next shift."""
    origin: tuple[int, ...] = ()
    """The same for the latest worsened shift."""
    worsened_at: float | None = None
    """Call time of the latest worsened shift."""
    marked: int | None = None
    """The turn that completed it."""


@dataclass(frozen=True, slots=True)
class Shift:
    """A sustained move, or a threat."""

    kind: ShiftKind
    tier: Tier
    threshold: float
    """How far the level had to move; 0 for a threat."""
    before: tuple[int, ...]
    """Turns, by number, that show the earlier mood; none if the call starts with a threat."""
    after: tuple[int, ...]
    """The turns that caused the shift, the latest last."""
    marked: int | None = None
    """The turn that completed the mark, if the mark becomes an interruption."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence of one turn."""

    turn: int
    log_odds: float
    """-3 to 3, unweighted."""
    weight: float
    """0 to 1."""
    at_seconds: float
    """Call time at which the turn's words ended."""
    threat: bool = False
    """Whether it says what the caller will do about it."""

    @property
    def value(self) -> float:
        """Weighted log-odds."""
        return self.log_odds * self.weight

    def is_unhappy(self, rules: ShiftRules) -> bool:
        """Whether the turn counts towards worsening."""
        return self.weight >= rules.slight_weight and self.log_odds <= rules.unhappy

    def is_pleased(self, rules: ShiftRules) -> bool:
        """Whether the turn shows a recovery."""
        return self.weight >= rules.slight_weight and self.log_odds >= rules.pleased


def step(state: ShiftState, evidence: Evidence, rules: ShiftRules) -> tuple[ShiftState, Shift | None]:
    """The state after a turn, and the shift the turn completed, if any."""
    if state.opened < rules.opening_turns:
        if not _turns_at_once(state, evidence, rules):
            return _worsen(_open(state, evidence, rules), evidence, rules)
        state = replace(state, opened=rules.opening_turns)
    level = state.level + rules.smoothing * evidence.weight * (evidence.log_odds - state.level)
    if level < state.lowest:
        state = replace(state, lowest=level, trough=(*state.trough, evidence.turn)[-rules.within_turns :])
    state = replace(state, level=level)
    if level >= state.baseline - rules.threshold / 2:
        state = replace(state, tier=None)
    if state.mood is Mood.ARRIVED_UPSET:
        state = _settle(state, evidence, rules)
    elif evidence.is_pleased(rules) and level - state.lowest >= rules.relief and _was_down(state, rules):
        return _recover(state, evidence, rules)
    else:
        state = _counted(state, evidence, rules, ShiftKind.WORSENED if evidence.is_unhappy(rules) else None)
    return _worsen(state, evidence, rules)


def after_alert(raised: ShiftState, before: ShiftState) -> ShiftState:
    """The state for scoring the rest of a turn whose first words raised an alert.

    More words of the turn move the level again from where it was before the turn, and raise nothing twice.
    """
    lowest = raised.lowest if raised.mood is Mood.RECOVERED else before.level
    return replace(raised, level=before.level, lowest=lowest, trough=())


def _turns_at_once(state: ShiftState, evidence: Evidence, rules: ShiftRules) -> bool:
    """Whether an unhappy turn ends the opening: one calm turn is enough to compare it with."""
    return state.opened > 0 and state.baseline > rules.unhappy and evidence.is_unhappy(rules)


def _open(state: ShiftState, evidence: Evidence, rules: ShiftRules) -> ShiftState:
    weight = state.opening_weight + evidence.weight
    baseline = state.baseline
    if weight > 0:
        baseline += (evidence.log_odds - baseline) * evidence.weight / weight
    state = replace(state, baseline=baseline, level=baseline, lowest=baseline, opening_weight=weight)
    if evidence.weight < rules.slight_weight:
        return state
    reference = (*state.reference, evidence.turn)[-rules.opening_turns :]
    state = replace(state, opened=state.opened + 1, reference=reference)
    state = _counted(state, evidence, rules, ShiftKind.WORSENED if evidence.is_unhappy(rules) else None)
    upset = state.opened == rules.opening_turns and baseline <= rules.arrived_upset and state.mood is Mood.CALM
    return replace(state, mood=Mood.ARRIVED_UPSET) if upset else state


def _counted(state: ShiftState, evidence: Evidence, rules: ShiftRules, kind: ShiftKind | None) -> ShiftState:
    """The run including this turn, limited to the latest weighty turns."""
    if evidence.weight < rules.slight_weight:
        return state
    latest = (*state.latest, evidence.turn)[-rules.within_turns :]
    earlier = tuple(turn for turn in state.run if turn in latest) if kind in (None, state.run_kind) else ()
    run = (*earlier, evidence.turn) if kind else earlier
    return replace(state, run=run, run_kind=kind or state.run_kind, latest=latest)


def _settle(state: ShiftState, evidence: Evidence, rules: ShiftRules) -> ShiftState:
    """A caller who arrived upset and calms down starts afresh from there; nothing is reported."""
    calmer = state.level - state.baseline >= rules.threshold and evidence.log_odds > rules.unhappy
    state = _counted(state, evidence, rules, ShiftKind.RECOVERED if calmer else None)
    if not calmer or len(state.run) < rules.turns_agreeing:
        return state
    return replace(
        state,
        mood=Mood.CALM,
        baseline=state.level,
        lowest=state.level,
        trough=(),
        tier=None,
        reference=state.run,
        run=(),
    )


def _worsen(state: ShiftState, evidence: Evidence, rules: ShiftRules) -> tuple[ShiftState, Shift | None]:
    """The worsened shift completed by a turn: a new one, or a mark that becomes an interruption."""
    if not evidence.is_unhappy(rules):
        return state, None
    threat = evidence.threat and not state.threatened
    tier, threshold = (Tier.INTERRUPTION, 0.0) if threat else _fallen(state, rules)
    grows = state.tier is Tier.MARK and tier is Tier.INTERRUPTION
    rested = state.worsened_at is None or evidence.at_seconds - state.worsened_at >= rules.refractory_seconds
    if tier is None or not (grows or (state.tier is None and rested)):
        return state, None
    moved = state.run if evidence.turn in state.run and state.run_kind is ShiftKind.WORSENED else (evidence.turn,)
    origin = state.origin if grows else tuple(turn for turn in state.reference if turn not in moved)
    if grows:
        moved = (*(turn for turn in state.reference if turn not in moved), *moved)
    worsened = replace(
        state,
        mood=Mood.WORSENED,
        lowest=state.level,
        tier=tier,
        threatened=state.threatened or threat,
        run=(),
        reference=moved[-rules.within_turns :],
        origin=origin,
        worsened_at=evidence.at_seconds,
        marked=evidence.turn,
    )
    return worsened, Shift(ShiftKind.WORSENED, tier, threshold, origin, moved, state.marked if grows else None)


def _fallen(state: ShiftState, rules: ShiftRules) -> tuple[Tier | None, float]:
    """The tier reached by the level and the run of unhappy turns, and its threshold."""
    if state.mood is Mood.ARRIVED_UPSET or state.opened < rules.opening_turns:
        return None, 0.0
    fallen = state.baseline - state.level
    deep = max(rules.interruption, rules.threshold)
    if state.tier is Tier.MARK:
        return (Tier.INTERRUPTION, deep) if fallen >= deep else (None, 0.0)
    if len(state.run) < rules.turns_agreeing or fallen < rules.threshold:
        return None, 0.0
    return (Tier.INTERRUPTION, deep) if fallen >= deep else (Tier.MARK, rules.threshold)


def _was_down(state: ShiftState, rules: ShiftRules) -> bool:
    if state.mood is Mood.WORSENED:
        return True
    return len(state.trough) >= rules.turns_agreeing and state.baseline - state.lowest >= rules.fallen


def _recover(state: ShiftState, evidence: Evidence, rules: ShiftRules) -> tuple[ShiftState, Shift | None]:
    low = state.reference if state.mood is Mood.WORSENED else state.trough
    shift = Shift(ShiftKind.RECOVERED, Tier.MARK, rules.relief, low, (evidence.turn,))
    recovered = replace(
        state,
        mood=Mood.RECOVERED,
        lowest=state.level,
        trough=(),
        tier=None,
        threatened=False,
        run=(),
        latest=(*state.latest, evidence.turn)[-rules.within_turns :],
        reference=shift.after,
    )
    return recovered, shift
