"""`python -m analysis budget`: the thresholds that keep a false-alarm budget on an operator's own calm calls."""

from __future__ import annotations

import argparse
import asyncio
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from analysis.budget.calm_calls import LEGS, WORDS_PER_MINUTE, CallsError, CalmCall, read_calls
from analysis.call.conversation import Conversation, hear, weighed
from analysis.call.party import Party
from analysis.scorers.choice import chosen_rules, chosen_scoring
from analysis.scorers.scoring import Scoring
from analysis.settings import AnalysisSettings
from analysis.shift.detector import Evidence, ShiftRules
from callbus import ShiftKind, Tier
from service.settings import ConfigError, load

CONFIDENCE = 0.9
"""Confidence of the promise: more calls like these exceed the rate with a chance of one in ten."""
THRESHOLDS = tuple(round(0.3 + 0.05 * step, 2) for step in range(75))
"""0.3 to 4: the level cannot fall further below a calm opening."""
PROGRESS_SECONDS = 5.0

Known = dict[str, list[Evidence]]
"""What was heard of each party of a scored call."""


@dataclass(frozen=True, slots=True)
class Promise:
    """A tier's threshold, and its result on the calm calls."""

    tier: Tier
    budget: float
    """False alarms per call-hour."""
    threshold: float | None
    """None if no threshold can promise the budget."""
    alarms: int
    """With that threshold, or with the highest if there is none."""
    hours: float

    @property
    def at_most(self) -> float:
        """Upper bound of the rate, per call-hour."""
        return most_likely(self.alarms) / self.hours

    @property
    def hours_missing(self) -> float:
        """Hours of further calm calls, without another alarm, that would keep the budget."""
        return most_likely(self.alarms) / self.budget - self.hours


def most_likely(events: int, confidence: float = CONFIDENCE) -> float:
    """The highest Poisson mean at which at most `events` events still have a probability of 1 - confidence.

    The exact one-sided bound: half the chi-square quantile with 2 (events + 1) degrees of freedom (Garwood 1936).
    """
    low, high = 0.0, 10.0 + 3.0 * events
    while high - low > 1e-6 * high:
        mean = (low + high) / 2
        log_chances = [count * math.log(mean) - mean - math.lgamma(count + 1) for count in range(events + 1)]
        if math.fsum(map(math.exp, log_chances)) > 1 - confidence:
            low = mean
        else:
            high = mean
    return high


def promise(calls: Sequence[Known], hours: float, rules: ShiftRules, budgets: tuple[float, float]) -> list[Promise]:
    """The lowest thresholds for marks and interruptions whose upper bounds keep their budgets, per call-hour."""
    found = []
    for tier, budget in zip((Tier.MARK, Tier.INTERRUPTION), budgets, strict=True):
        chosen: float | None = None
        alarms = 0
        for threshold in reversed(THRESHOLDS):
            if tier is Tier.INTERRUPTION and threshold < rules.threshold:
                break
            tried = _with(rules, tier, threshold)
            heard = sum(_alarms(call, tried, tier) for call in calls)
            if most_likely(heard) / hours > budget:
                alarms = alarms if chosen else heard
                break
            chosen, alarms = threshold, heard
        found.append(Promise(tier, budget, chosen, alarms, hours))
        rules = _with(rules, tier, chosen or THRESHOLDS[-1])
    return found


def _with(rules: ShiftRules, tier: Tier, threshold: float) -> ShiftRules:
    if tier is Tier.MARK:
        return replace(rules, threshold=threshold, interruption=math.inf)
    return replace(rules, interruption=threshold)


def _alarms(call: Known, rules: ShiftRules, tier: Tier) -> int:
    """Alarms of a tier; a mark that becomes an interruption is not a second mark."""
    alarms = 0
    for heard in call.values():
        party = Party()
        for evidence in heard:
            party, shift = party.seen(evidence, rules)
            if shift and shift.kind is ShiftKind.WORSENED:
                alarms += shift.marked is None if tier is Tier.MARK else shift.tier is tier
    return alarms


