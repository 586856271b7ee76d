"""How many processor cores this process may use: a container's share, not those of its host."""

from __future__ import annotations

import math
import os
from pathlib import Path

CPU_MAX = Path("/sys/fs/cgroup/cpu.max")
"""Within a container, its own quota (cgroup v2)."""


def cores(cpu_max: Path = CPU_MAX) -> int:
    """At least 1. A quota counts whole cores only: a thread too many costs more than it reads."""
    allowed = len(os.sched_getaffinity(0))
    try:
        return quota_cores(cpu_max.read_text(encoding="ascii"), allowed)
    except (OSError, ValueError):
        return allowed


def quota_cores(cpu_max: str, allowed: int) -> int:
    """Of `allowed` cores, as many as a quota leaves: `cpu.max` holds it and its period in µs, or `max` and a period.

    Raises ValueError if it holds something else.
    """
    quota, period = cpu_max.split()
    if quota == "max":
        return allowed
    return max(1, min(allowed, math.floor(int(quota) / int(period))) if int(period) else allowed)
