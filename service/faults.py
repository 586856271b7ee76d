"""Faults that a process survives: what broke is given up, all else goes on, and each is counted and told."""

from __future__ import annotations

import logging
import time
from threading import Lock

from prometheus_client import Counter

FAULTS = Counter(
    "callvane_faults_total",
    "Faults in Callvane itself, by what broke: a SIP callback, a kind of event, a task. The rest went on; see the log.",
    ["type"],
)

TOLD_EVERY_SECONDS = 60.0

_told: dict[str, tuple[float, int]] = {}
"""By what broke: when a fault was logged last (monotonic), and how many have gone unlogged since."""
_lock = Lock()


def survived(what: str, log: logging.Logger, call_id: str = "") -> None:
    """Count the exception that is being handled. One of a kind is logged a minute, with its traceback. Any thread.

    `what` comes from a fixed list: it is a label's value.
    """
    FAULTS.labels(what).inc()
    now = time.monotonic()
    with _lock:
        at, unlogged = _told.get(what, (-TOLD_EVERY_SECONDS, 0))
        due = now - at >= TOLD_EVERY_SECONDS
        _told[what] = (now, 0) if due else (at, unlogged + 1)
    if due:
        more = f", {unlogged} more like it since the last one that was told" if unlogged else ""
        log.exception("%s broke%s; all else goes on", what, more, extra={"call_id": call_id} if call_id else None)
