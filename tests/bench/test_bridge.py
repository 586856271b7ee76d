"""The bench of bridges, with a few calls: what it prints, not how fast this machine is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
def test_every_figure_is_a_row(tmp_path: Path) -> None:
    """Calls are held, heard and ended properly, and each figure has its target where there is one."""
    out = tmp_path / "rows.json"
    options = ["--calls", "3", "--seconds", "1", "--rates", "5", "--short-calls", "5"]
    subprocess.run(
        [sys.executable, "-m", "bench.bridge", *options],
        cwd=ROOT,
        env={**os.environ, "OUT": str(out)},
        check=True,
        timeout=240,
        capture_output=True,
    )
    rows = {each["metric"]: each for each in json.loads(out.read_text())}
    assert rows["bridge calls held"]["value"] == 3
    assert {name for name, each in rows.items() if each["target"] is not None} >= {
        "bridge CPU",
        "bridge memory a call",
        "frames lost",
        "new calls set up and torn down",
        "memory after many short calls",
        "short calls not proper",
        "held calls cut off",
        "calls that stand too much",
    }
    rate = rows["new calls set up and torn down"]
    assert rate["value"] == 5 or "not placed in time" in rate["conditions"]  # a busy machine is no failure
    assert [rows[name]["value"] for name in ("short calls not proper", "held calls cut off")] == [0, 0]
