"""Why forks are refused."""

from __future__ import annotations

from sip_bridge.admission.refusal import Refusal


def test_capacity_is_refused_so_that_a_balancer_goes_on() -> None:
    """Refusals that another bridge may not share are 503, whatever limit was reached; none is 486."""
    others = {Refusal.FORBIDDEN, Refusal.METHOD, Refusal.CHALLENGED, Refusal.CREDENTIALS, Refusal.MALFORMED}
    others |= {Refusal.NO_AUDIO, Refusal.LEGS, Refusal.UNACCEPTABLE, Refusal.FAILED}
    others |= {Refusal.OVERLONG, Refusal.UNREADABLE}
    assert {each.status for each in Refusal if each not in others} == {503}
    assert 486 not in {each.status for each in Refusal}
