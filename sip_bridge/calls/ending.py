"""Why a call ended, and how many calls are held."""

from __future__ import annotations

from enum import StrEnum

from prometheus_client import Counter, Gauge

ACTIVE = Gauge("callvane_calls_active", "Forked calls held at this moment.")
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


# Every series is there from the start, so that a rate over it is right from the first event on.
for _ending in Ending:
    ENDED.labels(_ending)
