"""Why forks are refused, and what is counted."""

from __future__ import annotations

import pytest

from sip_bridge.admission.refusal import FORKS, Refusal, refused_by_library


def test_capacity_is_refused_so_that_a_balancer_goes_on() -> None:
    """Refusals that another bridge may not share are 503, whatever limit was reached; none is 486."""
    others = {Refusal.FORBIDDEN, Refusal.METHOD, Refusal.CHALLENGED, Refusal.CREDENTIALS, Refusal.MALFORMED}
    others |= {Refusal.NO_AUDIO, Refusal.LEGS, Refusal.UNACCEPTABLE, Refusal.FAILED}
    others |= {Refusal.OVERLONG, Refusal.UNREADABLE}
    assert {each.status for each in Refusal if each not in others} == {503}
    assert 486 not in {each.status for each in Refusal}


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
