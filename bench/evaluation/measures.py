"""Figures of played dialogues, with intervals from resampling the dialogues."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import mean

import numpy as np
from numpy.typing import NDArray

from bench.evaluation.gold import gold, has_turned, match, withdrawals
from bench.evaluation.playing import Played

RESAMPLES = 500
CHANCES = 100
FIRST_TURN_TO_ALARM = 1

WITHDRAWN = "alarms withdrawn, rightly less wrongly"
"""Share of worsened alarms, -1 to 1. After "forecast recovery", with which ConvoKit's Forecaster measures whether a
model revises itself (Tran et al. 2025, arXiv:2507.19470): the share of conversations whose forecast of derailment is
withdrawn and which do not derail, less that of those which do. There a conversation derails or not, and its last
forecast counts. Here the customer's mood after each withdrawal decides (gold.withdrawals), and alarms are counted."""

Floats = NDArray[np.float64]
Runs = Sequence[Sequence[Played]]
"""The same dialogues in the same order, played once or with several word errors, of which figures are the mean."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with its 95 % interval; nan if there is nothing to count."""

    value: float
    low: float = float("nan")
    high: float = float("nan")


COUNTED = (
    "turns",
    "hours",
    "onsets",
    "onsets found",
    "alarms",
    "late alarms",
    "recoveries",
    "recoveries found",
    "recovery alarms",
    "rightly withdrawn",
    "wrongly withdrawn",
    "calm dialogues",
    "calm dialogues alarmed",
    "calm hours",
    "alarms in calm dialogues",
)


def count(played: Played) -> tuple[float, ...]:
    """What a dialogue adds to the sums, in the order of COUNTED.

    An alarm is late if it finds no onset but lies in a stretch that has one: the caller did turn, more than two turns
    ago. It counts against precision and F1, like a miss, but is not a false alarm.
    """
    known = gold(played.labels)
    found = {alarm for _, alarm in match(known.onsets, played.worsened)}
    hours = played.seconds / 3600
    return (
        len(played.labels),
        hours,
        len(known.onsets),
        len(found),
        len(played.worsened),
        sum(turn not in found and has_turned(known, turn) for turn in played.worsened),
        len(known.recoveries),
        len(match(known.recoveries, played.recovered)),
        len(played.recovered),
        *withdrawals(known, played.worsened, played.recovered),
        known.calm,
        known.calm and bool(played.worsened),
        hours * known.calm,
        len(played.worsened) * known.calm,
    )


def share(part: float, whole: float) -> float:
    """Part of whole; nan if the whole is 0."""
    return part / whole if whole else float("nan")


def f1(found: float, alarms: float, wanted: float) -> float:
    """Harmonic mean of precision and recall."""
    return share(2 * found, alarms + wanted)


Sums = dict[str, float]


def _false(of: Sums) -> float:
    return round(of["alarms"] - of["onsets found"] - of["late alarms"], 6)


FIGURES: dict[str, tuple[str, Callable[[Sums], float]]] = {
    "onset precision": ("share", lambda s: share(s["onsets found"], s["alarms"])),
    "onset recall": ("share", lambda s: share(s["onsets found"], s["onsets"])),
    "onset F1": ("F1", lambda s: f1(s["onsets found"], s["alarms"], s["onsets"])),
    "recovery precision": ("share", lambda s: share(s["recoveries found"], s["recovery alarms"])),
    "recovery recall": ("share", lambda s: share(s["recoveries found"], s["recoveries"])),
    "recovery F1": ("F1", lambda s: f1(s["recoveries found"], s["recovery alarms"], s["recoveries"])),
    "recovery cases": ("recoveries", lambda s: s["recoveries"]),
    WITHDRAWN: ("share", lambda s: share(s["rightly withdrawn"] - s["wrongly withdrawn"], s["alarms"])),
    "alarms rightly withdrawn": ("share", lambda s: share(s["rightly withdrawn"], s["alarms"])),
    "alarms wrongly withdrawn": ("share", lambda s: share(s["wrongly withdrawn"], s["alarms"])),
    "false alarms": ("per 100 turns", lambda s: 100 * share(_false(s), s["turns"])),
    "late alarms": ("per 100 turns", lambda s: 100 * share(s["late alarms"], s["turns"])),
    "false alarms by time": ("per call-hour", lambda s: share(_false(s), s["hours"])),
    "false alarms in calm calls": ("per call-hour", lambda s: share(s["alarms in calm dialogues"], s["calm hours"])),
    "calm dialogues alarmed": ("share", lambda s: share(s["calm dialogues alarmed"], s["calm dialogues"])),
}


