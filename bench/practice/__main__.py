"""`make eval-practice`: how well practice is read, signal by signal, with OUT=file.json also as rows."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from analysis.practice.phrases import load
from bench.evaluation.measures import Figure
from bench.evaluation.sets import ROOT
from bench.practice.known import Call, Truth, calls
from bench.practice.readers import LeftOut, Listed, Network, Person, Reader
from bench.practice.repeated import REPEATED, repeated
from bench.practice.signals import Measured, measured
from bench.table import Row, row, write
from tools.labels.files import FileError

HELD_OUT_READINGS = ROOT / "tools" / "scorer" / "heldout-readings.json"

DATA, MAIA = ROOT.parent / "shared" / "data", "maia"
OF_REPEATED = ("MAIA", "Repeats")
SAME, OTHER = "hands, known", "hands, left out"
TARGETS = {
    # signal: on other hands, on the same hands
    "next": (0.78, 0.85),
    "verify": (0.78, 0.85),
    "ack": (0.65, 0.75),
    "specific": (0.65, None),
    "brush_off": (0.80, None),
    "defensive": (0.70, None),
    "over_promise": (0.75, None),
    "urgent": (0.65, None),
    "core, top 2": (0.85, None),
    "wish, where both decide": (0.80, None),
    "wish, decided at all": (0.60, None),
}
REPEATED_AUC = 0.90
HOLLOW_PRECISION, HOLLOW_RECALL = 0.8, 0.4

HEAD = ("set", "reader", "signal", "n", "precision", "recall", "F1", "", "AUC")
WIDTHS = (25, 16, 24, 6, 10, 8, 6, 12, 5)


def main() -> None:
    """Read the sets, let each reader read them, print each line when it is measured."""
    parser = argparse.ArgumentParser(prog="make eval-practice", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder that contains MAIA, if available")
    data: Path = parser.parse_args().data
    try:
        sets = {named: calls(named) for named in ("tests-hands", "tests", "tests-spanish")}
    except FileError as error:
        sys.exit(f"eval-practice: {error}")
    print(_line(HEAD), flush=True)
    rows: list[Row] = []
    for name, of, reader, truths, opening in _plan(sets):
        began = time.monotonic()
        for one in measured(of, reader, truths, opening):
            print(_line(_cells(name, type(reader).__name__, one)), flush=True)
            rows += _rows(name, type(reader).__name__, one)
        print(f"{name}, {type(reader).__name__}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    if (data / MAIA).is_dir():
        one = repeated(data / MAIA)
        print(_line(_cells(*OF_REPEATED, one)), flush=True)
        rows += _rows(*OF_REPEATED, one)
    else:
        print(f"skipping {REPEATED}: no folder {data / MAIA}; --data gives its parent folder", file=sys.stderr)
    print("Brackets: 95 % of resamples of the calls. * meets its target, ! misses it.")
    print("Truth is what is settled, in Spanish what the writer says; a person is the second hand against the first.")
    write(rows)


Line = tuple[str, Sequence[Call], Reader, Callable[[Call], Sequence[Truth]], Callable[[Call], str]]


def _plan(sets: dict[str, list[Call]]) -> Iterator[Line]:
    def settled(call: Call) -> Sequence[Truth]:
        return call.truth

    def first(call: Call) -> Sequence[Truth]:
        return call.first or ()

    def opening(call: Call) -> str:
        return call.opening

    hands, tests = sets["tests-hands"], sets["tests"]
    phrases = load()["en"]
    network, listed = Network(phrases), Listed(phrases)
    yield OTHER, hands, LeftOut(HELD_OUT_READINGS, phrases), settled, opening
    yield f"{OTHER}, no lists", hands, LeftOut(HELD_OUT_READINGS), settled, opening
    yield SAME, hands, network, settled, opening
    yield "hands", hands, listed, settled, opening
    both = [call for call in hands if call.first and call.second]
    yield "hands", both, Person(), first, lambda call: call.first_opening
    yield "tests", tests, network, settled, opening
    yield "tests", tests, listed, settled, opening
    yield "spanish", sets["tests-spanish"], Listed(load()["es"]), settled, opening


def _target(name: str, reader: str, signal: str) -> float | None:
    other, same = TARGETS.get(signal, (None, None))
    if (name, reader) == (OTHER, "LeftOut") or (name, reader) == ("tests", "Network"):
        return other
    return same if (name, reader) == (SAME, "Network") else None


def _cells(name: str, reader: str, of: Measured) -> tuple[str, ...]:
    target = _target(name, reader, of.signal)
    mark = "" if target is None or of.f1.value != of.f1.value else "*" if of.f1.value >= target else "!"
    interval = f"[{_number(of.f1.low)} {_number(of.f1.high)}]" if of.f1.low == of.f1.low else ""
    figures = (
        _number(of.precision.value),
        _number(of.recall.value),
        _number(of.f1.value) + mark,
        interval,
        _number(of.auc) + (("*" if of.auc >= REPEATED_AUC else "!") if of.signal == REPEATED else ""),
    )
    return (name, reader, of.signal, str(of.places), *figures)


def _rows(name: str, reader: str, of: Measured) -> Iterator[Row]:
    said = f"{name}, {reader}, {of.places} cases"
    for metric, figure in (("precision", of.precision), ("recall", of.recall), ("F1", of.f1), ("AUC", Figure(of.auc))):
        if figure.value == figure.value:
            spread = f", 95 % {figure.low:.3g} to {figure.high:.3g}" if figure.low == figure.low else ""
            target = _target(name, reader, of.signal) if metric == "F1" else None
            target = REPEATED_AUC if (of.signal, metric) == (REPEATED, "AUC") else target
            yield row(f"{of.signal}: {metric}", figure.value, "share", said + spread, at_least=target)


def _number(value: float) -> str:
    return "-" if value != value else f"{value:.2f}".removeprefix("0") if 0 <= value < 1 else f"{value:.3g}"


def _line(cells: Sequence[str]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, WIDTHS, strict=True)).rstrip()


if __name__ == "__main__":
    main()
