"""Why a dialog ended, from what the library says of it."""

from __future__ import annotations

import pytest

from sip_bridge.outcome import Ending, Refusal, ending


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
    assert ending(status, phrase, confirmed) is expected


def test_capacity_is_refused_so_that_a_balancer_goes_on() -> None:
    """Refusals that another bridge may not share are 503."""
    assert {refusal.status for refusal in (Refusal.CAPACITY, Refusal.OVERLOADED, Refusal.DRAINING)} == {503}
