"""One-way audio and levels, as tables."""

from __future__ import annotations

import numpy as np
import pytest

from callbus import ConditionKind
from sip_bridge.hearing.sound import CallSound, Sound


def tone(peak: int) -> tuple[int, float, int]:
    """100 ms of a tone, as loud as the line allows at most: its frames, energy and clipped samples."""
    wave = np.clip(np.sin(np.arange(800) * 0.3) * peak, -32_124, 32_124).astype("<i2").astype(np.int64)
    return 5, float((wave**2).sum()), int((np.abs(wave) >= 32_000).sum())


SILENCE = (0, 0.0, 0)
"""A stretch without speech."""


def speak(sound: Sound, seconds: float, peak: int = 3_000) -> None:
    """Let a leg say something."""
    for _ in range(round(seconds * 10)):
        sound.take(*tone(peak))


def one_way(call: CallSound, legs: dict[str, Sound]) -> dict[str, float]:
    """The legs that nobody hears, each with the others' speech meanwhile."""
    return {leg: round(value, 1) for leg, kind, value in call.faults(legs) if kind is ConditionKind.ONE_WAY}


def test_a_leg_that_is_not_heard_while_the_other_speaks() -> None:
    """After so many seconds of the other's speech, in however many looks; silence of both is no fault."""
    call, customer, agent = CallSound(30), Sound(), Sound()
    legs = {"1": customer, "2": agent}
    speak(customer, 1)
    found = []
    for _ in range(40):
        speak(agent, 1)
        customer.take(*SILENCE)
        found.append(one_way(call, legs))
    assert found[28:31] == [{}, {}, {"1": 30.0}]
    for _ in range(600):
        agent.take(*SILENCE)
        assert one_way(call, legs) == {"1": 39.0}


def test_a_leg_that_speaks_again_may_fall_silent_again() -> None:
    """It is heard at once, and has its whole time anew."""
    call, customer, agent = CallSound(5), Sound(), Sound()
    legs = {"1": customer, "2": agent}
    found = []
    for _ in range(2):
        speak(customer, 0.5)
        found.append(one_way(call, legs))
        speak(agent, 6)
        found.append(one_way(call, legs))
    assert found == [{}, {"1": 6.0}, {}, {"1": 6.0}]


def test_a_leg_on_hold_is_no_one_way_audio() -> None:
    """Nothing is expected of it, and it has its whole time when it comes back."""
    call, customer, agent = CallSound(5), Sound(), Sound()
    legs = {"1": customer, "2": agent}
    customer.paused = True
    speak(agent, 20)
    assert call.faults(legs) == []
    customer.paused = False
    speak(agent, 4)
    assert call.faults(legs) == []
    speak(agent, 2)
    assert one_way(call, legs) == {"1": 6.0}


def test_zero_never_tells_of_one_way_audio() -> None:
    """A bound of 0 switches it off; a call of one leg has nobody to compare with."""
    call, alone, silent = CallSound(0), Sound(), Sound()
    speak(alone, 100)
    assert call.faults({"1": alone, "2": silent}) == []
    assert CallSound(1).faults({"1": alone}) == []


@pytest.mark.parametrize(
    ("peak", "kind", "value"),
    [
        (3_000, None, 0.0),
        (30_000, None, 0.0),
        (100, ConditionKind.NEAR_SILENT, -53.39),
        (50_000, ConditionKind.CLIPPED, 0.56),
    ],
    ids=["speech", "loud", "quiet", "clipped"],
)
def test_levels(peak: int, kind: ConditionKind | None, value: float) -> None:
    """Ten seconds of speech are judged, and stand until ten others are well."""
    call, sound = CallSound(30), Sound()
    speak(sound, 9, peak)
    assert call.faults({"1": sound}) == []
    speak(sound, 2, peak)
    found = [(leg, what, round(measured, 2)) for leg, what, measured in call.faults({"1": sound})]
    assert found == ([("1", kind, value)] if kind else [])
    speak(sound, 20)
    assert call.faults({"1": sound}) == []
