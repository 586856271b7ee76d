"""Calibrates probabilities: a temperature, a bias for each feeling, and a reliability table."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from analysis.scorers.outputs import AT_ACTS, AT_FEELINGS, AT_HOLLOW, AT_URGENT, OUTPUTS
from analysis.scorers.shipped import NEVER

Floats = NDArray[np.float64]
BINS = 10
LEAST_PRECISION = 0.5
HOLLOW_PRECISION = 0.8
"""Of hollow turns: to be told so without cause hurts more than one that is not found."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Logits become probabilities as softmax((logits + biases) / temperature)."""

    temperature: float
    biases: tuple[float, float, float]
    shifts: tuple[float, ...] = (0.0,) * OUTPUTS
    """Added to each of the network's outputs: a label that a turn may have or not is found at 0 and above."""


PLAIN = Calibration(1.0, (0.0, 0.0, 0.0))


def probabilities(logits: Floats, calibration: Calibration) -> Floats:
    """Probabilities of the feelings, shape (turns, 3)."""
    warm = (logits + np.array(calibration.biases)) / calibration.temperature
    raised = np.exp(warm - warm.max(1, keepdims=True))
    shares: Floats = raised / raised.sum(1, keepdims=True)
    return shares


def fitted(logits: Floats, labels: NDArray[np.int64]) -> Calibration:
    """The calibration under which the labels (0, 1, 2) are most likely, by a search with shrinking steps."""
    rows = np.arange(len(labels))

    def cost(at: tuple[float, float, float]) -> float:
        tried = Calibration(float(np.exp(at[0])), (at[1], 0.0, at[2]))
        return float(-np.log(probabilities(logits, tried)[rows, labels] + 1e-12).mean())

    best, step = (0.0, 0.0, 0.0), 0.5
    least = cost(best)
    while step > 0.005:
        around = [(best[0] + a * step, best[1] + b * step, best[2] + c * step) for a, b, c in _AROUND]
        costs = [cost(at) for at in around]
        if min(costs) < least:
            least, best = min(zip(costs, around, strict=True))
        else:
            step /= 2
    return Calibration(round(float(np.exp(best[0])), 4), (round(best[1], 4), 0.0, round(best[2], 4)))


def calibrated(logits: Floats, shares: Floats) -> Calibration:
    """The calibration of all outputs, each over the turns on whose label the hands agree; shape (turns, OUTPUTS)."""
    agreed = np.isin(shares[:, AT_FEELINGS], (0, 1)).all(1)
    feelings = fitted(logits[agreed, AT_FEELINGS], shares[agreed, AT_FEELINGS].argmax(1))
    shifts = [0.0] * OUTPUTS
    for where in (AT_URGENT, AT_ACTS, AT_HOLLOW):
        for output in range(where.start, where.stop):
            known = np.isin(shares[:, output], (0, 1))
            least = HOLLOW_PRECISION if where == AT_HOLLOW else LEAST_PRECISION
            shifts[output] = best_shift(logits[known, output], shares[known, output] == 1, least)
    return replace(feelings, shifts=tuple(shifts))


def best_shift(logits: Floats, true: NDArray[np.bool_], least_precision: float = LEAST_PRECISION) -> float:
    """What to add to a label's logits for the best F1 of those above 0, at least such a share of them right.

    NEVER if that cannot be had: such a label is not told. 0 if no turn has it.
    """
    if not true.any():
        return 0.0
    order = np.argsort(-logits)
    found = np.cumsum(true[order])
    told = np.arange(1, len(true) + 1)
    f1 = np.where(found >= least_precision * told, 2 * found / (told + true.sum()), 0.0)
    at = int(f1.argmax())
    if not f1[at]:
        return NEVER
    least = float(logits[order[at]])
    below = float(logits[order[at + 1]]) if at + 1 < len(order) else least - 1
    return round(-(least + below) / 2, 4)


_AROUND = [(a, b, c) for a in (-1, 0, 1) for b in (-1, 0, 1) for c in (-1, 0, 1) if (a, b, c) != (0, 0, 0)]


def reliability(said: Floats, true: NDArray[np.bool_]) -> tuple[str, float]:
    """A table of predicted and true shares, and the mean gap between them, weighted by turns."""
    lines = ["said       turns  said, mean  true"]
    gap = 0.0
    for number in range(BINS):
        low, high = number / BINS, (number + 1) / BINS
        chosen = (said >= low) & ((said < high) if number < BINS - 1 else (said <= 1))
        if chosen.any():
            mean, share = float(said[chosen].mean()), float(true[chosen].mean())
            gap += abs(mean - share) * chosen.sum() / len(said)
            lines.append(f"{low:.1f}-{high:.1f} {int(chosen.sum()):8d} {mean:11.3f} {share:5.3f}")
    return "\n".join(lines), float(gap)
