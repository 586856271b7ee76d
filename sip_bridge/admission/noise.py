"""Counts refused requests of strangers and too fast peers, and logs them rarely. Pure: the clock is passed in."""

from __future__ import annotations

from ipaddress import IPv4Network

from prometheus_client import Counter

from service.rates import Seldom, address_in, source_of
from sip_bridge.admission.refusal import Refusal

TURNED_AWAY = Counter(
    "callvane_requests_turned_away_total",
    "Requests outside a dialog refused because of their sender, by reason and method.",
    ["reason", "method"],
)

METHODS = ("INVITE", "OPTIONS", "REGISTER", "SUBSCRIBE", "MESSAGE")
"""Methods counted by name; any other is `other`."""
REASONS = {
    Refusal.FORBIDDEN: "forbidden",
    Refusal.CREDENTIALS: "credentials",
    Refusal.GUESSES: "guesses",
    Refusal.RATE: "rate",
    Refusal.REQUESTS: "requests",
    Refusal.PEER_CAPACITY: "peer_capacity",
    Refusal.PEER_HALF_OPEN: "peer_half_open",
    Refusal.METHOD: "method",
    Refusal.OVERLONG: "overlong",
    Refusal.UNREADABLE: "unreadable",
}
"""Refusals caused by the sender."""


class Noise:
    """The requests one bridge has refused because of their senders."""

    def __init__(self) -> None:
        self._seldom = Seldom()
        self._latest = ""

    def note(self, refusal: Refusal, method: str, peer: str, count: int = 1) -> None:
        """Count `count` refused requests from this address. Ignores refusals that the sender did not cause."""
        if reason := REASONS.get(refusal):
            method = method if method in METHODS else "other"
            TURNED_AWAY.labels(reason, method).inc(count)
            self._seldom.add(count)
            self._latest = f"{method} from {network_of(peer)}: {reason}"

    def line(self, now: float) -> str:
        """The line to log now; usually empty. Names a network, never a caller. `now`: monotonic seconds."""
        count = self._seldom.due(now)
        return f"{count} requests refused because of their sender; the latest: {self._latest}" if count else ""


def network_of(peer: str) -> str:
    """The network of a peer's address: enough for an operator to recognise their own."""
    address = address_in(peer)
    if address is None:
        return "nowhere"
    return str(IPv4Network((address, 24), strict=False)) if address.version == 4 else source_of(peer)


# Create every series at startup, so that a rate is correct from the first event.
for _reason in REASONS.values():
    for _method in (*METHODS, "other"):
        TURNED_AWAY.labels(_reason, _method)
