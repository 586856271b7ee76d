"""What the library's final statuses mean."""

from __future__ import annotations

import pytest

from sip_bridge.admission.refusal import FORKS
from sip_bridge.calls.ending import Ending
from sip_bridge.pjsip.statuses import ending_of, refused_by_library


@pytest.mark.parametrize(
    ("status", "phrase", "confirmed", "expected"),
    [
        (200, "Normal call clearing", True, Ending.BYE),
        (487, "Request Terminated", False, Ending.CANCELLED),
        (408, "No session refresh received.", True, Ending.SESSION_EXPIRED),
        (408, "Request Timeout", False, Ending.NOT_ACKNOWLEDGED),
        (408, "Request Timeout", True, Ending.PEER_ERROR),
        (503, "Connection reset", True, Ending.PEER_ERROR),
        (500, "Server Internal Error", False, Ending.NOT_ACKNOWLEDGED),
    ],
)
def test_endings(status: int, phrase: str, confirmed: bool, expected: Ending) -> None:
    """Each way of ending has its name."""
    assert ending_of(status, phrase, confirmed) is expected


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (400, "refused_malformed"),
        (420, "refused_extension"),
        (488, "refused_unacceptable"),
        (486, "refused_capacity"),
        (500, "refused_no_media"),
        (503, "refused_no_media"),
        (513, "failed"),
    ],
)
def test_what_the_library_refuses_is_counted(status: int, outcome: str) -> None:
    """By its status: a bridge without RTP ports is told from one that is broken."""
    before = FORKS.labels(outcome)._value.get()
    refused_by_library(status)
    assert FORKS.labels(outcome)._value.get() == before + 1
