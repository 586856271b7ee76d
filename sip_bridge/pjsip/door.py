"""The first check of each SIP request, before the library processes it. One of the files that use pjsua2.

In C++ (`deploy/pjsua2/native/door`): messages from outside the allow-list, or with a head longer than any recorder's,
are dropped unparsed and unanswered, and their connections closed; methods that a recorder does not need get 405. Here:
each request that starts something is judged once, and refused before it takes one of the library's call slots.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pjsua2 as pj
from prometheus_client import Counter

from service.faults import survived
from sip_bridge.admission.admission import Refused, Request
from sip_bridge.admission.noise import Noise
from sip_bridge.admission.peers import Peers, address_of
from sip_bridge.admission.refusal import FORKS, Refusal
from sip_bridge.pjsip.certificates import NO_NAMES, Connections
from sip_bridge.request import description
from sip_bridge.request.description import Abilities

CLOSED = Counter(
    "callvane_connections_closed_total",
    "TCP and TLS connections closed by the bridge: forbidden address, too many, or too slow to send or to read.",
    ["reason"],
)
STARVED = Counter("callvane_listener_starved_total", "Connections delayed because no file descriptor was free.")
for _reason in ("forbidden", "crowded", "overdue", "unread"):
    CLOSED.labels(_reason)

log = logging.getLogger(__name__)


class Door(pj.Door):  # type: ignore[misc] # pjsua2 ships no types
    """The door of one bridge. Everything runs on the library's thread."""

    def __init__(
        self,
        judge: Callable[[Request], Refused | None],
        connections: Connections,
        noise: Noise,
        abilities: Abilities,
    ) -> None:
        """`judge`: returns the refusal of a request, or None to admit it. `abilities`: what the bridge can receive."""
        super().__init__()
        self._abilities = abilities
        self._judge = judge
        self._connections = connections
        self._noise = noise
        self._told = self.counts()

    def let_in(self, peers: Peers, connections: int) -> None:
        """Set the allowed peers and the maximum number of TCP and TLS connections."""
        self.limitConnections(connections)
        self.allow([str(each) for each in peers.networks], peers.anybody, bool(peers.names))

    def onRequest(self, request: Any) -> None:
        """An INVITE or OPTIONS outside a dialog. The library processes it unless it is refused here."""
        try:
            refused = self._refused(request)
        except Exception:
            survived("onRequest", log)
            refused = Refused(Refusal.FAILED)
        if refused is None:
            return
        if request.method == "INVITE":
            FORKS.labels(refused.refusal.outcome).inc()
            if refused.warning:
                log.info("fork refused: %s", refused.warning)
        if refused.refusal is Refusal.FORBIDDEN:  # over TLS, because of its certificate
            request.ignore()
            return
        request.refuse(refused.refusal.status, refused.refusal.phrase)
        for name, value in refused.headers:
            request.addHeader(name, value)

    def onDescription(self, text: str) -> str:
        """Return the session description that the library reads in place of `text`."""
        try:
            return description.readable(text.encode("utf-8", "surrogateescape"), self._abilities)
        except Exception:
            survived("onDescription", log)
            return text

    def _refused(self, request: Any) -> Refused | None:
        names = self._connections.names(request.source) if request.secure else NO_NAMES
        raw = request.message.encode("utf-8", "surrogateescape")
        return self._judge(Request(request.method, address_of(request.source), raw, names))

    def look_round(self, now: float) -> None:
        """Close overdue connections and count what was refused; call every few seconds. `now`: monotonic seconds."""
        self.sweep(now)
        counts, before = self.counts(), self._told
        for refusal, method, count in (
            (Refusal.FORBIDDEN, "INVITE", counts.foreignInvites - before.foreignInvites),
            (Refusal.FORBIDDEN, "other", counts.foreignOthers - before.foreignOthers),
            (Refusal.METHOD, "other", counts.methods - before.methods),
            (Refusal.OVERLONG, "other", counts.overlong - before.overlong),
            (Refusal.UNREADABLE, "other", counts.unreadable - before.unreadable),
        ):
            if count:
                self._noise.note(refusal, method, counts.latest, count)
        FORKS.labels(Refusal.FORBIDDEN.outcome).inc(counts.foreignInvites - before.foreignInvites)
        CLOSED.labels("forbidden").inc(counts.foreignConnections - before.foreignConnections)
        CLOSED.labels("crowded").inc(counts.crowded - before.crowded)
        CLOSED.labels("overdue").inc(counts.overdue - before.overdue)
        CLOSED.labels("unread").inc(counts.unread - before.unread)
        if starved := counts.starved - before.starved:
            STARVED.inc(starved)
            log.warning("no file descriptors left for connections: raise `ulimit -n`, or check who holds so many")
        self._told = counts
