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


def ending_of(status: int, phrase: str, confirmed: bool) -> Ending:
    """Why a dialog ended that we did not end: from the library's last status, its phrase, and whether ACK came."""
    if status == 408 and phrase.startswith("No session refresh"):
        return Ending.SESSION_EXPIRED
    if status == 487:
        return Ending.CANCELLED
    if status < 300:
        return Ending.BYE
    return Ending.PEER_ERROR if confirmed else Ending.NOT_ACKNOWLEDGED


# Every series is there from the start, so that a rate over it is right from the first event on.
for _ending in Ending:
    ENDED.labels(_ending)
