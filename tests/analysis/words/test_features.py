"""Samples to spectrograms."""

from __future__ import annotations

import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor
from hypothesis import given
from hypothesis import strategies as st

from analysis.words.features import MODEL_RATE_HZ, samples_of, spectrogram

EXTRACT = FeatureExtractor(feature_size=80)


def tone(rate_hz: int, seconds: float, hz: float = 440.0) -> bytes:
    """A sine as 16-bit PCM."""
    time = np.arange(int(rate_hz * seconds)) / rate_hz
    return (0.5 * 32767 * np.sin(2 * np.pi * hz * time)).astype("<i2").tobytes()


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 16_000])
def test_resampling_keeps_pitch_and_length(rate_hz: int) -> None:
    """A tone at any rate is the same tone at 16 kHz, and as long."""
    samples = samples_of(tone(rate_hz, 1.0), rate_hz)
    assert samples.size == pytest.approx(MODEL_RATE_HZ, abs=2)
    spectrum = np.abs(np.fft.rfft(samples[:MODEL_RATE_HZ]))
    assert int(spectrum.argmax()) == pytest.approx(440, abs=1)
    assert np.abs(samples).max() == pytest.approx(0.5, abs=0.02)


def test_doubling_adds_no_mirror() -> None:
    """A tone of 3 kHz at 8 kHz has no image at 5 kHz to speak of."""
    spectrum = np.abs(np.fft.rfft(samples_of(tone(8_000, 1.0, 3_000), 8_000)))
    assert spectrum[5_000] < spectrum[3_000] / 100


def test_a_spectrogram_has_a_frame_for_ten_milliseconds() -> None:
    """Two seconds give about 200 frames of 80 bands."""
    features = spectrogram(samples_of(tone(8_000, 2.0), 8_000), EXTRACT)
    assert features is not None
    assert features.dtype == np.float32
    assert features.shape[0] == 80
    assert features.shape[1] == pytest.approx(200, abs=2)


@pytest.mark.parametrize("pcm", [b"", b"\0", b"\0\0" * 700])
def test_too_little_audio_is_no_word(pcm: bytes) -> None:
    """Less than a tenth of a second has no spectrogram."""
    assert spectrogram(samples_of(pcm, 8_000), EXTRACT) is None


@given(st.binary(max_size=6_000), st.integers(8_000, 16_000))
def test_any_bytes_are_audio(pcm: bytes, rate_hz: int) -> None:
    """Half samples and any rate are taken."""
    features = spectrogram(samples_of(pcm, rate_hz), EXTRACT)
    assert features is None or np.isfinite(features).all()
