"""The process's limit on open files and connections."""

from __future__ import annotations

import resource


def allowed() -> float:
    """The highest value the limit can be raised to."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return float("inf") if hard == resource.RLIM_INFINITY else hard


def allow(count: int) -> None:
    """Raise the limit to `count`, or as close as permitted. Never lowers it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, int(min(count, allowed()))), hard))
