"""The [bridge] section."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from sip_bridge.settings import BridgeSettings


def test_seconds_become_frames() -> None:
    """The segmenter's bounds are the settings in frames of 20 ms, the tail within the hangover."""
    speech = BridgeSettings(pre_roll_seconds=0.3, hangover_seconds=0.1, tail_seconds=0.5).speech
    assert (speech.pre_roll, speech.hangover, speech.tail, speech.maximum) == (15, 5, 5, 600)


def test_a_bridge_is_named_by_its_machine_and_port() -> None:
    """Unless it is named by the operator."""
    assert BridgeSettings(port=5070).name.endswith(":5070")
    assert BridgeSettings(bridge_id="east-1").name == "east-1"


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"rtp_port_min": 20_000, "rtp_port_max": 20_100}, "4 ports"),
        ({"agent_uri_patterns": ["["]}, "no regular expression"),
        ({"allowed_certificates": ["sbc"]}, "allowed_certificates needs"),
        ({"digest_users": {"sbc1": 4711}}, "digest_users"),
        ({"session_minimum_seconds": 200, "session_expires_seconds": 100}, "must not exceed"),
        ({"vad_aggressiveness": 4}, "less than or equal to 3"),
    ],
)
def test_what_does_not_fit_is_refused(values: dict[str, object], complaint: str) -> None:
    """Each fault is told in words."""
    with pytest.raises(ValidationError, match=complaint):
        BridgeSettings.model_validate(values)