async def evidence_of(call: CalmCall, scoring: Scoring) -> Known:
    """Play a call into a conversation. Returns every score of its customer, unfinished turns included."""
    heard_so_far = Conversation(call.name, 0.0, LEGS)
    known: Known = {}
    for said in call.said:
        heard = hear(heard_so_far, said)
        heard_so_far = heard.conversation
        if heard.turn and heard.scored:
            turn = heard.turn
            _, evidence = weighed(heard_so_far, turn, await scoring.score(turn, heard_so_far.before(turn)))
            known.setdefault(turn.party, []).append(evidence)
    return known


async def _all_evidence(calls: Sequence[CalmCall], scoring: Scoring) -> list[Known]:
    scoring.begin()
    known = []
    told = time.monotonic()
    try:
        for number, call in enumerate(calls, 1):
            known.append(await evidence_of(call, scoring))
            if time.monotonic() - told >= PROGRESS_SECONDS:
                told = time.monotonic()
                print(f"{number} of {len(calls)} calls scored", file=sys.stderr, flush=True)
    finally:
        await scoring.close()
    return known


def main(arguments: list[str]) -> int:
    """Print the table and the settings. 0: promised; 1: too few calls for that; 2: bad input or settings."""
    parser = argparse.ArgumentParser(prog="python -m analysis budget", description=__doc__)
    parser.add_argument("calls", nargs="+", type=Path, help="files, or folders of .jsonl files, of calm calls")
    parser.add_argument("--config", metavar="FILE", help="TOML file: the scorer and the budgets")
    parser.add_argument(
        "--words-per-minute", type=float, default=WORDS_PER_MINUTE, help="how fast calls without times are spoken"
    )
    parser.add_argument("--write", metavar="FILE", type=Path, help="also write the settings to this file")
    options = parser.parse_args(arguments)
    try:
        if not 40 <= options.words_per_minute <= 400:
            raise CallsError("--words-per-minute: must be 40 to 400")
        section = load(AnalysisSettings, options.config).analysis
        calls = read_calls(options.calls, options.words_per_minute)
        known = asyncio.run(_all_evidence(calls, chosen_scoring(section)))
        budgets = (section.mark_false_alarms_per_call_hour, section.interruption_false_alarms_per_call_hour)
        hours = sum(call.seconds for call in calls) / 3600
        promises = promise(known, hours, chosen_rules(section), budgets)
        kept = _report(calls, hours, promises, options.words_per_minute)
        if kept and options.write:
            options.write.write_text(_settings(promises), "utf-8")
    except (CallsError, ConfigError, OSError) as error:
        print(f"analysis budget: {error}", file=sys.stderr)
        return 2
    return 0 if kept else 1


def _report(calls: Sequence[CalmCall], hours: float, promises: Sequence[Promise], words_per_minute: float) -> bool:
    reckoned = sum(not call.timed for call in calls)
    guess = f"; the times of {reckoned} are estimated at {words_per_minute:g} words a minute" if reckoned else ""
    print(f"{len(calls)} calm calls, {hours:.2f} hours{guess}")
    print(
        f"{'tier':<14}{'budget/h':>9}{'threshold':>11}{'alarms':>8}{'per hour':>10}{f'at most ({CONFIDENCE:.0%})':>15}"
    )
    for one in promises:
        threshold = "-" if one.threshold is None else f"{one.threshold:.2f}"
        print(
            f"{one.tier:<14}{one.budget:>9.2f}{threshold:>11}{one.alarms:>8}{one.alarms / hours:>10.2f}"
            f"{one.at_most:>15.2f}"
        )
    missing = [one for one in promises if one.threshold is None]
    for one in missing:
        print(
            f"{one.tier}: too few calm calls to promise {one.budget:g} an hour; "
            f"{one.hours_missing:.2f} more hours are needed",
            file=sys.stderr,
        )
    if not missing:
        print(f"\n{_settings(promises)}", end="")
    return not missing


def _settings(promises: Sequence[Promise]) -> str:
    return "[analysis]\n" + "".join(f"{one.tier}_threshold = {one.threshold:g}\n" for one in promises)
