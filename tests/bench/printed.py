"""What a bench prints: its rows, from a real run of it in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def rows(module: str, options: list[str], out: Path) -> dict[str, dict[str, Any]]:
    """Run a bench and return its rows by metric, in their order; CalledProcessError if it fails."""
    subprocess.run(
        [sys.executable, "-m", module, *options],
        cwd=ROOT,
        env={**os.environ, "OUT": str(out)},
        check=True,
        timeout=240,
        capture_output=True,
    )
    return {each["metric"]: each for each in json.loads(out.read_text())}
