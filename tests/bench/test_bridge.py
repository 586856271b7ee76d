"""The bench of bridges, with a few calls: what it prints, not how fast this machine is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.bench.printed import rows


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
def test_every_figure_is_a_row(tmp_path: Path) -> None:
    """Calls are held, heard and ended properly, and each figure has its target where there is one."""
    options = ["--calls", "3", "--seconds", "1", "--rates", "5", "--short-calls", "5"]
    found = rows("bench.bridge", options, tmp_path / "rows.json")
    assert found["bridge calls held"]["value"] == 3
    assert {name for name, each in found.items() if each["target"] is not None} >= {
        "bridge CPU",
        "bridge memory a call",
        "frames lost",
        "new calls set up and torn down",
        "memory after many short calls",
        "short calls not proper",
        "held calls cut off",
        "calls that stand too much",
    }
    rate = found["new calls set up and torn down"]
    assert rate["value"] == 5 or "not placed in time" in rate["conditions"]  # a busy machine is no failure
    assert [found[name]["value"] for name in ("short calls not proper", "held calls cut off")] == [0, 0]
