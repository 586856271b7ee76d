"""`python -m tools.fuzz`: coverage-guided hostile input for the readers of PBX messages; reports how much was tried."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

from tools.fuzz.bodies import invites
from tools.fuzz.mutation import MAX_BYTES

INPUT_SECONDS = 10
"""An input that takes longer counts as a finding."""


def main() -> int:
    """Exit status 0 if nothing was found; 1 if an input broke a reader: it is saved, and its file named."""
    parser = argparse.ArgumentParser(prog="python -m tools.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="how long (default: %(default)s)")
    parser.add_argument("--folder", type=Path, required=True, help="folder for useful inputs and findings")
    options = parser.parse_args()
    corpus = options.folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for name, invite in invites().items():
        (corpus / name).write_bytes(invite)
    limits = [f"-max_total_time={options.seconds}", f"-timeout={INPUT_SECONDS}", f"-max_len={MAX_BYTES}"]
    command = [sys.executable, "-m", "tools.fuzz.guided", str(corpus), *limits]
    ran = subprocess.run(
        [*command, f"-artifact_prefix={options.folder}/", "-print_final_stats=1"],
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        check=False,
    )
    counted = re.search(r"stat::number_of_executed_units: *(\d+)", ran.stderr)
    tried = f"{int(counted[1]):,} inputs" if counted else "an unknown number of inputs"
    if ran.returncode:
        print(ran.stderr[-4_000:])
        print(f"fuzz: {tried}, and one that broke a reader: see above")
        return 1
    print(
        f"fuzz: {tried} in {options.seconds} s, from {len(invites())} vendors' INVITEs; nothing raised, all in bounds"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
