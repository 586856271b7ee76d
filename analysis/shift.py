"""The shift detector: a customer's smoothed score against their own opening. Pure: state in, state and shift out.

A shift must be sustained (several turns), large (the threshold) and seen in the words themselves (each of those turns
is unhappy, or pleased, by its own evidence). A call that opens upset is marked, not alerted: there is nothing to
compare it with. The rules go with a scorer; `threshold` is the one to set, from a budget of false alarms.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from callbus import Mood, ShiftKind


@dataclass(frozen=True, slots=True)
class ShiftRules:
    """What counts as a shift. Scores in log-odds, negative is unhappy."""

    threshold: float = 0.65
    """How far the level must leave the baseline (or, to recover, its lowest point)."""
    refractory_seconds: float = 60.0
    """Call time after a worsened shift in which there is no other."""
    smoothing: float = 0.5
    """Share of a full turn's evidence in the new level."""
    opening_turns: int = 2
    """Turns that make the baseline."""
    turns_agreeing: int = 2
    """Turns that must be unhappy by their own evidence for a worsened shift."""
    within_turns: int = 2
    """Latest turns among which those are looked for: a number given in the midst of anger does not end it."""
    recovering_turns: int = 2
    """Turns running that must be pleased for a recovered shift."""
    arrived_upset: float = -1.9
    """A baseline at or below it is of a caller who was upset before the call."""
    unhappy: float = -0.5
    """A turn's own evidence, weighed, at or below which it counts towards worsening."""
    pleased: float = 0.3
    """The same towards recovery: silence after a storm is no proof of calm."""
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
    """The lowest level since the party worsened."""
    armed: bool = True
    """Whether a worsened shift can come: not again until the level was back near the baseline."""
    run: tuple[int, ...] = ()
    """The latest turns, by number, that agree on a move."""
    run_kind: ShiftKind | None = None
    """Which way they agree."""
    latest: tuple[int, ...] = ()
    """The latest turns of weight, by number: what is not among them leaves the run."""
    reference: tuple[int, ...] = ()
    """The turns that show the party as they were before the next shift."""
    worsened_at: float | None = None
    """Call time of the latest worsened shift."""


@dataclass(frozen=True, slots=True)
class Shift:
    """A sustained move."""

    kind: ShiftKind
    before: tuple[int, ...]
    """Turns, by number, that show where it came from."""
    after: tuple[int, ...]
    """The turns that moved it, the latest last."""


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

    @property
    def value(self) -> float:
        """Log-odds, weighed."""
        return self.log_odds * self.weight


def step(state: ShiftState, evidence: Evidence, rules: ShiftRules) -> tuple[ShiftState, Shift | None]:
    """The state after a turn, and the shift that the turn completed, if any."""
    if state.opened < rules.opening_turns:
        return _open(state, evidence, rules), None
    level = state.level + rules.smoothing * evidence.weight * (evidence.log_odds - state.level)
    state = replace(state, level=level, lowest=min(state.lowest, level))
    if level >= state.baseline - rules.threshold / 2:
        state = replace(state, armed=True)
    match state.mood:
        case Mood.ARRIVED_UPSET:
            return _settle(state, evidence, rules), None
        case Mood.WORSENED:
            risen = level - state.lowest >= rules.threshold and evidence.value >= rules.pleased
            if risen:
                return _recover(_counted(state, evidence, rules, ShiftKind.RECOVERED), rules)
    # A party marked as worsened that came back quietly is armed: it can worsen again.
    unhappy = evidence.value <= rules.unhappy
    state = _counted(state, evidence, rules, ShiftKind.WORSENED if unhappy else None)
    if unhappy and state.armed and state.baseline - level >= rules.threshold:
        return _worsen(state, evidence, rules)
    return state, None


def after_alert(raised: ShiftState, before: ShiftState) -> ShiftState:
    """The state to score the rest of a turn from, once its first words raised an alert.

    Words that the turn gains move the level anew from where it stood before the turn, and raise nothing twice.
    """
    return replace(raised, level=before.level, lowest=before.level)


def _open(state: ShiftState, evidence: Evidence, rules: ShiftRules) -> ShiftState:
    weight = state.opening_weight + evidence.weight
    baseline = state.baseline
    if weight > 0:
        baseline += (evidence.log_odds - baseline) * evidence.weight / weight
    state = replace(state, baseline=baseline, level=baseline, lowest=baseline, opening_weight=weight)
    if evidence.weight < rules.slight_weight:
        return state
    state = replace(state, opened=state.opened + 1, reference=(*state.reference, evidence.turn))
    state = _counted(state, evidence, rules, ShiftKind.WORSENED if evidence.value <= rules.unhappy else None)
    upset = state.opened == rules.opening_turns and baseline <= rules.arrived_upset
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
    return replace(state, mood=Mood.CALM, baseline=state.level, armed=True, reference=state.run, run=())


def _worsen(state: ShiftState, evidence: Evidence, rules: ShiftRules) -> tuple[ShiftState, Shift | None]:
    since = evidence.at_seconds - state.worsened_at if state.worsened_at is not None else rules.refractory_seconds
    if len(state.run) < rules.turns_agreeing or since < rules.refractory_seconds:
        return state, None
    shift = Shift(ShiftKind.WORSENED, state.reference, state.run)
    worsened = replace(
        state,
        mood=Mood.WORSENED,
        lowest=state.level,
        armed=False,
        run=(),
        reference=state.run,
        worsened_at=evidence.at_seconds,
    )
    return worsened, shift


def _recover(state: ShiftState, rules: ShiftRules) -> tuple[ShiftState, Shift | None]:
    if len(state.run) < rules.recovering_turns:
        return state, None
    shift = Shift(ShiftKind.RECOVERED, state.reference, state.run)
    return replace(state, mood=Mood.RECOVERED, armed=True, run=(), reference=state.run), shift
