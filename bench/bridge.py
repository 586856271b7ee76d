"""`make bench-bridge`: how many forked calls one bridge process holds on one core, and what they cost.

The bridge runs on one core; Redis, the balancer and the callers (testcall in a separate process, SIP and RTP at 50
packets a second per stream, open loop) share the others. Each size is placed, left to settle, then measured: with
pjsua2 alone, with no Python touching the audio; with a bridge; and with two bridges on the same core behind one
address. Then follow the highest rate of new calls at which all are answered and ended without a failure, and thousands
of short calls beside held ones: their effect on the held calls, and what they leave behind.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence

from bench.load import SHORT_SECONDS, Held, hold, short_calls, short_calls_beside
from bench.subject import bare, bridge, bridges, why_no_bridges
from bench.table import Row, row, show
from testcall.campaign import allow_many_sockets

RATE_SECONDS = 10.0
SHORT_CALLS_PER_SECOND = 75.0
HELD_CALLS = 200
"""Held beside the short calls."""
WARM_UP_CALLS = 3_000
"""40 s of them: the library remembers an answered call for 32 s (RFC 6026, timer L)."""
RATIO_CALLS = 400
"""From this size on the ratio has a target: below, a process's own base load weighs too much."""


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(
        prog="make bench-bridge", description=__doc__.partition("\n\n")[0] if __doc__ else ""
    )
    parser.add_argument("--calls", default="50,100,200,400,500", help="sizes, comma-separated (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=15.0, help="measured at each size (default: %(default)s)")
    parser.add_argument("--rates", default="50,75,100,150,200", help="new calls a second to try (default: %(default)s)")
    parser.add_argument("--short-calls", type=int, default=10_000, help="beside held ones (default: %(default)s)")
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise SystemExit("needs two cores: one for the bridge, one for its callers")
    os.sched_setaffinity(0, cores[1:])
    allow_many_sockets()
    if reason := why_no_bridges():
        print(f"skipping two bridges: {reason}", file=sys.stderr)
    rows: list[Row] = []
    for calls in _numbers(options.calls):
        rows += size(calls, options.seconds, f"{len(cores)} cores, one for the bridge", with_two=not reason)
    if options.rates:
        rows.append(set_up_rate(_numbers(options.rates)))
    if options.short_calls:
        rows += endurance(options.short_calls)
    show(rows)


def size(calls: int, seconds: float, machine: str, *, with_two: bool) -> list[Row]:
    """The rows of one size."""
    conditions = f"{calls} two-leg G.711 calls, {machine}"
    tick = 1 / os.sysconf("SC_CLK_TCK") / seconds  # the unit of CPU times: a few calls may cost none
    _say(f"{calls} calls")
    with bare() as subject:
        floor = asyncio.run(hold(subject, calls, seconds))
    with bridge() as subject:
        held = asyncio.run(hold(subject, calls, seconds))
    rows = [
        row("bridge calls held", held.active, "calls", conditions, at_least=calls),
        row("bridge CPU", 100 * held.cpu_share, "% of a core", conditions, at_most=100),
        row("pjsua2 alone CPU", 100 * floor.cpu_share, "% of a core", conditions),
        _ratio(calls, held.cpu_share / max(floor.cpu_share, tick), conditions),
        row("bridge memory a call", held.bytes_a_call / 1e6, "MB", conditions, at_most=0.5),
        _lost("frames lost", held, conditions),
        row("callers' own lateness p99", held.late_seconds, "s", conditions),
        row("callers' own CPU", 100 * held.callers_cpu_share, "% of a core", conditions),
    ]
    if with_two:
        with bridges(2) as subject:
            two = asyncio.run(hold(subject, calls, seconds))
        conditions = f"{conditions}, both on it, Kamailio in front"
        rows += [
            row("two bridges: calls held", two.active, "calls", conditions, at_least=calls),
            row("two bridges: CPU together", 100 * two.cpu_share, "% of a core", conditions, at_most=100),
            _lost("two bridges: frames lost", two, conditions),
            row("two bridges: callers' own lateness p99", two.late_seconds, "s", conditions),
        ]
    return rows


def set_up_rate(rates: Sequence[int]) -> Row:
    """The highest rate at which every call is placed in time, answered, heard and ended properly."""
    best, note = 0, "none"
    for rate in rates:
        _say(f"{rate} new calls a second")
        with bridge() as subject:
            tally, kept = asyncio.run(short_calls(subject, round(rate * RATE_SECONDS), rate))
        if not (tally.proper and kept):
            endings = ", ".join(f"{count} {ending}" for ending, count in sorted(tally.endings.items()))
            note += f"; at {rate}: {endings}" + ("" if kept else ", not placed in time")
            break
        best, note = rate, f"answered within {1000 * tally.answering.quantile_seconds(0.99):.0f} ms (p99)"
    conditions = f"calls of {SHORT_SECONDS:g} s, open loop for {RATE_SECONDS:g} s, one core for the bridge, {note}"
    return row("new calls set up and torn down", best, "calls a second", conditions, at_least=50)


def endurance(calls: int) -> list[Row]:
    """The effect of many short calls on held ones, and on a bridge's memory."""
    held = min(calls, HELD_CALLS)
    _say(f"{calls} short calls beside {held} held ones")
    with bridge() as subject:
        through = asyncio.run(
            short_calls_beside(subject, held, min(calls, WARM_UP_CALLS), calls, SHORT_CALLS_PER_SECOND)
        )
    rate = f"{SHORT_CALLS_PER_SECOND:g} a second" + ("" if through.kept else ", not placed in time")
    conditions = f"{calls} calls of {SHORT_SECONDS:g} s, {rate}, beside {held} held ones, one core for the bridge"
    endings = ", ".join(f"{count} {ending}" for ending, count in sorted(through.short.items()))
    before, after = through.before, through.after
    return [
        row("short calls not proper", through.improper, "calls", f"{conditions}: {endings}", at_most=0),
        row("held calls cut off", through.cut_off, "calls", conditions, at_most=0),
        row("calls that stand too much", through.active - held, "calls", conditions, at_most=0),
        _grown_memory(
            100 * (after / before - 1), f"{conditions}, after {WARM_UP_CALLS} more, from {before / 1e6:.1f} MB"
        ),
    ]


def _grown_memory(percent: float, conditions: str) -> Row:
    return row("memory after many short calls", percent, "% more", conditions, at_most=5)


def _ratio(calls: int, value: float, conditions: str) -> Row:
    target = 1.4 if calls >= RATIO_CALLS else None
    return row("bridge over pjsua2 alone", value, "ratio", conditions, at_most=target)


def _lost(metric: str, held: Held, conditions: str) -> Row:
    fates = ", ".join(f"{count:.0f} {fate}" for fate, count in held.lost.items() if count)
    return row(
        metric, sum(held.lost.values()), "frames", f"{conditions}, of {held.heard:.0f} ({fates or 'none'})", at_most=0
    )


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",") if part]


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
