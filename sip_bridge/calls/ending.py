"""Why calls end, and metrics of open and ended calls."""

from __future__ import annotations

from enum import StrEnum

from prometheus_client import Counter, Gauge

ACTIVE = Gauge("callvane_calls_active", "Forked calls currently open.")
ENDED = Counter("callvane_calls_ended_total", "Forked calls that ended, by reason.", ["reason"])


class Ending(StrEnum):
    """Why a call ended."""

    BYE = "bye"
    CANCELLED = "cancelled"
    RTP_TIMEOUT = "rtp_timeout"
    SESSION_EXPIRED = "session_expired"
    NOT_ACKNOWLEDGED = "not_acknowledged"
    PEER_ERROR = "peer_error"
    SHUTDOWN = "shutdown"
    REFUSED = "refused"


# Create every series at startup, so that a rate is correct from the first event.
for _ending in Ending:
    ENDED.labels(_ending)
