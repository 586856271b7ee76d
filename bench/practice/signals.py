"""Each signal's figures for one reader on one set, with intervals from resampling the calls."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.practice.intake import READY_SECONDS
from analysis.turns.reading import READ_ACTS
from bench.evaluation.measures import RESAMPLES, Figure, auc, share
from bench.practice.known import UNHAPPY, Call, Truth, customers
from bench.practice.readers import Reader, readings, top
from callbus import Wish

SEEN = 0.5
"""The chance from which something counts as seen."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Measured:
    """One signal."""

    signal: str
    places: int
    """Turns or openings that have it; for a choice, those judged."""
    precision: Figure
    recall: Figure
    f1: Figure
    """For a choice, the share that is right."""
    auc: float
    """nan for a choice, and for a reader that says only yes or no."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A label of the turns of all calls."""

    chance: Floats
    true: NDArray[np.bool_]
    call: NDArray[np.int64]


def measured(
    calls: Sequence[Call], reader: Reader, truths: Callable[[Call], Sequence[Truth]], opening: Callable[[Call], str]
) -> Iterator[Measured]:
    """Every signal that the reader says something of."""
    read = [readings(call, reader) for call in calls]
    acts: dict[str, list[tuple[float, bool, int]]] = {act.value: [] for act in READ_ACTS}
    acts["hollow"] = []
    urgent: list[tuple[float, bool, int]] = []
    cores: list[tuple[tuple[str, ...], tuple[str, ...], int]] = []
    wishes: list[tuple[Wish, str, int]] = []
    for index, (call, (agents, told)) in enumerate(zip(calls, read, strict=True)):
        true = truths(call)
        for number, agent in agents.items():
            for act in READ_ACTS:
                acts[act].append((agent.acts.get(act, 0.0), act in true[number].acts, index))
            if not math.isnan(agent.hollow):
                acts["hollow"].append((agent.hollow, true[number].hollow, index))
        for number, customer in told.items():
            urgent.append((customer.urgent, true[number].urgent, index))
            if true[number].cores and customer.cores:
                cores.append((top(customer.cores, UNHAPPY, 2), true[number].cores, index))
        last = _opening_turn(call)
        if last in told and told[last].wish:
            wishes.append((_wish(told[last].wish), opening(call), index))
    for name, rows in (*acts.items(), ("urgent", urgent)):
        if rows:
            yield found(name, rows, len(calls))
    if cores:
        for count in (1, 2):
            right = [(any(core in true for core in said[:count]), index) for said, true, index in cores]
            yield _right(f"core, top {count}", right, len(calls))
    if wishes:
        decided = [(wish.upper() == true, index) for wish, true, index in wishes if wish is not Wish.UNCLEAR]
        clear = [
            (wish.upper() == true, index)
            for wish, true, index in wishes
            if wish is not Wish.UNCLEAR and true != "UNCLEAR"
        ]
        yield _right("wish, where both decide", clear, len(calls))
        yield _right("wish, where it decides", decided, len(calls))
        yield _right(
            "wish, decided at all", [(wish is not Wish.UNCLEAR, index) for wish, _, index in wishes], len(calls)
        )


def _wish(chances: Mapping[Wish, float]) -> Wish:
    return next((wish for wish in Wish if chances.get(wish, 0.0) > SEEN), Wish.UNCLEAR)


def _opening_turn(call: Call) -> int:
    """The customer's turn in which the opening is over, or their last."""
    seconds, last = 0.0, -1
    for number in customers(call):
        last = number
        seconds += call.turns[number].end_seconds - call.turns[number].start_seconds
        if seconds >= READY_SECONDS:
            break
    return last


def found(name: str, rows: Sequence[tuple[float, bool, int]], calls: int) -> Measured:
    chance = np.array([row[0] for row in rows])
    true = np.array([row[1] for row in rows], dtype=bool)
    call = np.array([row[2] for row in rows])
    seen = chance >= SEEN
    counts = np.zeros((calls, 3))
    for column, marks in enumerate((seen & true, seen, true)):
        counts[:, column] = np.bincount(call, marks, minlength=calls)
    measures = (
        lambda s: share(s[0], s[1]),
        lambda s: share(s[0], s[2]),
        lambda s: share(2 * s[0], s[1] + s[2]),
    )
    drawn = _draws(calls) @ counts
    precision, recall, f1 = (_figure(measure, counts.sum(0), drawn) for measure in measures)
    graded = len(np.unique(chance)) > 3
    return Measured(
        name, int(true.sum()), precision, recall, f1, auc(chance, true) if graded and true.any() else np.nan
    )


def _right(name: str, rows: Sequence[tuple[bool, int]], calls: int) -> Measured:
    counts = np.zeros((calls, 2))
    for right, index in rows:
        counts[index] += right, 1
    nothing = Figure(np.nan)
    figure = _figure(lambda s: share(s[0], s[1]), counts.sum(0), _draws(calls) @ counts)
    return Measured(name, len(rows), nothing, nothing, figure, np.nan)


def _draws(calls: int) -> Floats:
    return np.random.default_rng(1).multinomial(calls, np.full(calls, 1 / calls), RESAMPLES).astype(float)


def _figure(measure: Callable[[Floats], float], whole: Floats, drawn: Floats) -> Figure:
    known = [value for row in drawn if not np.isnan(value := measure(row))]
    return (
        Figure(measure(whole), *(float(x) for x in np.quantile(known, (0.025, 0.975))))
        if known
        else Figure(measure(whole))
    )
