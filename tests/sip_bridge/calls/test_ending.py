"""Why a dialog ended, from what the library says of it."""

from __future__ import annotations

import pytest

from sip_bridge.calls.ending import Ending, ending_of


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