def sums(played: Sequence[Played]) -> Sums:
    """The counts, summed over all dialogues."""
    return dict(zip(COUNTED, np.array([count(each) for each in played], dtype=float).sum(0).tolist(), strict=True))


def figures(runs: Runs, seed: int = 1) -> dict[str, Figure]:
    """Every figure in FIGURES, with its interval."""
    counts = np.array([[count(each) for each in played] for played in runs], dtype=float).mean(0)
    resampled = _resamples(len(counts), seed) @ counts
    of_resamples = [dict(zip(COUNTED, row, strict=True)) for row in resampled.tolist()]
    whole = dict(zip(COUNTED, counts.sum(0).tolist(), strict=True))
    return {
        name: _figure(measure(whole), [measure(each) for each in of_resamples])
        for name, (_, measure) in FIGURES.items()
    }


def auc_of_negative(runs: Runs, first: int = 0, seed: int = 1) -> Figure:
    """The chance that an unhappy customer turn scores below any other, across dialogues; turns before `first` are left
    out.
    """
    turns = [len(each.labels[first:]) for each in runs[0]]
    weights = [np.repeat(row, turns) for row in _resamples(len(turns), seed)[: RESAMPLES // 2]]
    values = []
    for played in runs:
        scores = np.concatenate([-np.array(each.log_odds[first:]) for each in played])
        positive = np.concatenate([np.array(each.labels[first:]) < 0 for each in played])
        values.append([auc(scores, positive), *(auc(scores, positive, row) for row in weights)])
    value, *resampled = np.mean(values, axis=0).tolist()
    return _figure(value, resampled)


def auc(scores: Floats, positive: NDArray[np.bool_], weights: Floats | None = None) -> float:
    """Area under the ROC curve; ties count half, and each score counts by its weight."""
    weights = np.ones(len(scores)) if weights is None else weights
    _, place = np.unique(scores, return_inverse=True)
    ups = np.bincount(place, weights * positive)
    downs = np.bincount(place, weights * ~positive)
    below = np.cumsum(downs) - downs
    return share(float((ups * (below + downs / 2)).sum()), float(ups.sum() * downs.sum()))


def delays(runs: Runs) -> tuple[float, float]:
    """Customer turns from onset to alarm: median and 90th percentile over the onsets found."""
    found = [
        alarm - onset
        for played in runs
        for each in played
        for onset, alarm in match(gold(each.labels).onsets, each.worsened)
    ]
    if not found:
        return float("nan"), float("nan")
    return float(np.median(found)), float(np.quantile(found, 0.9, method="higher"))


def chance_f1(runs: Runs, seed: int = 1) -> float:
    """Onset F1 of the same number of alarms at random turns."""
    return mean(_chance_f1(played, seed) for played in runs)


def _chance_f1(played: Sequence[Played], seed: int) -> float:
    dice = random.Random(seed)
    places = [(index, turn) for index, x in enumerate(played) for turn in range(FIRST_TURN_TO_ALARM, len(x.labels))]
    onsets = [gold(each.labels).onsets for each in played]
    alarms = min(sum(len(each.worsened) for each in played), len(places))
    values = []
    for _ in range(CHANCES):
        drawn: dict[int, list[int]] = {}
        for index, turn in sorted(dice.sample(places, alarms)):
            drawn.setdefault(index, []).append(turn)
        found = sum(len(match(onsets[index], turns)) for index, turns in drawn.items())
        values.append(f1(found, alarms, sum(map(len, onsets))))
    return mean(values)


def _resamples(items: int, seed: int) -> Floats:
    """How often each item is drawn in each resample, shape (RESAMPLES, items)."""
    return np.random.default_rng(seed).multinomial(items, np.full(items, 1 / items), RESAMPLES).astype(float)


def _figure(value: float, resampled: Sequence[float]) -> Figure:
    known = [each for each in resampled if not np.isnan(each)]
    return Figure(value, *(float(x) for x in np.quantile(known, (0.025, 0.975)))) if known else Figure(value)
