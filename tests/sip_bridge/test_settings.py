"""The [bridge] section."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from sip_bridge.settings import MAX_DIALOGS, BridgeSettings, SipBridgeSettings


def test_seconds_become_frames() -> None:
    """The segmenter's bounds are the settings in frames of 20 ms, the tail within the hangover."""
    speech = BridgeSettings(pre_roll_seconds=0.3, hangover_seconds=0.1, tail_seconds=0.5).speech
    assert (speech.pre_roll, speech.hangover, speech.tail, speech.maximum) == (15, 5, 5, 600)


@pytest.mark.parametrize(
    ("ahead", "tail", "hangover", "frames"),
    [
        (0.2, 0.2, 0.4, 10),
        (0.1, 0.2, 0.4, 10),
        (0.3, 0.2, 0.4, 15),
        (0, 0.2, 0.4, 0),
        (0.4, 0.2, 0.4, 0),
        (0.2, 0.4, 0.4, 0),
    ],
)
def test_the_end_is_told_ahead_within_the_hangover(ahead: float, tail: float, hangover: float, frames: int) -> None:
    """Not before the tail is there; never where that leaves nothing to gain."""
    settings = BridgeSettings(ahead_seconds=ahead, tail_seconds=tail, hangover_seconds=hangover)
    assert settings.speech.ahead == frames


def test_a_bridge_is_named_by_its_machine_and_port() -> None:
    """Unless it is named by the operator."""
    assert BridgeSettings(port=5070).name.endswith(":5070")
    assert BridgeSettings(bridge_id="east-1").name == "east-1"


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"rtp_port_min": 20_000, "rtp_port_max": 20_100}, "4 ports"),
        ({"agent_uri_patterns": ["["]}, "not a regular expression"),
        ({"agent_uri_patterns": ["@example", "(a+)+$"]}, "possessive"),
        ({"allowed_certificates": ["sbc"]}, "allowed_certificates needs"),
        ({"digest_users": {"sbc1": 4711}}, "digest_users"),
        ({"session_minimum_seconds": 200, "session_expires_seconds": 100}, "must not exceed"),
        ({"vad_aggressiveness": 4}, "less than or equal to 3"),
        ({"allowed_peers": ["192.0.2.300"]}, "not an address, a network"),
        ({"allowed_peers": ["Any"]}, 'or "any"'),
    ],
)
def test_what_does_not_fit_is_refused(values: dict[str, object], complaint: str) -> None:
    """Each fault is told in words."""
    with pytest.raises(ValidationError, match=complaint):
        BridgeSettings.model_validate(values)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.9", "2001:db8::9", "bridge.example.com", ""])
def test_beyond_this_machine_somebody_is_named(host: str) -> None:
    """Who may fork is said, by address or certificate, or that anybody may; the message names setting and cure."""
    with pytest.raises(ValidationError, match=r'allowed_peers is empty.*list the PBXes.*\["any"\]'):
        SipBridgeSettings.model_validate({"bridge": {"host": host}})
    tls = {"transports": ["tls"], "tls_certificate": "a", "tls_key": "b", "tls_ca": "c"}
    for named in ({"allowed_peers": ["any"]}, {"allowed_peers": ["::1"]}, {"allowed_certificates": ["sbc"], **tls}):
        SipBridgeSettings.model_validate({"bridge": {"host": host, **named}})


def test_by_default_somebody_is_named() -> None:
    """Without any setting a bridge listens on all addresses, so it does not start."""
    with pytest.raises(ValidationError, match="allowed_peers is empty"):
        SipBridgeSettings.model_validate({})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost", "::ffff:127.0.0.1"])
def test_on_loopback_nobody_needs_to_be_named(host: str) -> None:
    """Only this machine reaches the bridge, and only this machine is let in."""
    settings = SipBridgeSettings.model_validate({"bridge": {"host": host}}).bridge
    assert settings.on_loopback
    assert settings.allowed_peers == ()


def test_the_library_has_slots_for_all_that_is_let_through() -> None:
    """Twice the calls, within what its build holds."""
    assert [BridgeSettings(max_calls=calls).max_dialogs for calls in (1, 500)] == [2, 1_000]
    assert BridgeSettings(max_calls=2_000).max_dialogs == MAX_DIALOGS
