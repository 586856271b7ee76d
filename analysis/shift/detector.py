"""The shift detector: a customer's smoothed score against their own opening. Pure: state in, state and shift out.

A worsening must be sustained (several turns), large (a threshold) and seen in the words themselves (each of those turns
is unhappy by its own evidence). It is a mark, and an interruption where the level falls further. A threat needs none of
this: one unhappy turn that holds it interrupts. A recovery needs one turn that is clearly pleased, after a worsened
shift or a fall that nearly was one. A call that opens upset is marked as that, not alerted: there is nothing to compare
it with.

The rules go with a scorer; the two thresholds are the ones to set, from budgets of false alarms.
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
    """How far for an interruption; never less than for a mark."""
    relief: float = 0.65
    """How far the level must rise above its lowest for a recovered shift."""
    fallen: float = math.inf
    """How far several turns must have lowered the level for a recovered shift without a worsened one: the relief then
    confirms the fall."""
    refractory_seconds: float = 60.0
    """Call time after a worsened shift in which there is no other, but for a mark that becomes an interruption."""
    smoothing: float = 0.5
    """Share of a full turn's evidence in the new level."""
    opening_turns: int = 2
    """Turns that make the baseline."""
    turns_agreeing: int = 2
    """Turns that must be unhappy by their own evidence for a worsened shift."""
    within_turns: int = 2
    """Latest turns among which those are looked for: a number given in the midst of anger does not end it."""
    arrived_upset: float = -1.9
    """A baseline at or below it is of a caller who was upset before the call."""
    unhappy: float = -0.5
    """A turn's own evidence, weighed, at or below which it counts towards worsening."""
    pleased: float = 0.3
    """A turn's own evidence, weighed, from which on it tells a recovery: silence after a storm is no proof of calm."""
    slight_weight: float = 0.4
    """A turn that weighs less ("yes") neither counts nor breaks a run."""


@dataclass(frozen=True, slots=True)
class ShiftState:
    """What the detector holds of one party after a turn."""

    mood: Mood = Mood.CALM
    level: float = 0.0
    baseline: float = 0.0
    opening_weight: float = 0.0
    opened: int = 0
    """Turns of weight in the opening so far."""
    lowest: float = 0.0
    """The lowest level since the party opened, worsened or recovered."""
    trough: tuple[int, ...] = ()
    """The latest turns that brought it there."""
    tier: Tier | None = None
    """Of the worsened shift that still stands: nothing comes on top of it but an interruption on a mark. None once the
    level was back near the baseline, or the party recovered."""
    threatened: bool = False
    """A threat has interrupted since the party last recovered."""
    run: tuple[int, ...] = ()
    """The latest turns, by number, that agree on a move."""
    run_kind: ShiftKind | None = None
    """Which way they agree."""
    latest: tuple[int, ...] = ()
    """The latest turns of weight, by number: what is not among them leaves the run."""
    reference: tuple[int, ...] = ()
    """The turns that show the party as they were before the next shift."""
    origin: tuple[int, ...] = ()
    """The same before the latest worsened shift."""
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
    """How far the level had to move for it; 0 for a threat."""
    before: tuple[int, ...]
    """Turns, by number, that show where it came from; none where the call begins with a threat."""
    after: tuple[int, ...]
    """The turns that moved it, the latest last."""
    marked: int | None = None
    """The turn that had made it a mark, where it becomes an interruption."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one turn says."""

    turn: int
    log_odds: float
    """-3 to 3, before weighing."""
    weight: float
    """0 to 1."""
    at_seconds: float
    """Call time at which its words ended."""
    threat: bool = False
    """Whether it says what the caller is going to do about it."""

    @property
    def value(self) -> float:
        """Log-odds, weighed."""
        return self.log_odds * self.weight


def step(state: ShiftState, evidence: Evidence, rules: ShiftRules) -> tuple[ShiftState, Shift | None]:
    """The state after a turn, and the shift that the turn completed, if any."""
    if state.opened < rules.opening_turns:
        return _worsen(_open(state, evidence, rules), evidence, rules)
    level = state.level + rules.smoothing * evidence.weight * (evidence.log_odds - state.level)
    if level < state.lowest:
        state = replace(state, lowest=level, trough=(*state.trough, evidence.turn)[-rules.within_turns :])
    state = replace(state, level=level)
    if level >= state.baseline - rules.threshold / 2:
        state = replace(state, tier=None)
    if state.mood is Mood.ARRIVED_UPSET:
        state = _settle(state, evidence, rules)
    elif evidence.value >= rules.pleased and level - state.lowest >= rules.relief and _was_down(state, rules):
        return _recover(state, evidence, rules)
    else:
        unhappy = evidence.value <= rules.unhappy
        state = _counted(state, evidence, rules, ShiftKind.WORSENED if unhappy else None)
    return _worsen(state, evidence, rules)


def after_alert(raised: ShiftState, before: ShiftState) -> ShiftState:
    """The state to score the rest of a turn from, once its first words raised an alert.

    Words that the turn gains move the level anew from where it stood before the turn, and raise nothing twice.
    """
    lowest = raised.lowest if raised.mood is Mood.RECOVERED else before.level
    return replace(raised, level=before.level, lowest=lowest, trough=())


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
    state = _counted(state, evidence, rules, ShiftKind.WORSENED if evidence.value <= rules.unhappy else None)
    upset = state.opened == rules.opening_turns and baseline <= rules.arrived_upset and state.mood is Mood.CALM
    return replace(state, mood=Mood.ARRIVED_UPSET) if upset else state


def _counted(state: ShiftState, evidence: Evidence, rules: ShiftRules, kind: ShiftKind | None) -> ShiftState:
    """The run with this turn in it, for as long as its turns are among the latest of weight."""
    if evidence.weight < rules.slight_weight:
        return state
    latest = (*state.latest, evidence.turn)[-rules.within_turns :]
    earlier = tuple(turn for turn in state.run if turn in latest) if kind in (None, state.run_kind) else ()
    run = (*earlier, evidence.turn) if kind else earlier
    return replace(state, run=run, run_kind=kind or state.run_kind, latest=latest)


def _settle(state: ShiftState, evidence: Evidence, rules: ShiftRules) -> ShiftState:
    """Who arrived upset and calms down begins anew from there; nobody is told."""
    calmer = state.level - state.baseline >= rules.threshold and evidence.value > rules.unhappy
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
    """The worsened shift that a turn completes: a new one, or a mark that becomes an interruption."""
    if evidence.value > rules.unhappy:
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
    """What the level and the unhappy turns before it amount to, and the threshold that says so."""
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
