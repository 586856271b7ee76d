"""`make eval`: one table over the available labelled sets, with OUT=file.json also as rows.

DIALOGUES=file.jsonl evaluates your own dialogues, CONFIG=file.toml adds the scorer from your own settings.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from analysis.scorers.choice import chosen_rules
from analysis.scorers.shipped import FEELING_RULES, FeelingScorer
from analysis.settings import AnalysisSection, AnalysisSettings
from analysis.shift.detector import ShiftRules
from bench.evaluation.budget import by_group, within_budget
from bench.evaluation.dialogues import Dialogue, DialogueError, read_jsonl, read_maia
from bench.evaluation.judges import ByWords, Chosen, FigureError, HeldOut, Labels, Length
from bench.evaluation.playing import Judge, Played, interruptions, play
from bench.evaluation.report import AUC, Entry, entry, show
from bench.evaluation.vader import VaderScorer
from bench.evaluation.word_errors import WordErrors
from service.settings import ConfigError, load

ROOT = Path(__file__).resolve().parents[2]
COMPOSED = ROOT / "tools" / "scorer" / "composed"
TESTS = ROOT / "tests" / "dialogues"
HELD_OUT = ROOT / "tools" / "scorer" / "heldout.json"
WORD_ERRORS = (0.0, 0.1, 0.2)
TARGETS = {AUC: 0.90, "onset F1": 0.65, "recovery F1": 0.60, "false alarms": 0.5, "calm dialogues alarmed": 0.03}
MAIA_TARGETS = {AUC: 0.80, "onset F1": 0.45}
INTERRUPTION_TARGETS = {"false alarms by time": 0.5, "calm dialogues alarmed": 0.03}
"""An interruption is a shift that went further: its targets are its false alarms, not finding everything."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A judge and its detector rules; the thresholds are found from the budgets."""

    name: str
    judge: Judge
    rules: ShiftRules
    held_out: Judge | None = None
    """The judge for the composed dialogues, if this one was trained on them."""
    on_trial: bool = False
    """Compared with the targets; otherwise a control."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A set of dialogues and its targets."""

    name: str
    dialogues: list[Dialogue]
    targets: dict[str, float]


def main() -> None:
    """Read the sets, play them, print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.evaluation", description=__doc__)
    parser.add_argument("--dialogues", type=Path, help="your own dialogues, as JSON lines")
    parser.add_argument(
        "--data", type=Path, default=ROOT.parent / "shared" / "data", help="folder that contains MAIA, if available"
    )
    parser.add_argument("--config", type=Path, help="settings whose scorer is also judged")
    options = parser.parse_args()
    own = options.dialogues or _named("DIALOGUES")
    try:
        section = _section(options.config or _named("CONFIG"))
        chosen = Chosen(section) if section else None
        held_out = HeldOut(HELD_OUT)
        files = [COMPOSED / f"{group}.jsonl" for group in held_out.groups]
        composed = Labelled("composed", [one for path in files for one in read_jsonl(path)], TARGETS)
        sets = list(_others(own, options.data))
    except (OSError, ConfigError, DialogueError, FigureError) as error:
        sys.exit(f"eval: {error}")
    shipped = ByWords(FeelingScorer())
    own_scorer = (
        [Judged(section.scorer, ByWords(chosen), chosen_rules(section), on_trial=True)] if section and chosen else []
    )
    entries: list[Entry] = []
    for rate in WORD_ERRORS:
        heard = [_misheard(each, rate) for each in (composed, *sets)]
        for judged in [*own_scorer, *_judges(shipped, held_out, rate)]:
            began = time.monotonic()
            entries += _evaluate(judged, rate, heard[0], heard[1:])
            print(f"{judged.name}, word error {rate:.0%}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    show(sorted(entries, key=lambda each: (each.dialogues, each.word_error)))
    if chosen:
        chosen.close()
        print(*(f"the language model's turns, {outcome}: {count:.0f}" for outcome, count in chosen.turns()), sep="\n")


def _named(variable: str) -> Path | None:
    """The file named by an environment variable."""
    return Path(os.environ[variable]) if os.environ.get(variable) else None


def _section(config: Path | None) -> AnalysisSection | None:
    """The user's settings, if they name a scorer other than the shipped one. Raises ConfigError."""
    section = load(AnalysisSettings, config).analysis if config else None
    return section if section and section.scorer != "feeling" else None


def _others(own: Path | None, data: Path) -> Iterator[Labelled]:
    """The sets other than the one that gives the thresholds."""
    if own:
        yield Labelled(own.name, read_jsonl(own), {})
        return
    yield Labelled("tests", [one for path in sorted(TESTS.glob("*.jsonl")) for one in read_jsonl(path)], TARGETS)
    if (data / "maia").is_dir():
        yield Labelled("MAIA", read_maia(data / "maia"), MAIA_TARGETS)
    else:
        print(f"skipping MAIA: no folder {data / 'maia'}; --data gives its parent folder", file=sys.stderr)


def _judges(shipped: Judge, held_out: Judge, rate: float) -> list[Judged]:
    """The judges to compare; labels stay the same whatever words were recognized."""
    judged = [
        Judged("Callvane", shipped, FEELING_RULES, held_out=held_out, on_trial=True),
        Judged("VADER", ByWords(VaderScorer()), ShiftRules()),
        Judged("length only", Length(), FEELING_RULES),
    ]
    return judged if rate else [*judged, Judged("labels", Labels(), FEELING_RULES)]


def _misheard(labelled: Labelled, rate: float) -> Labelled:
    if not rate:
        return labelled
    errors = WordErrors(labelled.dialogues)
    return Labelled(labelled.name, [errors.corrupt(one, rate, seed=1) for one in labelled.dialogues], labelled.targets)


def _evaluate(judged: Judged, rate: float, tuning: Labelled, sets: list[Labelled]) -> Iterator[Entry]:
    """The figures of one judge: on the tuning set with thresholds from the other groups, elsewhere from all of it."""
    confidence = 1.0 - rate
    judge = judged.held_out or judged.judge
    played, used = by_group(tuning.dialogues, judge, judged.rules, confidence)
    yield from _entries(judged, tuning, rate, played, used)
    rules = within_budget(tuning.dialogues, judge, judged.rules, confidence)
    for each in sets:
        played = [play(one, judged.judge, rules, confidence) for one in each.dialogues]
        yield from _entries(judged, each, rate, played, [rules])


def _entries(
    judged: Judged, labelled: Labelled, rate: float, played: list[Played], used: list[ShiftRules]
) -> Iterator[Entry]:
    """A line for all alerts and, for a judge on trial, one for interruptions."""
    yield entry(
        played,
        dialogues=labelled.name,
        judge=judged.name,
        word_error=rate,
        threshold=_spread([rules.threshold for rules in used]),
        targets=labelled.targets if judged.on_trial else {},
    )
    if judged.on_trial:
        yield entry(
            [interruptions(each) for each in played],
            dialogues=labelled.name,
            judge=f"{judged.name}, interruptions",
            word_error=rate,
            threshold=_spread([rules.interruption for rules in used]),
            targets=INTERRUPTION_TARGETS if labelled.targets else {},
        )


def _spread(thresholds: list[float]) -> str:
    low, high = min(thresholds), max(thresholds)
    return f"{low:g}" if low == high else f"{low:g}..{high:g}"


if __name__ == "__main__":
    main()
