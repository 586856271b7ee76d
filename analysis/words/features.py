"""Turns an utterance's samples into the spectrogram that Whisper reads. Runs on a feature thread."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

MODEL_RATE_HZ = 16_000
FRAMES_PER_SECOND = 100
SHORTEST_SECONDS = 0.1
"""Less audio than this cannot hold a word."""

Samples = npt.NDArray[np.float32]
Spectrogram = npt.NDArray[np.float32]
"""Log-mel spectrogram, shape (mel bands, frames of 10 ms)."""


class Extractor(Protocol):
    """Samples at 16 kHz to log-mel."""

    def __call__(self, waveform: Any) -> Any:
        """The spectrogram of `waveform`."""


def _half_band(taps: int) -> Samples:
    place = np.arange(taps) - taps / 2 + 0.5
    kernel = np.sinc(place) * np.hamming(taps)
    half_band: Samples = (kernel / kernel.sum()).astype(np.float32)
    return half_band


_BETWEEN = _half_band(32)
"""Interpolates between two samples, from 16 on each side."""


def samples_of(pcm: bytes, rate_hz: int) -> Samples:
    """16-bit little-endian mono PCM as floats in -1 to 1 at 16 kHz; half a sample at the end is dropped."""
    samples = np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2").astype(np.float32) / 32768.0
    if rate_hz == MODEL_RATE_HZ or samples.size == 0:
        return samples
    if rate_hz * 2 == MODEL_RATE_HZ:
        taps = _BETWEEN.size
        doubled = np.empty(samples.size * 2, np.float32)
        doubled[0::2] = samples
        doubled[1::2] = np.convolve(np.pad(samples, (taps // 2 - 1, taps // 2)), _BETWEEN, "valid")
        return doubled
    places = np.arange(0, samples.size, rate_hz / MODEL_RATE_HZ)
    resampled: Samples = np.interp(places, np.arange(samples.size), samples).astype(np.float32)
    return resampled


def spectrogram(samples: Samples, extract: Extractor) -> Spectrogram | None:
    """The log-mel spectrogram of an utterance at 16 kHz; None if it is too short to hold a word."""
    if samples.size < SHORTEST_SECONDS * MODEL_RATE_HZ:
        return None
    return np.ascontiguousarray(extract(samples), np.float32)
