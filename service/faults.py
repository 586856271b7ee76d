"""Faults that a process survives: the failed operation is dropped, the rest continues; each is counted and logged."""

from __future__ import annotations

import logging
import time
from threading import Lock

from prometheus_client import Counter

FAULTS = Counter(
    "callvane_faults_total",
    "Internal faults by what failed: a SIP callback, a kind of event, a task. The process continued; see the log.",
    ["type"],
)

TOLD_EVERY_SECONDS = 60.0

_told: dict[str, tuple[float, int]] = {}
"""By what failed: when a fault was last logged (monotonic), and how many have gone unlogged since."""
_lock = Lock()


def survived(what: str, log: logging.Logger, call_id: str = "") -> None:
    """Count the exception being handled. Logs one per minute and kind, with its traceback. Any thread.

    `what` is a label value, so it must come from a fixed list.
    """
    FAULTS.labels(what).inc()
    now = time.monotonic()
    with _lock:
        at, unlogged = _told.get(what, (-TOLD_EVERY_SECONDS, 0))
        due = now - at >= TOLD_EVERY_SECONDS
        _told[what] = (now, 0) if due else (at, unlogged + 1)
    if due:
        more = f" ({unlogged} more since the last one logged)" if unlogged else ""
        log.exception("%s failed%s; continuing", what, more, extra={"call_id": call_id} if call_id else None)
