"""`make eval`: one table over the available labelled sets, with OUT=file.json also as rows.

DIALOGUES=file.jsonl evaluates your own dialogues, CONFIG=file.toml adds the scorer from your own settings. MISSES=1
counts what Callvane misses on the test dialogues by their style, and with VERBOSE=1 names the turns.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from analysis.settings import AnalysisSection, AnalysisSettings
from bench.evaluation.dialogues import DialogueError
from bench.evaluation.evaluating import CLEAN, evaluate, played
from bench.evaluation.judges import Chosen, FigureError, HeldOut
from bench.evaluation.misses import misses, told
from bench.evaluation.plan import plan
from bench.evaluation.report import Table
from bench.evaluation.sets import ROOT
from service.settings import ConfigError, load

HELD_OUT = ROOT / "tools" / "scorer" / "heldout.json"


def main() -> None:
    """Read the sets, play them, print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.evaluation", description=__doc__)
    parser.add_argument("--dialogues", type=Path, help="your own dialogues, as JSON lines")
    parser.add_argument(
        "--data", type=Path, default=ROOT.parent / "shared" / "data", help="folder that contains MAIA, if available"
    )
    parser.add_argument("--config", type=Path, help="settings whose scorer is also judged")
    options = parser.parse_args()
    try:
        section = _section(options.config or _named("CONFIG"))
        chosen = Chosen(section) if section else None
        planned = plan(HeldOut(HELD_OUT), chosen, options.dialogues or _named("DIALOGUES"), options.data)
    except (OSError, ConfigError, DialogueError, FigureError) as error:
        sys.exit(f"eval: {error}")
    table = Table()
    for labelled, judges in planned.lines:
        for judged in judges:
            began = time.monotonic()
            for entry in evaluate(labelled, judged):
                table.add(entry)
            print(f"{labelled.name}, {judged.name}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    table.close()
    for labelled, judged in planned.inspected if os.environ.get("MISSES") else ():
        (run,) = played(labelled, judged, CLEAN)
        print(f"\n{labelled.name} ({labelled.truth}), {judged.name}:")
        print(*told(misses(labelled.dialogues, run), verbose=bool(os.environ.get("VERBOSE"))), sep="\n")
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


if __name__ == "__main__":
    main()
