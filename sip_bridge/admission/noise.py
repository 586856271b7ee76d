"""What strangers and hasty peers cost: counted by why and how, logged seldom. Pure: the clock is passed in."""

from __future__ import annotations

from ipaddress import IPv4Network

from prometheus_client import Counter

from service.rates import Seldom, address_in, source_of
from sip_bridge.admission.refusal import Refusal

TURNED_AWAY = Counter(
    "callvane_requests_turned_away_total",
    "Requests outside a call that were turned away because of who sent them, by why and by method.",
    ["reason", "method"],
)

METHODS = ("INVITE", "OPTIONS", "REGISTER", "SUBSCRIBE", "MESSAGE")
"""Those counted by name; any other is `other`."""
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
"""The refusals that are for their peer's sake."""


class Noise:
    """What one bridge has turned away."""

    def __init__(self) -> None:
        self._seldom = Seldom()
        self._latest = ""

    def note(self, refusal: Refusal, method: str, peer: str, count: int = 1) -> None:
        """So many requests of this address were turned away; nothing where that was not for its sake."""
        if reason := REASONS.get(refusal):
            method = method if method in METHODS else "other"
            TURNED_AWAY.labels(reason, method).inc(count)
            self._seldom.add(count)
            self._latest = f"{method} from {network_of(peer)}: {reason}"

    def line(self, now: float) -> str:
        """What is to be logged at this moment; mostly nothing. It names a network, never a caller."""
        count = self._seldom.due(now)
        return f"{count} requests turned away for their peer's sake, the latest {self._latest}" if count else ""


def network_of(peer: str) -> str:
    """The network that a peer's address is of: enough to know one's own by."""
    address = address_in(peer)
    if address is None:
        return "nowhere"
    return str(IPv4Network((address, 24), strict=False)) if address.version == 4 else source_of(peer)


# Every series is there from the start, so that a rate over it is right from the first event on.
for _reason in REASONS.values():
    for _method in (*METHODS, "other"):
        TURNED_AWAY.labels(_reason, _method)
