"""Why a fork is refused: each reason with its SIP status, and the count of forks by outcome."""

from __future__ import annotations

from enum import Enum

from prometheus_client import Counter

FORKS = Counter("callvane_forks_total", "Forks (INVITEs) by outcome.", ["outcome"])
METADATA = Counter(
    "callvane_fork_metadata_total",
    "Forks by the result of reading their recording metadata; `complete` if all of it was readable.",
    ["result"],
)

RETRY_AFTER_SECONDS = 10
"""Value of Retry-After in a 503."""


class Refusal(Enum):
    """Why a fork is refused: outcome label, SIP status, reason phrase."""

    CAPACITY = ("refused_capacity", 503, "Capacity Reached")
    DIALOGS = ("refused_dialogs", 503, "Too Many Dialogs")
    CALL_DIALOGS = ("refused_call_dialogs", 503, "Too Many Dialogs Of One Call")
    HALF_OPEN = ("refused_half_open", 503, "Too Many Unacknowledged")
    OVERLOADED = ("refused_overloaded", 503, "Overloaded")
    DRAINING = ("refused_draining", 503, "Shutting Down")
    BACKLOG = ("refused_backlog", 503, "Messages Waiting")
    ANALYSIS = ("refused_analysis", 503, "Analysis Overloaded")
    PEER_CAPACITY = ("refused_peer_capacity", 503, "Your Calls Are Too Many")
    PEER_HALF_OPEN = ("refused_peer_half_open", 503, "Too Many Of Yours Unacknowledged")
    RATE = ("refused_rate", 503, "Too Many Calls At Once")
    REQUESTS = ("refused_requests", 503, "Too Many Requests At Once")
    FORBIDDEN = ("refused_forbidden", 403, "Forbidden")
    METHOD = ("refused_method", 405, "Method Not Allowed")
    OVERLONG = ("refused_overlong", 513, "Message Too Large")
    UNREADABLE = ("refused_unreadable", 400, "Unreadable Header")
    CHALLENGED = ("challenged", 401, "Unauthorized")
    CREDENTIALS = ("refused_credentials", 401, "Unauthorized")
    GUESSES = ("refused_guesses", 503, "Too Many Wrong Passwords")
    MALFORMED = ("refused_malformed", 400, "Malformed Body")
    NO_AUDIO = ("refused_no_audio", 488, "No Audio Offered")
    LEGS = ("refused_legs", 488, "Too Many Legs")
    UNACCEPTABLE = ("refused_unacceptable", 488, "Not Acceptable Here")
    FAILED = ("failed", 500, "Server Internal Error")

    def __init__(self, outcome: str, status: int, phrase: str) -> None:
        self.outcome = outcome
        self.status = status
        self.phrase = phrase


_NOT_OF_FORKS = (Refusal.REQUESTS, Refusal.METHOD, Refusal.OVERLONG, Refusal.UNREADABLE)
"""Refusals of requests that are not INVITEs, or were not parsed."""


# Create every series at startup, so that a rate is correct from the first event.
for _outcome in ("answered", "duplicate"):
    FORKS.labels(_outcome)
for _refusal in Refusal:
    if _refusal not in _NOT_OF_FORKS:
        FORKS.labels(_refusal.outcome)
