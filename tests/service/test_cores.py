"""How many cores a process may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from service.cores import cores, quota_cores


@pytest.mark.parametrize(
    ("cpu_max", "found"),
    [("max 100000\n", 8), ("400000 100000\n", 4), ("250000 100000\n", 2), ("50000 100000\n", 1), ("9900000 100000", 8)],
)
def test_a_quota_counts_whole_cores_and_at_least_one(cpu_max: str, found: int) -> None:
    """Of eight allowed cores, a container's quota leaves as many as it pays for in full."""
    assert quota_cores(cpu_max, 8) == found


@pytest.mark.parametrize("cpu_max", [None, "", "rubbish", "1 2 3", "-1 x"])
def test_without_a_readable_quota_the_affinity_counts(tmp_path: Path, cpu_max: str | None) -> None:
    """A host without cgroups, and a file with something else in it, leave the cores that the process may run on."""
    path = tmp_path / "cpu.max"
    if cpu_max is not None:
        path.write_text(cpu_max)
    assert cores(path) == len(os.sched_getaffinity(0))
