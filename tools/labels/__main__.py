"""`python -m tools.labels agreement|blind|check`: how far two hands agree, and what a labeller needs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.labels.agreement import rows
from tools.labels.blind import blind
from tools.labels.checking import check, summary
from tools.labels.files import FileError, everything, of_set, pairs, records, second_sets, sets, settled
from tools.labels.table import table

NAMED = 5
"""So many of the dialogues that are left to label are named."""


def main(arguments: Sequence[str] | None = None) -> int:
    """0: done; 1: a file has faults, and each is told; 2: a file or set that cannot be read, and one line says why."""
    parser = argparse.ArgumentParser(prog="python -m tools.labels", description=__doc__)
    steps = parser.add_subparsers(dest="step", required=True)
    agreement = steps.add_parser(
        "agreement",
        help="print how far the second hand agrees with the first, label by label, and whom the settled labels uphold",
    )
    agreement.add_argument("sets", nargs="*", metavar="SET", help="a file of second/, without .jsonl; default: all")
    unlabelled = steps.add_parser("blind", help="print dialogues without labels, for a second hand")
    unlabelled.add_argument("sets", nargs="+", metavar="SET", help=f"one or more of {', '.join(sets())}")
    unlabelled.add_argument("--count", type=int, metavar="N", help="a sample of so many; default: all")
    judged = steps.add_parser("check", help="print the faults in a writer's, a second hand's or a settled file")
    judged.add_argument("file", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    if options.step == "blind" and options.count is not None and options.count < 1:
        unlabelled.error("--count: expected 1 or more")
    try:
        if options.step == "agreement":
            known = everything()
            for named in options.sets or second_sets():
                both = pairs(named, known)
                print(f"{named}: {len(both)} dialogues\n\n{table(rows(both, settled(named, known)))}\n")
        elif options.step == "blind":
            print(blind([one for named in options.sets for one in of_set(named)], options.count), end="")
        else:
            return _check(options.file)
    except FileError as error:
        print(f"tools.labels: {error}", file=sys.stderr)
        return 2
    return 0


def _check(path: Path) -> int:
    checked = check(records(path), everything())
    for fault in checked.faults:
        print(f"{path}: {fault}")
    print(f"{path}: {summary(checked)}; faults: {len(checked.faults)}")
    if path.stem in sets():
        labelled = {hand.name for hand in checked.hands}
        missing = [one.hand.name for one in of_set(path.stem) if one.hand.name not in labelled]
        names = ", ".join(missing[:NAMED]) + (", …" if len(missing) > NAMED else "")
        print(f"{path}: {len(missing)} of {path.stem} left to label" + (f": {names}" if missing else ""))
    return 1 if checked.faults else 0


if __name__ == "__main__":
    sys.exit(main())
