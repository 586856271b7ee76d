"""A raised voice, on the voices of the scenarios and on what is none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.shift.context_terms import LOUD
from analysis.words.voice import OPENING_SECONDS, Voice, measure
from testcall import scenario, ulaw, wav

RATE = 8_000


def spoken(name: str) -> list[np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """The customer's turns of a scenario."""
    audio = ulaw.decode(wav.read(scenario.load(name).audio_path("customer"))).astype(float)
    turns = scenario.load_manifest().scenarios[name].turns
    return [
        audio[int(turn.start_seconds * RATE) : int(turn.end_seconds * RATE)]
        for turn in turns
        if turn.party == "customer"
    ]


def pcm(samples: np.ndarray[tuple[int], np.dtype[np.float64]]) -> bytes:
    """As a bridge hands it over."""
    return np.clip(samples, -32768, 32767).astype("<i2").tobytes()


def shouted(samples: np.ndarray[tuple[int], np.dtype[np.float64]]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Three times as loud, brighter, and a fifth higher: every third sample is left out."""
    bright = samples - 0.7 * np.concatenate(([0.0], samples[:-1]))
    return 3 * np.delete(bright, np.s_[::3])


def deviations(name: str, last: str) -> float:
    """How far a scenario's last turn lies above all before it, as it is or shouted."""
    *before, final = spoken(name)
    voice = Voice()
    for turn in before * 4:
        measured = measure(pcm(turn), RATE)
        if measured:
            voice, _ = voice.heard(measured, len(turn) / RATE)
    assert voice.seconds >= OPENING_SECONDS
    measured = measure(pcm(shouted(final) if last == "shouted" else final), RATE)
    assert measured
    return voice.heard(measured, 3.0)[1]


@pytest.mark.parametrize("name", scenario.names())
def test_a_shout_is_told_from_the_callers_own_voice(name: str) -> None:
    """The same voice again counts for nothing; louder, brighter and higher counts."""
    assert deviations(name, "plain") < LOUD / 3 < deviations(name, "shouted")


def test_pitch_is_measured_in_semitones() -> None:
    """A hummed octave is twelve semitones, whatever its loudness."""
    time = np.arange(RATE) / RATE

    def hummed(hertz: float, level: float) -> float:
        tones = sum(np.sin(2 * np.pi * hertz * part * time) / part for part in range(1, 9))
        measured = measure(pcm(level * np.asarray(tones)), RATE)
        assert measured
        return measured[3]

    assert hummed(220, 9_000) - hummed(110, 3_000) == pytest.approx(12, abs=0.4)


def test_nothing_is_said_while_the_voice_is_not_known() -> None:
    """Until twenty seconds of the caller were heard, no utterance is raised."""
    voice, above = Voice().heard((-20.0, 900.0, 0.0, 14.0), 19.0)
    assert above == 0
    voice, above = voice.heard((0.0, 2_000.0, 10.0, 24.0), 2.0)
    assert above == 0
    _, above = voice.heard((0.0, 2_000.0, 10.0, 24.0), 2.0)
    assert above > 0


@pytest.mark.parametrize("audio", [b"", b"\0", bytes(16_000), b"\x01\x00" * 200, bytes(15_999)])
def test_what_is_no_voice_is_not_measured(audio: bytes) -> None:
    """Too short, silent, or half a sample too many."""
    assert measure(audio, RATE) is None


@settings(max_examples=30)
@given(st.binary(min_size=1, max_size=50), st.integers(0, 300), st.sampled_from([8_000, 16_000]))
def test_whatever_it_hears_it_stays_finite(part: bytes, times: int, rate: int) -> None:
    """Noise, clicks and overload give figures or none, never an exception."""
    measured = measure(part * times, rate)
    assert measured is None or all(np.isfinite(measured))
