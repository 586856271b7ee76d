"""One-way audio and levels, as tables; then a call that is one-way at a running bridge."""

from __future__ import annotations

import numpy as np
import pytest

from sip_bridge.sound import CallSound, Fault, Sound
from tests.sip_bridge.running import bridge, recorder
from tests.sip_bridge.speaking import sentence

SPEECH, SILENCE = [True] * 5, [False] * 5


def tone(peak: int) -> bytes:
    """100 ms of a tone, as loud as the line allows at most."""
    wave = np.sin(np.arange(800) * 0.3) * peak
    return bytes(np.clip(wave, -32_124, 32_124).astype("<i2"))


def speak(sound: Sound, seconds: float, peak: int = 3_000) -> None:
    """Let a leg say something."""
    for _ in range(round(seconds * 10)):
        sound.take(tone(peak), SPEECH)


def test_a_leg_that_is_not_heard_while_the_other_speaks_is_told_of_once() -> None:
    """After so many seconds of the other's speech, in however many looks; silence of both is no fault."""
    call, customer, agent = CallSound(30), Sound(), Sound()
    legs = {"1": customer, "2": agent}
    speak(customer, 1)
    told = []
    for _ in range(60):
        speak(agent, 1)
        customer.take(tone(0), SILENCE)
        told.append(call.faults(legs))
    assert told.index([("1", Fault.ONE_WAY)]) == 30
    assert sum(map(len, told)) == 1
    for _ in range(600):
        agent.take(tone(0), SILENCE)
        assert call.faults(legs) == []


def test_a_leg_that_speaks_again_may_fall_silent_again() -> None:
    """Each time it is told of."""
    call, customer, agent = CallSound(5), Sound(), Sound()
    legs = {"1": customer, "2": agent}
    told = []
    for _ in range(3):
        speak(customer, 0.5)
        told += call.faults(legs)
        speak(agent, 6)
        told += call.faults(legs)
    assert told == [("1", Fault.ONE_WAY)] * 3


def test_a_leg_on_hold_is_no_one_way_audio() -> None:
    """Nothing is expected of it, and it has its whole time when it comes back."""
    call, customer, agent = CallSound(5), Sound(), Sound()
    legs = {"1": customer, "2": agent}
    customer.pause()
    speak(agent, 20)
    assert call.faults(legs) == []
    customer.take(b"", ())
    speak(agent, 4)
    assert call.faults(legs) == []
    speak(agent, 2)
    assert call.faults(legs) == [("1", Fault.ONE_WAY)]


def test_zero_never_tells_of_one_way_audio() -> None:
    """A bound of 0 switches it off; a call of one leg has nobody to compare with."""
    call, alone, silent = CallSound(0), Sound(), Sound()
    speak(alone, 100)
    assert call.faults({"1": alone, "2": silent}) == []
    assert CallSound(1).faults({"1": alone}) == []


@pytest.mark.parametrize(
    ("peak", "fault"),
    [(3_000, None), (30_000, None), (100, Fault.QUIET), (50_000, Fault.CLIPPED)],
    ids=["speech", "loud", "quiet", "clipped"],
)
def test_levels(peak: int, fault: Fault | None) -> None:
    """Ten seconds of speech are judged; once told, it is told again only after it was well."""
    call, sound = CallSound(30), Sound()
    speak(sound, 9, peak)
    assert call.faults({"1": sound}) == []
    speak(sound, 2, peak)
    assert call.faults({"1": sound}) == ([("1", fault)] if fault else [])
    speak(sound, 10, peak)
    assert call.faults({"1": sound}) == []
    speak(sound, 20)
    assert call.faults({"1": sound}) == []
    speak(sound, 20, peak)
    assert call.faults({"1": sound}) == ([("1", fault)] if fault else [])


async def test_one_way_audio_is_counted_and_logged(redis_url: str) -> None:
    """A call with one silent leg, at a running bridge."""
    with bridge(redis_url, one_way_seconds=1) as running:
        async with recorder(running, "one-way") as placed:
            response = await placed.invite(placed.offer("1", "2"))
            await placed.play(response, sentence("customer", 4.0), (b"\xff" * 160,) * 220)
            running.logged(r"\['one-way'\] the unknown's leg 2: one-way audio")
            await placed.ask("BYE")
        assert running.metric('callvane_audio_faults_total{kind="one_way"}') == 1
