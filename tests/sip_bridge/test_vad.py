"""Speech and what is none, as the detector hears them."""

from __future__ import annotations

import numpy as np
import pytest
from sip_bridge.vad import VoiceActivity

from sip_bridge.segmenter import FRAME_SAMPLES
from sip_bridge.settings import BridgeSettings
from testcall import scenario, ulaw

RANDOM = np.random.default_rng(1)


def noise(amplitude: float) -> bytes:
    """Five seconds of white noise."""
    return (RANDOM.standard_normal(250 * FRAME_SAMPLES) * amplitude).astype(np.int16).tobytes()


@pytest.mark.parametrize("level", [0, 3, 30, 100])
def test_silence_and_line_noise_are_no_speech(level: float) -> None:
    """Digital silence and the hiss of a line hold hardly a voiced frame."""
    flags = VoiceActivity(BridgeSettings().vad_aggressiveness).flags(noise(level))
    assert len(flags) == 250
    assert sum(flags[25:]) < 10  # it takes half a second to know the noise


def test_speech_is_found_where_it_is() -> None:
    """In a scenario's audio, frames within turns are voiced and those between them are not."""
    payloads = scenario.load("turns_angry").payloads("customer")
    flags = VoiceActivity(BridgeSettings().vad_aggressiveness).flags(ulaw.decode(b"".join(payloads)).tobytes())
    inside = np.zeros(len(flags), bool)
    for turn in scenario.load_manifest().scenarios["turns_angry"].turns:
        if turn.party == "customer":
            inside[round(turn.start_seconds * 50) : round(turn.end_seconds * 50) + 15] = True
    voiced = np.array(flags)
    assert voiced[inside].mean() > 0.6
    assert voiced[~inside].mean() < 0.03
