"""The meaning of the library's final statuses: why it refused an INVITE itself, and why a dialog ended."""

from __future__ import annotations

import logging
import time

from service.rates import Seldom
from sip_bridge.admission.refusal import FORKS
from sip_bridge.calls.ending import Ending

REFUSALS = {
    400: "refused_malformed",
    415: "refused_content_type",
    420: "refused_extension",
    486: "refused_capacity",
    500: "refused_no_media",
    503: "refused_no_media",
}

_no_media = Seldom()

log = logging.getLogger(__name__)


def refused_by_library(status: int) -> None:
    """Count an INVITE that the library refused with `status` before the bridge saw it; log what an operator can fix.

    The library refuses with 500 if it finds no sockets; the door turns this into 503 on the way out.
    """
    outcome = REFUSALS.get(status, "refused_unacceptable" if status < 500 else "failed")
    FORKS.labels(outcome).inc()
    if outcome == "refused_no_media":
        _no_media.add()
        if count := _no_media.due(time.monotonic()):
            log.warning(
                "%d forks refused with %d because no RTP port or socket was free: check what else uses the ports from "
                "bridge.rtp_port_min to rtp_port_max, and the limit of open files",
                count,
                status,
            )


def ending_of(status: int, phrase: str, confirmed: bool) -> Ending:
    """Why a dialog that we did not end has ended. `status`, `phrase`: the library's last; `confirmed`: the ACK came."""
    if status == 408 and phrase.startswith("No session refresh"):
        return Ending.SESSION_EXPIRED
    if status == 487:
        return Ending.CANCELLED
    if status < 300:
        return Ending.BYE
    return Ending.PEER_ERROR if confirmed else Ending.NOT_ACKNOWLEDGED


for _outcome in REFUSALS.values():
    FORKS.labels(_outcome)
